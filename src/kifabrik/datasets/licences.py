"""Licences that documents state themselves, by SPDX-License-Identifier lines. Knows the notation, not the licences."""

import re

UNKNOWN = "unknown"
_MARK = "SPDX-License-Identifier:"
_NAME = r"\(?[A-Za-z0-9][A-Za-z0-9.+-]*\)?"
_LINE = re.compile(rf"{_MARK}[ \t]*({_NAME}(?:[ \t]+(?:AND|OR|WITH)[ \t]+{_NAME})*)")


def find_licences(text: str) -> frozenset[str]:
    """Give the SPDX expressions that a text states about itself."""
    if _MARK not in text:
        return frozenset()
    return frozenset(" ".join(found.split()) for found in _LINE.findall(text))


def is_unknown(licence: str) -> bool:
    """Say whether a declared licence says nothing."""
    return licence.strip().lower() in {"", UNKNOWN, "none", "noassertion"}
