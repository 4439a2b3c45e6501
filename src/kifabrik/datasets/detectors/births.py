"""Dates of birth: a date in figures or with a month's name, right after a word that says so. Knows no person.

The months of 24 languages stand in `months.yaml`.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib import resources

from kifabrik.datasets import yaml_tables
from kifabrik.datasets.detectors.rule import CONTEXT, Beside, Hit, Rule, Sheet

KIND = "date-of-birth"
_WINDOW = 32
_YEAR_MIN = 1900
_DAY_FIRST = re.compile(r"([0-3]?[0-9])([./-]) ?([01]?[0-9])\2 ?((?:19|20)[0-9]{2})\Z")
_WITH_NAME = re.compile(
    r"([0-3]?[0-9])(?:\.|º|er|st|nd|rd|th|-?[ao]s?)?,? (?:de |d')?([^\W\d_]{3,14})\.?,? (?:de )?((?:19|20)[0-9]{2})\Z"
)
_NAME_FIRST = re.compile(r"([^\W\d_]{3,14}) ([0-3]?[0-9])(?:st|nd|rd|th)?, ((?:19|20)[0-9]{2})\Z")
_Read = tuple[int, date] | None
_EPOCHS = frozenset({date(1900, 1, 1), date(1970, 1, 1), date(2000, 1, 1)})
_MONTHS: dict[str, int] = {
    name: number
    for names in yaml_tables.parse(resources.files(__package__).joinpath("months.yaml").read_bytes())["months"].values()
    for number, words in enumerate(names, 1)
    for name in str(words).split()
}


def _examine(read: Callable[[str, int, int], _Read], sheet: Sheet, start: int, end: int) -> Hit | None:
    text = sheet.text
    found = None if text[end : end + 1].isalnum() else read(text, start, end)
    if found is None or (found[0] and text[found[0] - 1].isalnum()):
        return None
    start, day = found
    if day.year < _YEAR_MIN or not sheet.words_before(start, _WINDOW).speak_of("born"):
        return None
    return Hit(KIND, start, end, CONTEXT, day.isoformat(), is_example=day in _EPOCHS)


def _read_year_first(text: str, start: int, end: int) -> _Read:
    return _make(start, text[start : start + 4], text[start + 5 : start + 7], text[start + 8 : end])


def _read_day_first(text: str, start: int, end: int) -> _Read:
    match = _DAY_FIRST.match(text, start, end)
    return _make(match.start(), match[4], match[3], match[1]) if match is not None else None


def _read_named(text: str, _: int, end: int) -> _Read:
    begin = max(0, end - _WINDOW)
    if match := _WITH_NAME.search(text, begin, end):
        return _make(match.start(), match[3], _MONTHS.get(match[2].lower(), 0), match[1])
    if match := _NAME_FIRST.search(text, begin, end):
        return _make(match.start(), match[3], _MONTHS.get(match[1].lower(), 0), match[2])
    return None


def _make(start: int, year: str, month: str | int, day: str) -> _Read:
    try:
        return start, date(int(year), int(month), int(day))
    except ValueError:
        return None


_BORN = Beside(("born",), _WINDOW, always=True)
BIRTH_RULES: tuple[Rule, ...] = tuple(
    Rule(
        kind=KIND,
        label="dates of birth",
        anchors=(anchor,),
        examine=partial(_examine, read),
        serious_from=3,
        examples="days on which calendars of computers begin",
        beside=beside,
    )
    for anchor, read, beside in (
        (rb"\b(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]\b", _read_year_first, _BORN),
        (rb"\b[0-3]?[0-9][./-] ?[01]?[0-9][./-] ?(?:19|20)[0-9]{2}\b", _read_day_first, _BORN),
        (rb"(?:[a-z.,]|[\x80-\xbf]) (?:19|20)[0-9]{2}\b", _read_named, Beside()),
    )
)
