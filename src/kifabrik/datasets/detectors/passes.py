"""One walk over a block of texts: anchors in bytes, places in characters, checks, and who wins where two hits overlap.

Knows no kind. Texts are joined into blocks of about a megabyte because a call for each text would cost more than the
walk itself; zero bytes stand between two texts and around the block, and no anchor matches them. What can be said of a
place by the bytes around it is said by compiled loops, of many places at once (`sieve`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Literal

import numpy as np

from kifabrik.datasets.detectors.engines import Engine, EngineName, make_engine
from kifabrik.datasets.detectors.rule import Hit, Rule, Sheet
from kifabrik.datasets.detectors.sieve import MARGIN, Numbers, Sieve, make_sieve, sift

_BLOCK_CHARACTERS = 1_000_000
_START = attrgetter("start")


@dataclass(frozen=True, slots=True)
class Programme:
    """Rules with their anchors compiled: `rule_of[n]` is the rule that looks where anchor n matches."""

    rules: tuple[Rule, ...]
    engine: Engine
    rule_of: np.ndarray
    sieve: Sieve


def compile_rules(rules: Sequence[Rule], engine: EngineName | Literal["auto"]) -> Programme:
    """Compile the anchors of all rules; raises Unavailable for an engine that is not installed."""
    uses = [(number, anchor) for number, rule in enumerate(rules) for anchor in rule.anchors]
    return Programme(
        rules=tuple(rules),
        engine=make_engine(engine, [anchor for _, anchor in uses]),
        rule_of=np.array([number for number, _ in uses], np.int64),
        sieve=make_sieve(rules),
    )


def find_hits(
    programme: Programme,
    texts: Sequence[str],
    make_sheet: Callable[[int], Sheet],
    *,
    encoded: Sequence[bytes] | None = None,
    wants_shapes: Sequence[bool] | None = None,
) -> list[tuple[Hit, ...]]:
    """Find all identifiers of each text, in the order of their places; hits of one text never overlap.

    `make_sheet` is asked for the sheet of a text by its number, where there is something to judge; `encoded` are the
    texts in UTF-8, where somebody has them; `wants_shapes` says of each text whether hits of tier 1 are wanted.
    """
    found: list[tuple[Hit, ...]] = [()] * len(texts)
    shapes = np.ones(len(texts), np.bool_) if wants_shapes is None else np.array(wants_shapes, np.bool_)
    for first, last in _cut_into_blocks(texts):
        pieces = encoded[first:last] if encoded is not None else _encode(texts[first:last])
        places = _find_places(programme, pieces, shapes[first:last])
        for number, hits in _examine(programme.rules, places, first, make_sheet).items():
            found[number] = _settle(hits)
    return found


def _cut_into_blocks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    first = size = 0
    for number, text in enumerate(texts):
        size += len(text)
        if size >= _BLOCK_CHARACTERS:
            yield first, number + 1
            first, size = number + 1, 0
    if first < len(texts):
        yield first, len(texts)


def _encode(texts: Sequence[str]) -> list[bytes]:
    """Encode texts; half a surrogate pair is a text's fault and no reason to stop."""
    return [text.encode("utf-8", "surrogatepass") for text in texts]


def _find_places(programme: Programme, pieces: Sequence[bytes], wants_shapes: np.ndarray) -> Numbers:
    """Walk texts as bytes and count in characters where something is to be judged."""
    margin = bytes(MARGIN - 1)
    data = b"\0".join([margin, *pieces, margin])
    found = programme.engine.places(data)
    found[:, 0] = programme.rule_of[found[:, 0]]
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces)) + 1
    return sift(programme.sieve, data, np.cumsum(lengths) - lengths + MARGIN, found, wants_shapes)


def _examine(
    rules: Sequence[Rule], places: Numbers, first: int, make_sheet: Callable[[int], Sheet]
) -> dict[int, list[tuple[int, Hit]]]:
    """Ask the rule of each place; gives by number of the text what counts, with the number of the rule."""
    hits: dict[int, list[tuple[int, Hit]]] = {}
    sheets: dict[int, Sheet] = {}
    for text, rule, start, end, window in zip(*places.T.tolist(), strict=True):
        sheet = sheets.get(text)
        if sheet is None:
            sheet = sheets[text] = make_sheet(first + text)
        if window:
            sheet.expect_no_words(start, window)
        hit = rules[rule].examine(sheet, start, end)
        if hit is not None and hit.tier >= sheet.tier_min:
            hits.setdefault(first + text, []).append((rule, hit))
    return hits


def _settle(hits: list[tuple[int, Hit]]) -> tuple[Hit, ...]:
    """Where two hits overlap, keep the surer one, then the longer one, then that of the earlier rule."""
    if len(hits) == 1:
        return (hits[0][1],)
    in_order = sorted([hit for _, hit in hits], key=_START)
    if all(first.end <= second.start for first, second in pairwise(in_order)):
        return tuple(in_order)
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
