"""Licences that documents name, and licences that people and columns declare, as SPDX expressions.

A document names a licence by an SPDX-License-Identifier line, by beginning as the text of a licence begins, by the
metadata of a package, or by an address of Creative Commons. Knows the notation and the table of names, not what a
licence allows, and not whether the name is true.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.reference import licences as licence_table
from kifabrik.records.spdx import canonical_expression

_Bytes = npt.NDArray[np.uint8]
UNKNOWN = "unknown"
_NOTHING: frozenset[str] = frozenset()
_HAS_WORD, _HAS_HEAD, _HAS_COMMONS = 1, 2, 4
_C, _E, _N, _S, _V, _O = b"censvo"  # of License, and of Creative Commons
_PADDING = bytes(8)
_MARK = "SPDX-License-Identifier:"
_NAME = r"\(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?"
_LINE = re.compile(rf"{_MARK}[ \t]*({_NAME}(?:[ \t]+(?:AND|OR|WITH)[ \t]+{_NAME})*)")
_HEAD_LETTERS = 800
_METADATA_LETTERS = 8_000
_METADATA = re.compile(
    r"""(?:License(?:-Expression)?:[ \t]*(?P<header>[^\n]{1,120})
    |Classifier:[ ]License[ ]::[ ](?:OSI[ ]Approved[ ]::[ ])?(?P<classifier>[^\n]{1,120})
    |[ \t{,]*"?license"?[ \t]*[:=][ \t]*"(?P<value>[^"\n]{1,120})")""",
    re.VERBOSE,
)
_WORD = "icense"
_COMMONS_ADDRESS = re.compile(r"creativecommons\.org/(?:licenses/[a-z-]{2,12}|publicdomain/zero)/\d\.\d")


def find_licences(text: str) -> frozenset[str]:
    """Give the SPDX expressions that a text names about itself."""
    return find_in_many([text], [text.encode("utf-8", "surrogatepass")])[0]


def find_in_many(texts: Sequence[str], encoded: Sequence[bytes]) -> list[frozenset[str]]:
    """Give the SPDX expressions that each text names about itself; `encoded` are the same texts in UTF-8."""
    found = [_NOTHING] * len(texts)
    data = np.frombuffer(b"".join([*encoded, _PADDING]), np.uint8)
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
    reasons = _find_reasons(data, ends, _beginnings())
    for number in np.flatnonzero(reasons).tolist():
        found[number] = frozenset(_read(texts[number], int(reasons[number])))
    return found


def _read(text: str, reasons: int) -> Iterator[str]:
    """Read what a text says where its bytes gave a reason to look."""
    if reasons & _HAS_WORD:
        if _MARK in text:
            yield from (" ".join(each.split()) for each in _LINE.findall(text))
        yield from _find_metadata(text[:_METADATA_LETTERS])
    if reasons & _HAS_HEAD and (head := _find_head(text)):
        yield head
    if reasons & _HAS_COMMONS:
        yield from filter(None, map(normalise, _COMMONS_ADDRESS.findall(text)))


@compiled
def _find_reasons(data: _Bytes, ends: npt.NDArray[np.int64], beginnings: npt.NDArray[np.bool_]) -> _Bytes:
    """Say of each text why it may name a licence; almost none does, and bytes are looked at many at once."""
    reasons = np.zeros(len(ends), np.uint8)
    begin = 0
    for text in range(len(ends)):
        end = ends[text]
        if _may_begin(data, begin, end, beginnings):
            reasons[text] |= _HAS_HEAD
        signs, after = data[begin:end], data[begin + 1 : end + 1]
        later, last = data[begin + 2 : end + 2], data[begin + 3 : end + 3]
        found = 0
        for place in range(len(signs)):  # no way out, so that the loop is done in vectors
            is_word = (signs[place] == _C) & (after[place] == _E) & (later[place] == _N) & (last[place] == _S)
            is_commons = (signs[place] == _V) & (after[place] == _E) & (later[place] == _C) & (last[place] == _O)
            found |= is_word * _HAS_WORD | is_commons * _HAS_COMMONS
        reasons[text] |= found
        begin = end
    return reasons


@compiled
def _may_begin(data: _Bytes, begin: int, end: int, beginnings: npt.NDArray[np.bool_]) -> bool:
    """Say whether the first three letters may be those of a title; a letter that is not ASCII may be anything."""
    place = begin
    while place < end:
        byte = data[place]
        if byte >= 0x80:
            return True
        if not (48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122):
            place += 1
        elif _is_the(data, place):
            place += 3
        else:
            second, third = data[place + 1], data[place + 2]
            return second >= 0x80 or third >= 0x80 or beginnings[byte & 31, second & 31, third & 31]
    return False


@compiled
def _is_the(data: _Bytes, place: int) -> bool:
    is_word = data[place] | 32 == 116 and data[place + 1] | 32 == 104 and data[place + 2] | 32 == 101
    return is_word and (data[place + 3] <= 32 or data[place + 3] >= 0x80)


@lru_cache(maxsize=4096)
def normalise(declared: str) -> str:
    """Write what a person or a column declares as an SPDX expression; empty if it is none and no known name."""
    return _names().get(_squeeze(declared)) or canonical_expression(declared)


def is_unknown(licence: str) -> bool:
    """Say whether a declared licence says nothing."""
    return licence.strip().lower() in {"", UNKNOWN, "none", "noassertion"}


def _find_head(text: str) -> str:
    """Name the licence that a text is; a copyright line and a comment sign may stand before its title."""
    pattern, identifiers = _heads()
    found = pattern.match(text[:_HEAD_LETTERS])
    if found is None:
        return ""
    return next(name for number, name in enumerate(identifiers) if found.group(f"h{number}") is not None)


def _find_metadata(start: str) -> Iterator[str]:
    """Read the lines that speak of a licence."""
    end = 0
    while (place := start.find(_WORD, end)) >= 0:
        found = _METADATA.match(start, start.rfind("\n", 0, place) + 1)
        licence = normalise(found["header"] or found["classifier"] or found["value"] or "") if found else ""
        if licence:
            yield licence
        end = start.find("\n", place)
        if end < 0:
            return


@cache
def _heads() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Compile all first lines into one pattern, the longest first, so that `2.1` is not read as `2`."""
    rows = [(head, row.spdx) for row in licence_table() for head in row.heads]
    rows.sort(key=lambda row: -len(row[0]))
    parts = []
    for number, (head, _spdx) in enumerate(rows):
        words = r"[\s,.:;#*/-]+".join(re.escape(word) for word in re.split(r"[\s,]+", head))
        parts.append(rf"(?P<h{number}>{words})")
    letters = "".join(sorted({head[0].lower() for head, _spdx in rows} | {"c", "t"}))  # copyright, the
    start = rf"[\W_]*+(?=[{letters}])"  # a title begins with a letter, so nothing is found by giving a sign back
    pattern = rf"{start}(?:copyright[^\n]*\n[\W_]*){{0,4}}(?:the\s+)?(?=[{letters}])(?:{'|'.join(parts)})(?![\w.])"
    return re.compile(pattern, re.IGNORECASE), tuple(spdx for _head, spdx in rows)


@cache
def _beginnings() -> npt.NDArray[np.bool_]:
    """Say of each three letters, by their five lowest bits, whether a title or what stands before it begins so."""
    table = np.zeros((32, 32, 32), np.bool_)
    for title in ("copyright", *(head for row in licence_table() for head in row.heads)):
        head = re.sub("^the ", "", title.lower())[:3]
        table[tuple(ord(sign) & 31 if sign.isalnum() else slice(None) for sign in head)] = True
    return table


@cache
def _names() -> dict[str, str]:
    return {
        _squeeze(name): row.spdx for row in licence_table() for name in (row.spdx, row.title, *row.heads, *row.names)
    }


def _squeeze(name: str) -> str:
    """Reduce a name or address to what tells it from others."""
    name = re.sub(r"^https?://(?:www\.)?", "", name.strip().lower())
    name = re.sub(r"/(?:legalcode|deed)?(?:\.[a-z]{2,5})?/?$", "", name.removesuffix(".html").rstrip("/") + "/")
    return re.sub(r"[^\w+]+|_", " ", name).strip()
