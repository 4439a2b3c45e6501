"""How the lines of texts look: what they begin and end with, how long they are, which are repeated. Knows no words.

All lines of a batch are looked at together, on bytes. A line is stripped of ASCII white space and counts if something
is left; lengths are in characters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.words import Places, Words, mix

Mask = npt.NDArray[np.bool_]
_STEPS_MAX = 64
_KEY_BITS = 44
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def _mark(characters: str) -> Mask:
    marks = np.zeros(256, dtype=np.bool_)
    marks[list(characters.encode("latin-1"))] = True
    return marks


_SPACE = _mark("\t\n\v\f\r\x1c\x1d\x1e\x1f ")
_BULLETS, _WIDE_BULLETS = _mark("*-"), [int.from_bytes(each.encode()) for each in "•‣▪▫●○◦–"]
_ENDS, _WIDE_ENDS = _mark(".!?:;\"')"), [int.from_bytes(each.encode()) for each in "…”’。"]
_GUILLEMET, _ELLIPSIS, _THREE_DOTS = "»".encode(), int.from_bytes("…".encode()), 0x2E2E2E


@dataclass(frozen=True)
class Lines:
    """The lines of a batch that hold something: the text of each, its first and one after its last byte, its length."""

    raw: npt.NDArray[np.uint8]
    texts: int
    owners: Places
    begins: Places
    stops: Places
    lengths: Places

    @property
    def counts(self) -> Places:
        """Lines of each text."""
        return np.bincount(self.owners, minlength=self.texts)

    def share(self, mask: Mask) -> npt.NDArray[np.float64]:
        """Share of each text's lines for which something holds; 0 for a text without a line."""
        return np.bincount(self.owners[mask], minlength=self.texts) / np.maximum(self.counts, 1)

    def begin_with_bullet(self) -> Mask:
        """Say which lines begin with a bullet, a star or a dash."""
        return _BULLETS[self.raw[self.begins]] | np.isin(self._three(self.begins), _WIDE_BULLETS)

    def end_with_punctuation(self) -> Mask:
        """Say which lines end with a mark that ends a sentence or a quotation."""
        last, before = self.raw[self.stops - 1], self.raw[np.maximum(self.stops - 2, 0)]
        is_guillemet = (before == _GUILLEMET[0]) & (last == _GUILLEMET[1])
        return _ENDS[last] | is_guillemet | np.isin(self._three(self.stops - 3), _WIDE_ENDS)

    def end_with_ellipsis(self) -> Mask:
        """Say which lines break off."""
        last = self._three(self.stops - 3)
        return (last == _ELLIPSIS) | ((last == _THREE_DOTS) & (self.stops - self.begins >= 3))

    def _three(self, places: Places) -> Places:
        places = np.maximum(places, 0)
        return (
            (self.raw[places].astype(np.int64) << 16)
            | (self.raw[places + 1].astype(np.int64) << 8)
            | self.raw[places + 2]
        )

    def repeated(self) -> Places:
        """Give the lines whose length and outer bytes stood in their text before: all repeated ones, and a few more."""
        eights = np.ndarray(shape=(len(self.raw) - 7,), dtype=np.uint64, buffer=self.raw, strides=(1,))
        sizes = self.stops - self.begins
        unused = (8 * (8 - np.minimum(sizes, 8))).astype(np.uint64)
        first = eights[self.begins] << unused
        last = np.where(sizes > 8, eights[np.maximum(self.stops - 8, 0)], np.uint64(0))
        values = mix(mix(first + sizes.astype(np.uint64), _FACTORS[0]) + last, _FACTORS[1])
        keys = (self.owners.astype(np.uint64) << np.uint64(_KEY_BITS)) | (values >> np.uint64(64 - _KEY_BITS))
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        return order[1:][keys[1:] == keys[:-1]]


def cut_lines(words: Words) -> tuple[Lines, Lines]:
    """Give all lines as they stand, empty ones too, and the stripped lines that hold something."""
    raw = words.raw
    stops = np.flatnonzero(raw[: words.borders[-1]] == ord("\n"))
    begins = np.concatenate(([0], stops[:-1] + 1))[: len(stops)]
    owners = np.searchsorted(words.borders, begins, side="right") - 1
    every = Lines(raw, len(words), owners, begins, stops, words.count_characters(begins, stops))
    begins, stops = _strip(raw, begins.copy(), stops.copy())
    some = np.flatnonzero(begins < stops)
    begins, stops = begins[some], stops[some]
    return every, Lines(raw, len(words), owners[some], begins, stops, words.count_characters(begins, stops))


def _strip(raw: npt.NDArray[np.uint8], begins: Places, stops: Places) -> tuple[Places, Places]:
    """Move both ends of each line to what is no white space; an empty line begins where it stops."""
    some = begins < stops
    left, right = np.flatnonzero(some & _SPACE[raw[begins]]), np.flatnonzero(some & _SPACE[raw[stops - 1]])
    for _ in range(_STEPS_MAX):
        begins[left] += 1
        right = right[begins[right] < stops[right]]
        stops[right] -= 1
        if not len(left) and not len(right):
            return begins, stops
        left = left[(begins[left] < stops[left]) & _SPACE[raw[begins[left]]]]
        right = right[(begins[right] < stops[right]) & _SPACE[raw[stops[right] - 1]]]
    held = np.append(np.flatnonzero(~_SPACE[raw]), len(raw))  # lines with hundreds of blanks are rare
    begins = np.minimum(held[np.searchsorted(held, begins)], stops)
    last = held[np.maximum(np.searchsorted(held, stops) - 1, 0)] + 1
    return begins, np.maximum(np.minimum(stops, last), begins)


def find_line_doubts(texts: Sequence[str], stripped: Lines) -> Iterator[tuple[str, Mask]]:
    """Test lines of prose against the published thresholds; give the code of each signal with the texts it doubts."""
    counts = stripped.counts
    some = counts > 0
    yield "bullets", stripped.share(stripped.begin_with_bullet()) > 0.9
    yield "ellipsis-lines", stripped.share(stripped.end_with_ellipsis()) > 0.3
    yield "line-ends", some & (stripped.share(stripped.end_with_punctuation()) <= 0.12)
    yield "short-lines", some & (stripped.share(stripped.lengths <= 30) >= 0.67)
    again = stripped.repeated()
    owners = stripped.owners[again]
    sizes = np.bincount(stripped.owners, weights=stripped.lengths, minlength=len(texts))
    lines_again = np.bincount(owners, minlength=len(texts))
    characters_again = np.bincount(owners, weights=stripped.lengths[again], minlength=len(texts))
    lines, paragraphs = np.zeros(len(texts), dtype=np.bool_), np.zeros(len(texts), dtype=np.bool_)
    for text in np.flatnonzero((lines_again > 0.3 * counts) | (characters_again > 0.2 * sizes)).tolist():
        lines[text] = _repeat(texts[text].split("\n"))
    for text in np.flatnonzero(lines_again).tolist():  # a repeated paragraph has a repeated line
        paragraphs[text] = "\n\n" in texts[text] and _repeat(texts[text].split("\n\n"))
    yield "repeated-lines", lines
    yield "repeated-paragraphs", paragraphs


def _repeat(parts: list[str]) -> bool:
    """Whether over 30 % of the parts, or 20 % of their characters, stood there before."""
    stripped = [*map(str.strip, parts)]
    if len(set(stripped)) == len(stripped):
        return False
    stripped = [part for part in stripped if part]
    once = set(stripped)
    size = sum(map(len, stripped))
    return len(stripped) - len(once) > 0.3 * len(stripped) or size - sum(map(len, once)) > 0.2 * size


def find_code_line_doubts(every: Lines) -> Mask:
    """Say which texts have a mean line above 100 characters or one above 1000."""
    longest = np.zeros(every.texts, dtype=np.int64)
    np.maximum.at(longest, every.owners, every.lengths)
    total = np.bincount(every.owners, weights=every.lengths, minlength=every.texts)
    return (longest > 1000) | (total > 100 * every.counts)
