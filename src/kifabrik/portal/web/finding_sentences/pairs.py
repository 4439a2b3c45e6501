"""Sentences of which the singular differs from the plural. Knows words only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence for one and one for many; the value of the name `by` says which of them."""

    one: str
    many: str
    by: str


def ngettext(one: str, many: str, *, by: str = "n") -> Pair:
    """Mark a pair as `gettext_noop` marks a sentence; tools of translators find it by this name, Django has none."""
    return Pair(one, many, by)
