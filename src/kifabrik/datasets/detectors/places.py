"""Coordinates of places: degrees with minutes and seconds, geo URIs, and pairs of numbers beside a word.

A pair counts from four decimals on, which is about ten metres. Knows no map.
"""

import re

from kifabrik.datasets.detectors.rule import CONTEXT, Beside, Hit, Rule, Sheet

KIND = "coordinates"
_PAIR = re.compile(r"(-?[0-9]{1,2}\.[0-9]{4,8})(?:, ?|; ?| |/)(-?1?[0-9]{1,2}\.[0-9]{4,8})(?![0-9.])")
_DEGREES = re.compile(
    r"([0-9]{1,2})° ?([0-5]?[0-9])['′’] ?(?:([0-5]?[0-9](?:[.,][0-9]{1,4})?)(?:\"|″|”|''|′′) ?)?([NS])[,; /]{0,3}"
    r"(1?[0-9]{1,2})° ?([0-5]?[0-9])['′’] ?(?:([0-5]?[0-9](?:[.,][0-9]{1,4})?)(?:\"|″|”|''|′′) ?)?([EWO])(?!\w)"
)
_URI = re.compile(r"geo:(-?[0-9]{1,2}\.[0-9]{3,9}),(-?1?[0-9]{1,2}\.[0-9]{3,9})(?![0-9.])")
_LABELLED = re.compile(
    r"(?:lat|latitude)[\"']? ?[:=] ?[\"']?(-?[0-9]{1,2}\.[0-9]{4,9})[\"']?[,;&\s]{1,20}[\"']?"
    r"(?:lon|lng|long|longitude)[\"']? ?[:=] ?[\"']?(-?1?[0-9]{1,2}\.[0-9]{4,9})",
    re.IGNORECASE,
)
_LATITUDE_MAX, _LONGITUDE_MAX = 90, 180


def _examine_pair(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    start -= text[start - 1 : start] == "-"
    if start and (text[start - 1].isalnum() or text[start - 1] in "._-"):
        return None
    if not sheet.words_before(start).speak_of("place"):
        return None
    match = _PAIR.match(text, start)
    if match is None or (match[1].endswith("000") and match[2].endswith("000")):
        return None  # rounded numbers are computed, not measured
    return _make_hit(match.start(), match.end(), match[1], match[2])


def _examine_degrees(sheet: Sheet, start: int, end: int) -> Hit | None:
    text = sheet.text
    while start and end - start < 4 and text[start - 1 : start] in _DIGITS:
        start -= 1
    match = _DEGREES.match(text, start)
    if match is None or sheet.cuts_word(start, match.end()):
        return None
    north = _to_degrees(match[1], match[2], match[3]) * (-1 if match[4] == "S" else 1)
    east = _to_degrees(match[5], match[6], match[7]) * (-1 if match[8] == "W" else 1)
    return _make_hit(start, match.end(), f"{north:.5f}", f"{east:.5f}")


def _examine_uri(sheet: Sheet, start: int, _: int) -> Hit | None:
    match = _URI.match(sheet.text, start)
    return _make_hit(match.start(1), match.end(2), match[1], match[2]) if match is not None else None


def _examine_labelled(sheet: Sheet, start: int, end: int) -> Hit | None:
    match = _LABELLED.match(sheet.text, start, end + 80)
    if match is None:
        return None
    return _make_hit(match.start(1), match.end(2), match[1], match[2])


def _to_degrees(degrees: str, minutes: str, seconds: str | None) -> float:
    return int(degrees) + int(minutes) / 60 + float((seconds or "0").replace(",", ".")) / 3600


def _make_hit(start: int, end: int, north: str, east: str) -> Hit | None:
    latitude, longitude = float(north), float(east)
    if abs(latitude) > _LATITUDE_MAX or abs(longitude) > _LONGITUDE_MAX:
        return None
    is_example = latitude == 0 and longitude == 0
    return Hit(KIND, start, end, CONTEXT, f"{latitude:.5f},{longitude:.5f}", is_example=is_example)


_DIGITS = frozenset("0123456789")
_LABEL, _EXAMPLES = "coordinates of places", "the place where equator and prime meridian cross"
COORDINATE_RULES: tuple[Rule, ...] = tuple(
    Rule(
        kind=KIND,
        label=_LABEL,
        anchors=(anchor,),
        examine=examine,
        serious_from=10,
        examples=_EXAMPLES,
        beside=beside,
    )
    for anchor, examine, beside in (
        (
            rb"\b[0-9]{1,2}\.[0-9]{4,8}(?:, ?|; ?| |/)-?1?[0-9]{1,2}\.[0-9]{4}",
            _examine_pair,
            Beside(("place",), always=True, left="-"),
        ),
        (rb"[0-9]\xc2\xb0", _examine_degrees, Beside()),
        (rb"\bgeo:-?[0-9]", _examine_uri, Beside()),
        (rb"(?:[Ll]at|LAT)(?:itude)?[\"']? ?[:=] ?[\"']?-?[0-9]", _examine_labelled, Beside()),
    )
)
