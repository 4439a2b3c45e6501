"""Says the sentences of checks and tests in the reader's language; records keep the English ones.

What is stored and signed is English and does not change with the reader. A stored sentence is recognised by the list in
`finding_sentences`, translated, and filled with the same values, some of which are sentences or names themselves. What
is not recognised is shown as it is stored. Knows words, no check.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial

from django.utils.formats import get_format
from django.utils.translation import get_language, gettext

from kifabrik.portal.web.finding_sentences import SENTENCES

_NAME = re.compile(r"\{(\w+)\}")
_NUMBERS = frozenset({"n", "m", "documents", "tokens", "held", "windows"})
_DIGITS, _ANYTHING = r"\d+", ".+?"
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")


def say(sentence: str) -> str:
    """Say a stored sentence in the language of the reader, or as it is stored where nobody translated it."""
    if not sentence or (get_language() or "en").startswith("en"):
        return sentence
    if sentence in _whole():
        return gettext(sentence)
    for pattern, template in _patterns():
        found = pattern.fullmatch(sentence)
        if found:
            translated = gettext(template)
            return translated.format(**{name: _say_value(name, value) for name, value in found.groupdict().items()})
    return sentence


@cache
def _whole() -> frozenset[str]:
    """The sentences into which nothing is filled."""
    return frozenset(each for each in SENTENCES if not _NAME.search(each))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The other ones as patterns, those with the most words of their own first: they say most about a sentence."""
    templates = [each for each in SENTENCES if each not in _whole()]
    templates.sort(key=lambda each: -len(_NAME.sub("", each)))
    return tuple((re.compile(_as_pattern(each), re.DOTALL), each) for each in templates)


def _as_pattern(template: str) -> str:
    pieces = _NAME.split(template)  # words and names take turns
    words = [re.escape(piece) for piece in pieces[::2]]
    names = [f"(?P<{name}>{_DIGITS if name in _NUMBERS else _ANYTHING})" for name in pieces[1::2]]
    return "".join(part for pair in zip(words, [*names, ""], strict=True) for part in pair)


def _say_value(name: str, value: str) -> str:
    return _VALUES[name](value) if name in _VALUES else value


def _say_number(value: str) -> str:
    return _DECIMAL.sub(get_format("DECIMAL_SEPARATOR"), value)


def _say_each(value: str, mark: str) -> str:
    return mark.join(map(say, value.split(mark)))


_VALUES: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("label", "action", "examples", "reason", "gap", "places", "names", "first", "second"), say),
    **dict.fromkeys(("size", "share", "limit", "value", "one", "two", "low", "high", "p", "times"), _say_number),
    "criteria": partial(_say_each, mark="; "),
    "known": partial(_say_each, mark=", "),
}
