"""Passports, identity cards and driving licences: machine-readable zones, and document numbers beside a word.

Machine-readable zones follow ICAO Doc 9303, parts 4 to 6. Document numbers are known where a check digit is part of
the number: identity cards, passports and driving licences of Germany, identity cards and passports of Poland.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from kifabrik.datasets.detectors import checksums
from kifabrik.datasets.detectors.checksums import mrz_check
from kifabrik.datasets.detectors.rule import CHECKSUM, CONTEXT, Beside, Edges, Hit, Rule, Sheet

_ZONE_ANCHORS = (
    rb"\b[A-Z0-9][A-Z0-9<]{8}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}",
    rb"\b[0-9]{7}[MFX<][0-9]{7}[A-Z<]{3}",
)
_LINE_OF_BOOK = re.compile(r"([A-Z0-9<]{9})([0-9])[A-Z<]{3}([0-9]{6})([0-9])[MFX<]([0-9]{6})([0-9])[A-Z0-9<]{7,16}")
_FIRST_OF_BOOK = re.compile(r"[PVI][A-Z<][A-Z<]{3}[A-Z<]{31,39}[ \t]*\r?\n[ \t]*\Z")
_LINE_OF_CARD = re.compile(r"([0-9]{6})([0-9])[MFX<]([0-9]{6})([0-9])[A-Z<]{3}[A-Z0-9<]{11}([0-9])?")
_FIRST_OF_CARD = re.compile(r"[IAC][A-Z0-9<][A-Z<]{3}([A-Z0-9<]{9})([0-9<])[A-Z0-9<]{15}[ \t]*\r?\n[ \t]*\Z")
_LAST_OF_CARD = re.compile(r"[ \t]*\r?\n[ \t]*[A-Z<]{30}")
_LINE_MAX = 60
_SPECIMEN = "UTO"  # the country of the specimens in Doc 9303
_BLANKS = str.maketrans("", "", " ")


def _examine_book(sheet: Sheet, start: int, _: int) -> Hit | None:
    """Judge line 2 of a passport, visa or card of two lines; the line with the name above it belongs to the hit."""
    text = sheet.text
    match = _LINE_OF_BOOK.match(text, start)
    if match is None or sheet.cuts_word(start, match.end()):
        return None
    number, check, born, born_check, expires, expires_check = match.groups()
    if (mrz_check(number), mrz_check(born), mrz_check(expires)) != (check, born_check, expires_check):
        return None
    above = _FIRST_OF_BOOK.search(text, max(0, start - _LINE_MAX), start)
    begin = above.start() if above else start
    return _make_zone_hit(text[begin : match.end()], begin, match.end(), number)


def _examine_card(sheet: Sheet, start: int, _: int) -> Hit | None:
    """Judge line 2 of a card of three lines; the number stands in the line above, the name in the line below."""
    text = sheet.text
    match = _LINE_OF_CARD.match(text, start)
    above = _FIRST_OF_CARD.search(text, max(0, start - _LINE_MAX), start) if match is not None else None
    if match is None or above is None:
        return None
    born, born_check, expires, expires_check = match.groups()[:4]
    if (mrz_check(born), mrz_check(expires)) != (born_check, expires_check):
        return None
    if above[2] != "<" and mrz_check(above[1]) != above[2]:
        return None
    below = _LAST_OF_CARD.match(text, match.end())
    last = below.end() if below else match.end()
    return _make_zone_hit(text[above.start() : last], above.start(), last, above[1])


def _make_zone_hit(zone: str, start: int, end: int, number: str) -> Hit:
    is_example = _SPECIMEN in zone
    return Hit("travel-document", start, end, CHECKSUM, number.rstrip("<"), is_example=is_example)


@dataclass(frozen=True, slots=True)
class Document:
    """A document number with a check digit that counts beside a word of one of `groups`."""

    kind: str
    country: str
    name: str
    anchor: bytes
    check: Callable[[str], bool]
    groups: tuple[str, ...]


DOCUMENTS: tuple[Document, ...] = (
    Document(
        "travel-document", "DE", "identity card or passport with check digit",
        rb"\b[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}[0-9]\b", checksums.is_german_document, ("passport",),
    ),
    Document(
        "travel-document", "PL", "dowód osobisty", rb"\b[A-Z]{3} ?[0-9]{6}\b", checksums.is_polish_identity_card,
        ("passport", "identity"),
    ),
    Document(
        "travel-document", "PL", "paszport", rb"\b[A-Z]{2} ?[0-9]{7}\b", checksums.is_polish_passport, ("passport",)
    ),
    Document(
        "driving-licence", "DE", "Führerschein", rb"\b[A-Z0-9]{4}[A-Z0-9]{5}[0-9X][A-Z0-9]\b",
        checksums.is_german_driving_licence, ("licence",),
    ),
)  # fmt: skip


def _examine_number(document: Document, sheet: Sheet, start: int, end: int) -> Hit | None:
    if sheet.cuts_word(start, end) or not sheet.words_before(start).speak_of(*document.groups):
        return None
    number = sheet.text[start:end].translate(_BLANKS)
    if not any(sign.isdigit() for sign in number[1:]) or not document.check(number):
        return None
    return Hit(document.kind, start, end, CONTEXT, number, document.country, number == "B072RRE2I55")


def _make_number_rule(document: Document) -> Rule:
    return Rule(
        kind=document.kind,
        label=_LABELS[document.kind],
        anchors=(document.anchor,),
        examine=partial(_examine_number, document),
        serious_from=1,
        examples="specimens of ICAO Doc 9303 and of annex 8 to the German driving licence ordinance",
        edges=Edges(before="-."),
        beside=Beside(document.groups, always=True),
    )


_LABELS = {"travel-document": "passports and identity cards", "driving-licence": "driving licences"}
TRAVEL_RULES: tuple[Rule, ...] = (
    *(
        Rule(
            kind="travel-document",
            label=_LABELS["travel-document"],
            anchors=(anchor,),
            examine=examine,
            serious_from=1,
            examples="specimens of ICAO Doc 9303 and of annex 8 to the German driving licence ordinance",
        )
        for anchor, examine in zip(_ZONE_ANCHORS, (_examine_book, _examine_card), strict=True)
    ),
    *map(_make_number_rule, DOCUMENTS),
)
