"""One walk over a block of texts: anchors in bytes, places in characters, checks, and who wins where two hits overlap.

Knows no kind. Texts are joined into blocks of about a megabyte because a call for each text would cost more than the
walk itself; zero bytes stand between two texts and around the block, and no anchor matches them.
"""

import string
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kifabrik.datasets.detectors.engines import Engine, EngineName, make_engine
from kifabrik.datasets.detectors.rule import Hit, Rule, Sheet

_BLOCK_CHARACTERS = 1_000_000
_CONTINUATION_BELOW = -64  # 0x80 to 0xBF as signed bytes
_WORD = 64
_MARGIN = 2  # zero bytes around a block, so that what stands beside a match can be looked up without a question
_IS_DIGIT = np.isin(np.arange(256), list(string.digits.encode()))


@dataclass(frozen=True, slots=True)
class Programme:
    """Rules with their anchors compiled: `rule_of[n]` is the rule that looks where anchor n matches.

    The other arrays say for each rule and byte that the byte must not stand there: rules x 256.
    """

    rules: tuple[Rule, ...]
    engine: Engine
    rule_of: np.ndarray
    before: np.ndarray
    digit_before: np.ndarray
    after: np.ndarray
    digit_after: np.ndarray


@dataclass(frozen=True, slots=True)
class _Places:
    """Where to look, rule by rule: numbers of texts and rules, offsets in characters of that text.

    One rule after the other is a third faster than one text after the other: its code stays in the processor's cache.
    """

    texts: np.ndarray
    rules: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def compile_rules(rules: Sequence[Rule], engine: EngineName | Literal["auto"]) -> Programme:
    """Compile the anchors of all rules; raises Unavailable for an engine that is not installed."""
    uses = [(number, anchor) for number, rule in enumerate(rules) for anchor in rule.anchors]
    return Programme(
        rules=tuple(rules),
        engine=make_engine(engine, [anchor for _, anchor in uses]),
        rule_of=np.array([number for number, _ in uses], np.int64),
        before=_make_table([rule.edges.before for rule in rules]),
        digit_before=_make_table([rule.edges.digit_before for rule in rules]),
        after=_make_table([rule.edges.after for rule in rules]),
        digit_after=_make_table([rule.edges.digit_after for rule in rules]),
    )


def _make_table(signs: Sequence[str]) -> np.ndarray:
    return np.array([np.isin(np.arange(256), list(each.encode("ascii"))) for each in signs])


def find_hits(
    programme: Programme,
    texts: Sequence[str],
    make_sheet: Callable[[int], Sheet],
    encoded: Sequence[bytes] | None = None,
) -> list[tuple[Hit, ...]]:
    """Find all identifiers of each text, in the order of their places; hits of one text never overlap.

    `make_sheet` is asked for the sheet of a text by its number, where there is something to judge; `encoded` are the
    texts in UTF-8, where somebody has them.
    """
    found: list[tuple[Hit, ...]] = [()] * len(texts)
    for first, last in _cut_into_blocks(texts):
        places = _find_places(programme, encoded[first:last] if encoded is not None else _encode(texts[first:last]))
        if places is not None:
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


def _find_places(programme: Programme, pieces: Sequence[bytes]) -> _Places | None:
    """Walk texts as bytes and count in characters where something is to be judged."""
    data = b"\0".join([b"", b"", *pieces, b"", b""])
    found = programme.engine.places(data)
    rules, starts, ends = programme.rule_of[found[:, 0]], found[:, 1], found[:, 2]
    order = np.lexsort((starts, ends, rules))
    rules, starts, ends = rules[order], starts[order], ends[order]
    is_kept = np.ones(len(order), np.bool_)  # two anchors of one rule may name one place
    is_kept[1:] = (ends[1:] != ends[:-1]) | (rules[1:] != rules[:-1]) | (starts[1:] != starts[:-1])
    signs = np.frombuffer(data, np.uint8)
    is_kept &= ~_are_touched(programme, signs, rules, starts, ends)
    if not is_kept.any():
        return None
    rules, starts, ends = rules[is_kept], starts[is_kept], ends[is_kept]
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces)) + 1
    begins = np.cumsum(lengths) - lengths + _MARGIN
    texts = np.searchsorted(begins, starts, side="right") - 1
    if not data.isascii():
        starts, ends, begins = _count_characters(signs, (starts, ends, begins))
    return _Places(texts, rules, starts - begins[texts], ends - begins[texts])


def _count_characters(signs: np.ndarray, offsets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Turn offsets in bytes into offsets in characters: without the bytes that only continue one.

    A bit for each byte and a running count for each 64 of them take a fifth of the time of a list of those bytes.
    """
    is_later = np.zeros(-(-(len(signs) + 1) // _WORD) * _WORD, np.bool_)
    np.less(signs.view(np.int8), _CONTINUATION_BELOW, out=is_later[: len(signs)])
    bits = np.packbits(is_later, bitorder="little").view("<u8")
    counts = np.bitwise_count(bits)
    before = np.cumsum(counts, dtype=np.int64) - counts
    answers = []
    for each in offsets:
        word, rest = each // _WORD, (each % _WORD).astype(np.uint64)
        partly = bits[word] & ((np.uint64(1) << rest) - np.uint64(1))
        answers.append(each - before[word] - np.bitwise_count(partly))
    return answers


def _are_touched(
    programme: Programme, signs: np.ndarray, rules: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Say of each place whether something stands beside it that its rule does not bear."""
    left, right = signs[starts - 1], signs[ends]
    touched: np.ndarray = programme.before[rules, left] | programme.after[rules, right]
    touched |= programme.digit_before[rules, left] & _IS_DIGIT[signs[starts - 2]]
    touched |= programme.digit_after[rules, right] & _IS_DIGIT[signs[ends + 1]]
    return touched


def _examine(
    rules: Sequence[Rule], places: _Places, first: int, make_sheet: Callable[[int], Sheet]
) -> dict[int, list[tuple[int, Hit]]]:
    """Ask the rule of each place; gives by number of the text what counts, with the number of the rule."""
    hits: dict[int, list[tuple[int, Hit]]] = {}
    sheets: dict[int, Sheet] = {}
    columns = (each.tolist() for each in (places.texts + first, places.rules, places.starts, places.ends))
    for text, rule, start, end in zip(*columns, strict=True):
        sheet = sheets.get(text)
        if sheet is None:
            sheet = sheets[text] = make_sheet(text)
        hit = rules[rule].examine(sheet, start, end)
        if hit is not None and hit.tier >= sheet.tier_min:
            hits.setdefault(text, []).append((rule, hit))
    return hits


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
