"""Hardware addresses of network cards, which name one device (EUI-48). Knows no manufacturer."""

import re
from itertools import pairwise

from kifabrik.datasets.detectors.rule import CONTEXT, Edges, Hit, Rule, Sheet

KIND = "mac-address"
_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_SEPARATORS = str.maketrans("", "", ":-")
_DOCUMENTATION = ("00005e0053", "01005e9010")  # RFC 7042
_MULTICAST, _LOCAL = 1, 2
_STEPS = frozenset({0, 1, 0x11, 0x22})  # 00:11:22:33:44:55, 01:02:03:04:05:06, aa:bb:cc:dd:ee:ff are written by hand


def _examine(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    match = _ADDRESS.match(text, start)
    if match is None:
        return None
    before, after = text[start - 1 : start] if start else "", text[match.end() : match.end() + 1]
    if before.isalnum() or after.isalnum() or (after and after in ":-_"):
        return None
    value = match[0].translate(_SEPARATORS).lower()
    octets = bytes.fromhex(value)
    if octets[0] & _MULTICAST or len(set(octets)) == 1:
        return None
    steps = {(second - first) % 256 for first, second in pairwise(octets)}
    is_example = value.startswith(_DOCUMENTATION) or (len(steps) == 1 and steps <= _STEPS)
    return Hit(KIND, start, match.end(), CONTEXT, value, is_example=is_example)


MAC = Rule(
    kind=KIND,
    label="hardware addresses (MAC)",
    anchors=(
        rb"\b[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}",
        rb"\b[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}",
    ),
    examine=_examine,
    serious_from=10,
    examples="ranges for documentation (RFC 7042) and addresses that count upwards",
    edges=Edges(before=":-_."),
)
