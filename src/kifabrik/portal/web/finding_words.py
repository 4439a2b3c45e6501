"""Says the sentences of checks, tests, sites and passports in the reader's language; records keep the English ones.

What is stored and signed is English and does not change with the reader. A stored sentence is recognised by the list in
`finding_sentences`, translated, and filled with the same values, some of which are sentences or names themselves. What
is not recognised is shown as it is stored. An English reader reads what is stored too, but never “1 numbers”. Knows
words, no check.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from django.utils.formats import get_format
from django.utils.translation import get_language, gettext, ngettext

from kifabrik.portal.web.finding_sentences import SENTENCES, Pair

_NAME = re.compile(r"\{(\w+)\}")
_NUMBERS = frozenset({"n", "m", "documents", "tokens", "held", "windows"})
_WORDS = frozenset({"paragraph", "law"})
_DIGITS, _NO_SPACE, _ANYTHING = r"\d+", r"\S+", ".+?"
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")


def say(sentence: str) -> str:
    """Say a stored sentence in the language of the reader, or as it is stored where nobody translated it."""
    return _say(sentence)


def _say(sentence: str, count: int | None = None) -> str:
    """Say a sentence, or a name of which there are `count`."""
    is_stored_language = (get_language() or "en").startswith("en")
    known = _whole().get(sentence)
    if isinstance(known, Pair):
        return ngettext(known.one, known.many, count if count is not None else 1 + (sentence == known.many))
    if known is not None:
        return gettext(known)
    for pattern, template in _patterns():
        if is_stored_language and not isinstance(template, Pair):
            continue
        found = pattern.fullmatch(sentence)
        if found:
            return _fill(template, found.groupdict())
    return sentence


def _fill(template: str | Pair, values: Mapping[str, str]) -> str:
    if isinstance(template, Pair):
        words = ngettext(template.one, template.many, int(values.get(template.by, 1)))
    else:
        words = gettext(template)
    count = int(values["n"]) if "n" in values else None
    return words.format(**{name: _say_value(name, value, count) for name, value in values.items()})


@cache
def _whole() -> Mapping[str, str | Pair]:
    """The sentences into which nothing is filled, each by the words it is known by."""
    return {words: each for each in SENTENCES for words in _forms(each) if not _NAME.search(words)}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str | Pair], ...]:
    """The other ones as patterns, those with the most words of their own first: they say most about a sentence.

    Before them come those that add an end to another sentence, whose own pattern would take the end for a value.
    """
    forms = [(words, each) for each in SENTENCES for words in _forms(each) if _NAME.search(words)]
    forms.sort(key=lambda form: (not form[0].startswith("{problem}"), -len(_NAME.sub("", form[0]))))
    return tuple((re.compile(_as_pattern(words), re.DOTALL), each) for words, each in forms)


def _forms(sentence: str | Pair) -> Iterator[str]:
    yield from dict.fromkeys((sentence.one, sentence.many)) if isinstance(sentence, Pair) else (sentence,)


def _as_pattern(template: str) -> str:
    pieces = _NAME.split(template)  # words and names take turns
    words = [re.escape(piece) for piece in pieces[::2]]
    names = [f"(?P<{name}>{_shape_of(name)})" for name in pieces[1::2]]
    return "".join(part for pair in zip(words, [*names, ""], strict=True) for part in pair)


def _shape_of(name: str) -> str:
    if name in _NUMBERS:
        return _DIGITS
    return _NO_SPACE if name in _WORDS else _ANYTHING


def _say_value(name: str, value: str, count: int | None) -> str:
    if name == "label":
        return _say(value, count)
    return _VALUES[name](value) if name in _VALUES else value


def _say_number(value: str) -> str:
    return _DECIMAL.sub(get_format("DECIMAL_SEPARATOR"), value)


def _say_each(value: str, mark: str) -> str:
    return mark.join(map(say, value.split(mark)))


_SENTENCES_IN_SENTENCES = (
    *("action", "examples", "reason", "problem", "gap", "places", "names", "first", "second", "third"),
    *("trouble", "fault", "kind", "article", "articles", "asks", "note", "means", "title", "method", "parts", "class"),
)
_AMOUNTS = ("size", "share", "limit", "value", "one", "two", "low", "high", "p", "times", "hours", "flop", "energy")
_VALUES: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(_SENTENCES_IN_SENTENCES, say),
    **dict.fromkeys(_AMOUNTS, _say_number),
    "criteria": lambda value: _say_each(value, "; "),
    "known": lambda value: _say_each(value, ", "),
}
