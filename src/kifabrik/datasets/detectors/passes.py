"""One walk over a block of texts: anchors in bytes, places in characters, checks, and who wins where two hits overlap.

Knows no kind. Texts are joined into blocks of about a megabyte because a call for each text would cost more than the
walk itself; a zero byte stands between two texts and no anchor matches it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kifabrik.datasets.detectors.engines import Engine, EngineName, make_engine
from kifabrik.datasets.detectors.rule import Hit, Rule, Sheet

_BLOCK_CHARACTERS = 1_000_000
_CONTINUATION_BELOW = -64  # 0x80 to 0xBF as signed bytes


@dataclass(frozen=True, slots=True)
class Programme:
    """Rules with their anchors compiled: `rules_of[n]` are the rules that look where anchor n ends."""

    rules: tuple[Rule, ...]
    engine: Engine
    rules_of: tuple[tuple[int, ...], ...]


def compile_rules(rules: Sequence[Rule], engine: EngineName | Literal["auto"]) -> Programme:
    """Compile the anchors of all rules once each; raises Unavailable for an engine that is not installed."""
    anchors = list(dict.fromkeys(anchor for rule in rules for anchor in rule.anchors))
    users = tuple(tuple(n for n, rule in enumerate(rules) if anchor in rule.anchors) for anchor in anchors)
    return Programme(tuple(rules), make_engine(engine, anchors), users)


def find_hits(programme: Programme, sheets: Sequence[Sheet]) -> list[tuple[Hit, ...]]:
    """Find all identifiers of each text, in the order of their places; hits of one text never overlap."""
    found: list[tuple[Hit, ...]] = [()] * len(sheets)
    for first, last in _cut_into_blocks(sheets):
        _scan_block(programme, sheets, found, first, last)
    return found


def _cut_into_blocks(sheets: Sequence[Sheet]) -> Iterator[tuple[int, int]]:
    first = size = 0
    for number, sheet in enumerate(sheets):
        size += len(sheet.text)
        if size >= _BLOCK_CHARACTERS:
            yield first, number + 1
            first, size = number + 1, 0
    if first < len(sheets):
        yield first, len(sheets)


def _scan_block(
    programme: Programme, sheets: Sequence[Sheet], found: list[tuple[Hit, ...]], first: int, last: int
) -> None:
    """Scan texts `first` to `last`; half a surrogate pair is a text's fault and no reason to stop."""
    pieces = [sheet.text.encode("utf-8", "surrogatepass") for sheet in sheets[first:last]]
    data = b"\0".join(pieces)
    places = programme.engine.places(data)
    if not places:
        return
    ends, anchors = np.divmod(np.sort(np.array(places, np.int64)), len(programme.rules_of))
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces)) + 1
    starts = np.cumsum(lengths) - lengths
    texts = np.searchsorted(starts, ends, side="left") - 1
    local = _to_characters(data, starts[texts], ends)
    per_text: dict[int, list[tuple[int, Hit]]] = {}
    rules, rules_of, before = programme.rules, programme.rules_of, (-1, -1, -1)
    for text, end, anchor in zip((texts + first).tolist(), local.tolist(), anchors.tolist(), strict=True):
        sheet = sheets[text]
        for number in rules_of[anchor]:
            if before == (text, end, number):
                continue
            before = (text, end, number)
            hit = rules[number].examine(sheet, end)
            if hit is not None and hit.tier >= sheet.tier_min:
                per_text.setdefault(text, []).append((number, hit))
    for text, hits in per_text.items():
        found[text] = _settle(hits)


def _to_characters(data: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Count the characters from `starts` to `ends`, byte offsets both: all bytes but those that begin none."""
    if data.isascii():
        return ends - starts
    later = np.flatnonzero(np.frombuffer(data, np.int8) < _CONTINUATION_BELOW)
    return ends - starts - (np.searchsorted(later, ends) - np.searchsorted(later, starts))


def _settle(hits: list[tuple[int, Hit]]) -> tuple[Hit, ...]:
    """Where two hits overlap, keep the surer one, then the longer one, then that of the earlier rule."""
    if len(hits) == 1:
        return (hits[0][1],)
    ranked = sorted(set(hits), key=lambda each: (-each[1].tier, each[1].start - each[1].end, each[0], each[1].start))
    starts: list[int] = []
    kept: list[Hit] = []
    for _, hit in ranked:
        place = bisect_left(starts, hit.start)
        touches_before = place > 0 and kept[place - 1].end > hit.start
        touches_after = place < len(kept) and kept[place].start < hit.end
        if not touches_before and not touches_after:
            starts.insert(place, hit.start)
            kept.insert(place, hit)
    return tuple(kept)
