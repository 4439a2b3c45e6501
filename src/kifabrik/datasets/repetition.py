"""How much of a text repeats itself in runs of words, for many texts at once. Knows words and shares, no verdict.

The measures are those of Rae et al. 2021 (Gopher), appendix A1.1, by the characters of words: `top` is the share of a
text in the occurrences of its most frequent run (of equally frequent ones the longest), `repeated` the share in runs
that stood in it before, each character once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.words import Hashes, Places, Words, hash_runs, hash_runs_at, pick_rows

Shares = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
TOP_MAX: Mapping[int, float] = {2: 0.20, 3: 0.18, 4: 0.16}
REPEATED_MAX: Mapping[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
_HASH_BITS = 44
_SLOT_BITS_MAX = 22
_ODD = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of words inside texts: a key of text and hash, its place, its characters; in order of key, then place."""

    keys: Hashes
    places: Places
    characters: Places


@dataclass(frozen=True)
class Rows:
    """The words of some texts: hash and length in characters of each, and where each text begins."""

    hashes: Hashes
    lengths: Places
    firsts: Places

    @cached_property
    def sizes(self) -> Places:
        """Characters of the words of each text, at least 1."""
        return np.maximum(sum_by_text(self.lengths, self.firsts), 1)

    @cached_property
    def owners(self) -> Places:
        """The text of each word."""
        return np.repeat(np.arange(len(self.firsts) - 1), np.diff(self.firsts))

    @cached_property
    def before(self) -> Places:
        """Characters of all words before each word."""
        return np.concatenate(([0], np.cumsum(self.lengths)))

    def pick(self, texts: Places) -> "Rows":
        """Give the rows of some texts alone."""
        if len(texts) == len(self.firsts) - 1:
            return self
        firsts, places = pick_rows(self.firsts, texts)
        return Rows(self.hashes[places], self.lengths[places], firsts)

    def runs(self, length: int, places: Places | None = None) -> _Runs:
        """Give the runs of so many words inside a text, all of them or those that begin at some places."""
        if places is None:
            places = np.arange(len(self.hashes))
        owners = self.owners[places]
        is_inside = places + length <= self.firsts[owners + 1]
        places, owners = places[is_inside], owners[is_inside]
        hashes = hash_runs_at(self.hashes, places, length)
        keys = (owners.astype(np.uint64) << np.uint64(_HASH_BITS)) | (hashes >> np.uint64(64 - _HASH_BITS))
        order = np.argsort(keys, kind="stable")
        places = places[order]
        return _Runs(keys[order], places, self.before[places + length] - self.before[places])


def sum_by_text(values: npt.NDArray[np.integer] | Mask, firsts: Places) -> Places:
    """Add the values of the words of each text."""
    total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    return total[firsts[1:]] - total[firsts[:-1]]


def find_repetitive(words: Words, lengths: Places) -> tuple[Mask, Mask]:
    """Say for each text whether a `top` and whether a `repeated` share is above its published threshold.

    `lengths` are the characters of each word. All pairs of words are looked at, longer runs only where pairs leave it
    possible that they matter.
    """
    rows = Rows(words.hashes, lengths, words.firsts)
    is_topped, is_repeated = np.zeros(len(words), dtype=np.bool_), np.zeros(len(words), dtype=np.bool_)
    counts = _bound_counts(rows)
    for length, limit in TOP_MAX.items():
        texts = np.unique(rows.owners[_find_much(rows, counts, length, limit)])
        texts = texts[~is_topped[texts]]
        is_topped[texts[measure_top(rows.pick(texts), length) > limit]] = True
    is_again = counts > 1
    shortest, least = min(REPEATED_MAX), min(REPEATED_MAX.values())
    places = np.flatnonzero(_all_of(is_again, shortest - 1))  # all pairs in a repeated run are repeated
    shares, texts = measure_repeated(rows, shortest, places), np.arange(len(words))
    for length, limit in REPEATED_MAX.items():
        if length > shortest:
            shares = measure_repeated(rows.pick(texts), length)
        is_repeated[texts[shares > limit]] = True
        texts = texts[(shares > least) & (shares <= limit)]  # what a repeated run covers, its parts cover too
    return is_topped, is_repeated


def _bound_counts(rows: Rows) -> Shares:
    """Give for each pair of words how often it may stand in its text: too often where pairs share a slot by chance."""
    count = max(0, len(rows.hashes) - 1)
    owners = rows.owners[:count].astype(np.uint64)
    bits = min(_SLOT_BITS_MAX, (4 * count).bit_length())
    values = (hash_runs(rows.hashes, 2) ^ (owners * np.uint64(_ODD))) * np.uint64(_ODD)
    slots = (values >> np.uint64(64 - bits)).astype(np.int64)
    return np.bincount(slots, minlength=1 << bits)[slots].astype(np.float64)


def _find_much(rows: Rows, counts: Shares, length: int, limit: float) -> Places:
    """Give the places of runs that may hold more than a share of their text: none is more frequent than its pairs."""
    least = counts[: max(0, len(counts) - length + 2)]
    for step in range(1, length - 1):
        least = np.minimum(least, counts[step : step + len(least)])
    characters = rows.before[length : length + len(least)] - rows.before[: len(least)]
    places = np.flatnonzero(least > 1)
    return places[least[places] * characters[places] > limit * rows.sizes[rows.owners[places]]]


def _all_of(values: Mask, length: int) -> Mask:
    """Say for each place whether so many values from it on are true."""
    every = values[: max(0, len(values) - length + 1)]
    for step in range(1, length):
        every = every & values[step : step + len(every)]
    return every


def measure_top(rows: Rows, length: int) -> Shares:
    """Share of each text in its most frequent run, of equally frequent ones the longest; 0 if none is there twice."""
    runs = rows.runs(length)
    keys = runs.keys
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)])
    counts = np.diff(np.append(starts, len(keys)))
    starts, counts = starts[counts > 1], counts[counts > 1]
    owners = (keys[starts] >> np.uint64(_HASH_BITS)).astype(np.int64)
    top = np.zeros(len(rows.firsts) - 1, dtype=np.int64)
    begins = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(begins):
        highest = np.repeat(np.maximum.reduceat(counts, begins), np.diff(np.append(begins, len(owners))))
        covered = np.where(counts == highest, counts * runs.characters[starts], 0)
        top[owners[begins]] = np.maximum.reduceat(covered, begins)
    return top / rows.sizes


def measure_repeated(rows: Rows, length: int, places: Places | None = None) -> Shares:
    """Share of each text in runs that stood in it before; `places` are where such runs and their first may begin."""
    runs = rows.runs(length, places)
    again = runs.places[1:][runs.keys[1:] == runs.keys[:-1]]
    size = len(rows.hashes) + 1
    steps = np.bincount(again, minlength=size) - np.bincount(again + length, minlength=size)
    is_covered = np.cumsum(steps[:-1]) > 0
    return sum_by_text(np.where(is_covered, rows.lengths, 0), rows.firsts) / rows.sizes
