"""Licences that documents name, and licences that people and columns declare, as SPDX expressions.

A document names a licence by an SPDX-License-Identifier line, by beginning as the text of a licence begins, by the
metadata of a package, or by an address of Creative Commons. Knows the notation and the table of names, not what a
licence allows, and not whether the name is true.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from kifabrik.datasets.reference import licences as licence_table
from kifabrik.records.spdx import canonical_expression

UNKNOWN = "unknown"
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
_COMMONS = "creativecommons.org/"
_COMMONS_ADDRESS = re.compile(r"creativecommons\.org/(?:licenses/[a-z-]{2,12}|publicdomain/zero)/\d\.\d")


def find_licences(text: str) -> frozenset[str]:
    """Give the SPDX expressions that a text names about itself."""
    found: set[str] = set()
    if _MARK in text:
        found.update(" ".join(each.split()) for each in _LINE.findall(text))
    if head := _find_head(text):
        found.add(head)
    start = text[:_METADATA_LETTERS]
    found.update(_find_metadata(start))
    if _COMMONS in text:
        found.update(filter(None, map(normalise, _COMMONS_ADDRESS.findall(text))))
    return frozenset(found)


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
def _names() -> dict[str, str]:
    return {
        _squeeze(name): row.spdx for row in licence_table() for name in (row.spdx, row.title, *row.heads, *row.names)
    }


def _squeeze(name: str) -> str:
    """Reduce a name or address to what tells it from others."""
    name = re.sub(r"^https?://(?:www\.)?", "", name.strip().lower())
    name = re.sub(r"/(?:legalcode|deed)?(?:\.[a-z]{2,5})?/?$", "", name.removesuffix(".html").rstrip("/") + "/")
    return re.sub(r"[^\w+]+|_", " ", name).strip()
