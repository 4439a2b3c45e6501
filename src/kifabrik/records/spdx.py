"""SPDX licence expressions: whether a text is one, and how it is written. Knows the notation, not what a licence says.

The list of identifiers is the one inside the package `packaging`, so nothing is fetched.
"""

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

_LENGTH_MAX = 300


def canonical_expression(text: str) -> str:
    """Write an SPDX expression in its canonical form, `MIT OR Apache-2.0`; empty if the text is none."""
    if not text.strip() or len(text) > _LENGTH_MAX:
        return ""
    try:
        return str(canonicalize_license_expression(text.strip()))
    except (InvalidLicenseExpression, RecursionError):
        return ""


def identifiers_of(expression: str) -> tuple[str, ...]:
    """List the licences that an SPDX expression names, in its order; empty for what is no expression."""
    words = canonical_expression(expression).replace("(", " ").replace(")", " ").split()
    found: list[str] = []
    skip = False
    for word in words:
        if not skip and word not in {"AND", "OR", "WITH"}:
            found.append(word)
        skip = word == "WITH"
    return tuple(dict.fromkeys(found))
