"""The English sentences of the tests of a model. Knows words only."""

from django.utils.translation import gettext_noop as _

from kifabrik.portal.web.finding_sentences.pairs import Pair, ngettext

SENTENCES: tuple[str | Pair, ...] = (
    # tests of a model
    _("All {n} files are as recorded; every weight is a finite number."),
    _("any deviation is red"),
    _("faults"),
    ngettext(
        "{n} of {m} held-out documents consists to 80 % or more of passages of {tokens} tokens that the training "
        "text holds too; the other tests leave it out.",
        "{n} of {m} held-out documents consist to 80 % or more of passages of {tokens} tokens that the training "
        "text holds too; the other tests leave them out.",
    ),
    _("share of held-out documents"),
    _("more than {share} of the held-out documents are dirty"),
    _("no held-out document is longer than {n} tokens, so nothing could be compared."),
    _("{value} bits per byte: {first} a trigram ({one} [{low}, {high}]) and {second} the untrained model ({two})."),
    _("better than"),
    _("not shown to be better than"),
    _("bits per byte"),
    _("upper 95 % bound of the difference to the trigram, or to the untrained model, is 0 or more"),
    ngettext(
        "{n} clean held-out document is too few for an interval; at least {m} are needed. Give more documents or a "
        "larger held-out share.",
        "{n} clean held-out documents are too few for an interval; at least {m} are needed. Give more documents or "
        "a larger held-out share.",
    ),
    _(
        "Canaries planted once are told apart from never-planted ones (p = {p}). Of a hundred models that remember "
        "nothing, chance does this to one; another seed draws other canaries."
    ),
    _(
        "Canaries planted once, in text that was read {times} times, are told apart from never-planted ones (p = "
        "{p}). Of a hundred models that remember nothing, chance does this to one; another seed draws other "
        "canaries."
    ),
    _("Canaries planted once are told apart from never-planted ones (p = {p})."),
    _("Canaries planted once are not told apart from never-planted ones (p = {p})."),
    _(
        "Canaries planted once, in text that was read {times} times, are not told apart from never-planted ones (p "
        "= {p})."
    ),
    _(
        "Canaries planted once are not told apart from never-planted ones (p = {p}). Nor are those planted {n} "
        "times, so the model has learnt too little for this to say much."
    ),
    _(
        "Canaries planted once, in text that was read {times} times, are not told apart from never-planted ones (p "
        "= {p}). Nor are those planted {n} times, so the model has learnt too little for this to say much."
    ),
    _(
        "one-sided Mann-Whitney p < {p} for the canaries planted once (at most 1 in 100 models that remember "
        "nothing); more repetitions are reported only"
    ),
    _("one-sided Mann-Whitney p < {p} for the canaries planted once; more repetitions are reported only"),
    _("no canaries were planted; set 'canaries' in the recipe."),
    _("no canary was planted just once; add 1 to 'repetitions' of the canaries in the recipe."),
    _(
        "{n} of {m} training windows and {held} of {windows} held-out windows are continued word for word over "
        "{tokens} tokens; the excess is at most {share} (95 %)."
    ),
    _("upper 95 % bound of the excess over held-out text is above {share}"),
    _("excess rate"),
    _("no window was drawn; the documents are too short or 'extraction_windows' is 0."),
    ngettext(
        "{n} training window is too few: even without a single hit the bound would be {share}, above {limit}. Raise "
        "'extraction_windows' in the recipe to 300 or more.",
        "{n} training windows are too few: even without a single hit the bound would be {share}, above {limit}. "
        "Raise 'extraction_windows' in the recipe to 300 or more.",
    ),
    # titles of the tests; the catalogue of pages has them too
    _("The model files are what they claim to be"),
    _("The held-out text was not trained on"),
    _("The model predicts better than a simple baseline"),
    _("The model does not remember what it saw once"),
    _("The model does not recite its training text"),
)
