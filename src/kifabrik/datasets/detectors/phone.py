"""Telephone numbers with their country, by the plans of phonenumbers, and the rules of all telephone numbers.

Numbers as they are dialled at home stand in `phone_national`. Knows no subscriber.
"""

import re

import phonenumbers

from kifabrik.datasets.detectors.fiction import is_fiction
from kifabrik.datasets.detectors.phone_national import (
    ANCHORS,
    BESIDE,
    EDGES,
    GAP,
    KIND,
    NEAR,
    TOUCHES,
    ends_of_groups,
    examine_national,
    is_quoted,
)
from kifabrik.datasets.detectors.phone_plans import read_international
from kifabrik.datasets.detectors.rule import CONTEXT, Beside, Edges, Examine, Hit, Rule, Sheet

_GAP_BYTES = rb"(?:[ ./()-]|\xc2\xa0|\xe2\x80[\x90\x91\x93\xaf])"
_NUMBER = re.compile(rf"(?:\+|00)[1-9](?:{GAP}{{0,3}}[0-9]){{6,14}}(?!\w)")
_NOTHING = Beside()
_DECIMAL = re.compile(r"\+\d+\.\d+\Z")


def _examine_international(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    match = _NUMBER.match(text, start)
    if match is None or text[start - 1 : start].isalnum() or _DECIMAL.match(match[0]):
        return None
    for end in ends_of_groups(match):
        raw = text[start:end]
        if sheet.is_code and raw[1:].isdigit() and not _stands_for_itself(sheet, start, end):
            return None
        hit = _read_international(raw, raw, start, end)
        if hit is not None:
            return hit
    return None


def _examine_double_zero(sheet: Sheet, start: int, _: int) -> Hit | None:
    """Judge a number that begins with 00: the sign for another country in the whole Union."""
    text = sheet.text
    match = _NUMBER.match(text, start)
    if match is None or TOUCHES.search(text, max(0, start - 2), start):
        return None
    for end in ends_of_groups(match):
        raw = text[start:end]
        if raw.isdigit() and not sheet.words_before(start).speak_of("phone"):
            return None
        hit = _read_international("+" + raw[2:], raw, start, end)
        if hit is not None:
            return hit
    return None


def _read_international(plus_form: str, raw: str, start: int, end: int) -> Hit | None:
    if raw.count("(") != raw.count(")"):
        return None
    direct = read_international(plus_form)
    if direct is not None:
        return Hit(KIND, start, end, CONTEXT, direct.e164, country=direct.region, is_example=is_fiction(direct.e164))
    try:
        number = phonenumbers.parse(plus_form, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(number) or ""
    return Hit(KIND, start, end, CONTEXT, value, country=country, is_example=is_fiction(value))


def _stands_for_itself(sheet: Sheet, start: int, end: int) -> bool:
    """In code, bare digits after a plus are arithmetic unless quotes hold them or a word names them."""
    return is_quoted(sheet.text, start, end) or sheet.words_before(start, NEAR).speak_of("phone")


def _make_rule(examine: Examine, edges: Edges, *anchors: bytes, beside: Beside = _NOTHING) -> Rule:
    return Rule(
        kind=KIND,
        label="telephone numbers",
        anchors=anchors,
        examine=examine,
        serious_from=3,
        examples="numbers set aside for fiction and manuals",
        edges=edges,
        beside=beside,
    )


PHONE_RULES: tuple[Rule, ...] = (
    _make_rule(
        _examine_international,
        Edges(before="_+.)]"),
        rb"\+[1-9]" + _GAP_BYTES + rb"{0,2}[0-9]" + _GAP_BYTES + rb"{0,2}[0-9]",
    ),
    _make_rule(_examine_double_zero, EDGES, rb"\b00[34][0-9]"),
    _make_rule(examine_national, EDGES, *ANCHORS, beside=BESIDE),
)
