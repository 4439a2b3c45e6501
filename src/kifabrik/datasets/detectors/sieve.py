"""Drops places by the bytes around them, many at once, before any check is called. Knows rules by their tables.

A rule says which signs must not touch a match (`Edges`) and which words must stand before it (`Beside`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.detectors.nearby import NearbyWords, find_groups, mask_of, nearby_words
from kifabrik.datasets.detectors.rule import Rule

Numbers = npt.NDArray[np.int64]
MARGIN = 2  # zero bytes around a block, so that what stands beside a match can be looked up without a question
_Bytes = npt.NDArray[np.uint8]
_Flags = npt.NDArray[np.bool_]
_LENGTH_BITS, _END_BITS = 15, 36
_LENGTH = (1 << _LENGTH_BITS) - 1
_BEFORE, _DIGIT_BEFORE, _AFTER, _DIGIT_AFTER, _FIRST, _LEFT, _RIGHT = (1 << bit for bit in range(7))


class Sieve(NamedTuple):
    """What rules say of places: `signs[rule, byte]` has a bit for each place where the byte would matter."""

    signs: _Bytes
    groups: _Bytes
    windows: Numbers
    always: _Flags
    digits_only: _Flags
    words: NearbyWords


def make_sieve(rules: Sequence[Rule]) -> Sieve:
    """Write down what rules say."""
    beside = [rule.beside for rule in rules]
    return Sieve(
        signs=np.array([_tabulate(rule) for rule in rules], np.uint8),
        groups=np.array([mask_of(each.groups) for each in beside], np.uint8),
        windows=np.array([each.window for each in beside], np.int64),
        always=np.array([each.always for each in beside], np.bool_),
        digits_only=np.array([each.digits_only for each in beside], np.bool_),
        words=nearby_words(),
    )


def _tabulate(rule: Rule) -> _Bytes:
    edges, beside = rule.edges, rule.beside
    table = np.zeros(256, np.uint8)
    for bit, signs in (
        (_BEFORE, edges.before),
        (_DIGIT_BEFORE, edges.digit_before),
        (_AFTER, edges.after),
        (_DIGIT_AFTER, edges.digit_after),
        (_FIRST, beside.first),
        (_LEFT, beside.left),
        (_RIGHT, beside.right),
    ):
        table[list(signs.encode("ascii"))] |= bit
    table[0x80:] |= (_LEFT if beside.left else 0) | (_RIGHT if beside.right else 0)
    return table


def sift(sieve: Sieve, data: bytes, begins: Numbers, found: Numbers, wants_shapes: _Flags) -> Numbers:
    """Give the places that are left, each once and rule by rule; `found` are rule, start and end in bytes of all texts.

    `begins` says where each text begins, `wants_shapes` whether hits of tier 1 are wanted in it. A row is text, rule,
    start and end in characters of that text, and how many characters before it hold no word of any group; 0 where
    nobody looked. One rule after the other is a third faster than one text after the other: its code stays cached.
    """
    signs = np.frombuffer(data, np.uint8)
    return _sift(
        signs, begins, found, wants_shapes,
        sieve.signs, sieve.groups, sieve.windows, sieve.always, sieve.digits_only, *sieve.words,
    )  # fmt: skip


@compiled
def _sift(
    signs: _Bytes, begins: Numbers, found: Numbers, wants_shapes: _Flags,
    tables: _Bytes, groups: _Bytes, windows: Numbers, always: _Flags, digits_only: _Flags,
    pairs: npt.NDArray[np.uint16], strange: _Flags, hashes: npt.NDArray[np.uint64], whole: _Bytes, beginnings: _Bytes,
) -> Numbers:  # fmt: skip
    kept, keys, count = np.empty((len(found), 5), np.int64), np.empty(len(found), np.int64), 0
    last_text, place, later = np.int64(-1), np.int64(0), np.int64(0)
    for number in range(len(found)):
        rule, start, end = found[number, 0], found[number, 1], found[number, 2]
        table, window = tables[rule], np.int64(0)
        if _is_touched(signs, start, end, table):
            continue
        text = np.searchsorted(begins, start, side="right") - 1
        if groups[rule]:
            met = find_groups(signs, begins[text], start, windows[rule], pairs, strange, hashes, whole, beginnings)
            is_needed = always[rule] or not wants_shapes[text]
            if is_needed and not met & groups[rule] and not _is_spared(signs, start, end, table, digits_only[rule]):
                continue
            if met == 0:
                window = windows[rule]
        if text != last_text:
            last_text, place, later = text, begins[text], np.int64(0)
        later += _count_later(signs[place:start]) - _count_later(signs[start:place])  # one of them is empty
        place = start
        first = start - later - begins[text]
        kept[count, 0], kept[count, 1], kept[count, 2], kept[count, 4] = text, rule, first, window
        kept[count, 3] = first + end - start - _count_later(signs[start:end])
        keys[count] = (rule << _END_BITS | end) << _LENGTH_BITS | (_LENGTH - (end - start))
        count += 1
    return _put_in_order(kept[:count], keys[:count])


@compiled
def _put_in_order(kept: Numbers, keys: Numbers) -> Numbers:
    """Sort the places by rule and end and leave out copies: two anchors of one rule may name one place."""
    ordered, count, before = np.empty_like(kept), 0, np.int64(-1)
    for number in np.argsort(keys):
        if keys[number] != before:
            ordered[count] = kept[number]
            count += 1
        before = keys[number]
    return ordered[:count]


@compiled
def _is_touched(signs: _Bytes, start: int, end: int, table: _Bytes) -> bool:
    """Say whether something stands beside a match that its rule does not bear."""
    before, after = table[signs[start - 1]], table[signs[end]]
    return (
        before & _BEFORE != 0
        or after & _AFTER != 0
        or (before & _DIGIT_BEFORE != 0 and 48 <= signs[start - 2] <= 57)
        or (after & _DIGIT_AFTER != 0 and 48 <= signs[end + 1] <= 57)
    )


@compiled
def _is_spared(signs: _Bytes, start: int, end: int, table: _Bytes, digits_only: bool) -> bool:
    """Say whether no word is needed before a match."""
    if table[signs[start]] & _FIRST or table[signs[start - 1]] & _LEFT or table[signs[end]] & _RIGHT:
        return True
    if digits_only:
        for place in range(start, end):
            if not 48 <= signs[place] <= 57:
                return True
    return False


@compiled
def _count_later(signs: _Bytes) -> int:
    """Count the bytes that only continue a character."""
    count = 0
    for sign in signs:
        count += (sign & 0xC0) == 0x80
    return count
