"""The shape of one detector: cheap anchors that name places, and a check that judges one place. Knows no kind.

An anchor is a regular expression over UTF-8 bytes in the words that hyperscan, RE2 and `re` share. An engine reports
where matches begin and end. The three report the same places if an anchor keeps to two rules: it begins with a sign
that cannot stand inside another match which counts (a word boundary, an `@`), and its last piece has one possible
length. What a check accepts must depend on the text around the place alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from kifabrik.datasets.detectors.context import NO_WORDS, Words, words_in

CHECKSUM, CONTEXT, SHAPE = 3, 2, 1  # the tiers
_WINDOW = 48


class Hit(NamedTuple):
    """One identifier in a text: character offsets, how sure, and its normal form (which never leaves the check)."""

    kind: str
    start: int
    end: int
    tier: int
    value: str
    country: str = ""
    is_example: bool = False


@dataclass(slots=True)
class Sheet:
    """One text under scan; `language` may be empty, hits below `tier_min` are not wanted.

    What the words before a place speak of is remembered, because several rules often ask for the same.
    """

    text: str
    is_code: bool
    language: str = ""
    tier_min: int = 1
    _words: dict[tuple[int, int], Words] = field(default_factory=dict)

    def before(self, start: int, length: int = _WINDOW) -> str:
        """Give the characters before a place."""
        return self.text[max(0, start - length) : start]

    def words_before(self, start: int, length: int = _WINDOW) -> Words:
        """Say which kinds the words before a place speak of."""
        words = self._words.get((start, length))
        if words is None:
            before = self.before(start, length)
            words = self._words[start, length] = words_in(before) if before else NO_WORDS
        return words

    def expect_no_words(self, start: int, length: int) -> None:
        """Remember that somebody looked already and met no word of any kind."""
        self._words[start, length] = NO_WORDS

    def cuts_word(self, start: int, end: int) -> bool:
        """Say whether letters, digits or an underscore touch a piece of text."""
        before, after = self.text[start - 1 : start] if start else "", self.text[end : end + 1]
        return before.isalnum() or before == "_" or after.isalnum() or after == "_"


Examine = Callable[[Sheet, int, int], Hit | None]  # judges a place: where a match of an anchor begins and ends


@dataclass(frozen=True, slots=True)
class Edges:
    """Signs of ASCII that must not touch a match; such places are dropped many at once, before any check is called.

    `before` and `after` stand directly beside it, `digit_before` with a digit on their other side: a "," in "1,234".
    `digit_after` likewise: a "." in "234.5".
    """

    before: str = ""
    digit_before: str = ""
    after: str = ""
    digit_after: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """Groups of words of which one must stand in the characters before a match, or its check would refuse it anyway.

    Whoever wants hits of tier 1 gets every match checked, unless `always` is said. Matches are spared that begin with
    one of `first`, stand beside one of `left` or `right` or a sign beyond ASCII, and, with `digits_only`, hold another
    sign than digits.
    """

    groups: tuple[str, ...] = ()
    window: int = _WINDOW
    always: bool = False
    digits_only: bool = False
    first: str = ""
    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of personal identifier.

    `examine(sheet, start, end)` judges a place that one of `anchors` names and `edges` and `beside` leave; `examples`
    says which hits count as documentation and not as personal data; from `serious_from` findings on, a person must
    accept them before training.
    """

    kind: str
    label: str
    anchors: tuple[bytes, ...]
    examine: Examine
    serious_from: int
    examples: str
    edges: Edges = Edges()
    beside: Beside = Beside()
