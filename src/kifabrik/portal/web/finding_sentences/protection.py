"""The English sentences about data protection of a dataset. Knows words only."""

from django.utils.translation import gettext_noop as _

from kifabrik.portal.web.finding_sentences.pairs import Pair, ngettext

SENTENCES: tuple[str | Pair, ...] = (
    # data protection of a dataset
    _("No identifier of a person was found, and no role for personal data is declared. Names were not looked for."),
    _("No identifier of a person was found, and no role for personal data is declared."),
    _("Identifiers of persons were found, but nobody declared a role for them."),
    _("Declare controller or processor; if you only keep the texts for somebody else, you are a processor."),
    _("No legal basis is declared."),
    _("Choose one of Article 6(1)."),
    _("No purpose is declared."),
    _("Say in a sentence what the texts are used for."),
    _("No end of storage is declared."),
    _("Declare the day on which the copies go."),
    _("The texts were to be deleted by {day}."),
    _("Delete the copies here and on the clusters, or declare a later day and why."),
    _("Whether the texts hold special categories of personal data (health, belief, origin ...) is not declared."),
    _("Look at a sample and declare it."),
    _("Special categories of personal data are declared, but no exception of Article 9(2)."),
    _("Name the exception beside the legal basis, for example “6(1)(a), 9(2)(a)”, or take these texts out."),
    ngettext(
        "An impact assessment is not asked for by these criteria: {n} of 9 criteria holds ({criteria}).",
        "An impact assessment is not asked for by these criteria: {n} of 9 criteria hold ({criteria}).",
    ),
    ngettext(
        "The controller has to make an impact assessment: {n} of 9 criteria holds ({criteria}).",
        "The controller has to make an impact assessment: {n} of 9 criteria hold ({criteria}).",
    ),
    _("Ask the controller for it and help with what you know (Article 28(3)(f))."),
    _("An impact assessment was made: {note}"),
    ngettext(
        "Declared as not needed ({note}), although {n} of 9 criteria holds ({criteria}).",
        "Declared as not needed ({note}), although {n} of 9 criteria hold ({criteria}).",
    ),
    _("Let the data protection officer confirm it in writing."),
    ngettext(
        "A data protection impact assessment is to be made before training: {n} of 9 criteria holds ({criteria}).",
        "A data protection impact assessment is to be made before training: {n} of 9 criteria hold ({criteria}).",
    ),
    _(
        "Describe the processing, why it is necessary, the risks for persons and the measures against them; ask the "
        "data protection officer; then note here where it lies. Where a high risk remains, ask the authority first "
        "(Article 36)."
    ),
    _("evaluation or scoring of persons, profiling and predicting included"),
    _("automated decisions with legal or similarly significant effect"),
    _("systematic monitoring of persons"),
    _("sensitive data or data of a highly personal nature"),
    _("data processed on a large scale"),
    _("datasets matched or combined in a way the persons would not expect"),
    _("data about children, patients, employees or other vulnerable persons"),
    _("innovative use of technology, training of a language model included"),
    _("processing that keeps persons from a right, a service or a contract"),
)
