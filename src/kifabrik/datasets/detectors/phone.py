"""Telephone numbers in international form, judged by the numbering plans of phonenumbers. Knows no subscriber.

National forms need the country of the text and are not looked for; a card says so.
"""

import re

import phonenumbers

from kifabrik.datasets.detectors.fiction import is_fiction
from kifabrik.datasets.detectors.rule import Hit, Rule, Sheet

_TAIL_MAX = 8
_GAP = "[ \u00a0\u202f./()\u2010\u2011\u2013-]"
_GAP_BYTES = rb"(?:[ ./()-]|\xc2\xa0|\xe2\x80[\x90\x91\x93\xaf]){0,2}"
_INTERNATIONAL = re.compile(rf"\+[1-9](?:{_GAP}{{0,3}}[0-9]){{6,14}}(?!\w)")
_DECIMAL = re.compile(r"\+\d+\.\d+\Z")


def _examine(sheet: Sheet, end: int) -> Hit | None:
    text = sheet.text
    start = text.rfind("+", max(0, end - _TAIL_MAX), end)
    match = _INTERNATIONAL.match(text, start) if start >= 0 else None
    if match is None:
        return None
    before = text[max(0, start - 1) : start]
    if before.isalnum() or before in {"_", "+", ".", ")", "]"} or _DECIMAL.match(match[0]):
        return None
    for end in _ends_of_groups(match):
        raw = text[start:end]
        if sheet.is_code and raw[1:].isdigit() and not _stands_alone(text, start, end):
            return None
        number = _parse(raw)
        if number is not None:
            value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            country = phonenumbers.region_code_for_number(number) or ""
            return Hit("phone", start, end, 2, value, country=country, is_example=is_fiction(value))
    return None


def _ends_of_groups(match: re.Match[str]) -> list[int]:
    """Give the places where the number may end, the longest first: what follows it may be another number."""
    raw, start = match[0], match.start()
    cuts = [place for place in range(len(raw) - 1, 7, -1) if not raw[place].isdigit() and raw[place - 1].isdigit()]
    return [match.end(), *(start + place for place in cuts)]


def _parse(raw: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(raw, None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """In code, bare digits after a plus are arithmetic unless quotes hold them."""
    return text[start - 1 : start] in {'"', "'"} and text[end : end + 1] in {'"', "'"}


PHONE = Rule(
    kind="phone",
    label="telephone numbers",
    anchors=(rb"\+[1-9]" + _GAP_BYTES + rb"[0-9]" + _GAP_BYTES + rb"[0-9]",),
    examine=_examine,
    serious_from=3,
    examples="numbers set aside for fiction and manuals (NANP 555-01xx, Ofcom, Bundesnetzagentur)",
)
