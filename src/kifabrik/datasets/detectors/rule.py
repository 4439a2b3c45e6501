"""The shape of one detector: a cheap anchor that finds candidates, and a check that judges one. Knows no kind."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One identifier in a text: character offsets, how sure, and its normal form (which never leaves the check)."""

    kind: str
    start: int
    end: int
    tier: int
    value: str
    country: str = ""
    is_example: bool = False


Examine = Callable[[str, re.Match[str], bool], Hit | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of personal identifier.

    `examine(text, match, is_code)` judges a match of `anchor`; `examples` says which hits count as documentation
    and not as personal data; from `serious_from` findings on, a person must accept them before training.
    """

    kind: str
    label: str
    anchor: re.Pattern[str]
    examine: Examine
    serious_from: int
    examples: str


def text_before(text: str, start: int, length: int = 40) -> str:
    """Give the characters before a place, for context words."""
    return text[max(0, start - length) : start]
