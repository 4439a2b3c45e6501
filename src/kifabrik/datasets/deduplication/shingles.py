"""Sets of word shingles and their true Jaccard similarity. Knows texts, not signatures.

A shingle is a run of words (see `words`), named by a 64-bit hash; a document shorter than one shingle is one shingle of
all its words, a document without a word has none and resembles nothing. Inside one comparison 44 bits of the hash are
kept: two documents of 10,000 words share a shingle by mistake once in 100,000 comparisons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.words import Hashes, Places, Words, cut_blocks, hash_runs, split_words

_KEPT_BITS = 44
_OWNERS_MAX = 1 << (64 - _KEPT_BITS)


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of several documents in one row, repeats included; document i has `offsets[i]:offsets[i + 1]`."""

    hashes: Hashes
    offsets: Places


def find_shingles(words: Words, length: int) -> Shingles:
    """Give the shingles of `length` words of each document."""
    firsts, counts = words.firsts[:-1], words.counts
    per_text = np.where(counts > 0, np.maximum(counts - length + 1, 1), 0)
    offsets = np.concatenate(([0], np.cumsum(per_text)))
    places = np.arange(offsets[-1]) + np.repeat(firsts - offsets[:-1], per_text)
    padded = np.concatenate((words.hashes, np.zeros(length, dtype=np.uint64)))
    hashes = hash_runs(padded, length)[places]
    short = np.flatnonzero((counts > 0) & (counts < length))
    if len(short):
        reach = firsts[short, None] + np.arange(length)
        parts = np.where(reach < words.firsts[short + 1, None], padded[reach], np.uint64(0))
        hashes[offsets[short]] = hash_runs(parts.ravel(), length)[::length]
    return Shingles(hashes, offsets)


def find_sets(texts: Sequence[str], length: int) -> Shingles:
    """Give each document's shingles once and in order, with 44 bits each."""
    found = [_make_sets(find_shingles(split_words(block), length)) for block in cut_blocks(texts)]
    hashes = [each.hashes for each in found]
    counts = [np.diff(each.offsets) for each in found]
    empty = np.zeros(0, dtype=np.int64)
    return Shingles(
        np.concatenate([np.zeros(0, dtype=np.uint64), *hashes]),
        np.concatenate(([0], np.cumsum(np.concatenate([empty, *counts])))),
    )


def _make_sets(shingles: Shingles) -> Shingles:
    counts = np.diff(shingles.offsets)
    keys = _join(np.repeat(np.arange(len(counts)), counts), shingles.hashes >> np.uint64(64 - _KEPT_BITS))
    keys.sort()
    if len(keys):
        keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))]
    owners = (keys >> np.uint64(_KEPT_BITS)).astype(np.int64)
    offsets = np.searchsorted(owners, np.arange(len(counts) + 1))
    return Shingles(keys & np.uint64((1 << _KEPT_BITS) - 1), offsets.astype(np.int64))


def measure_jaccard(sets: Shingles, left: Places, right: Places) -> npt.NDArray[np.float64]:
    """Give the Jaccard similarity of pairs of documents, by their numbers in `sets`; 0 where one has no shingle.

    At most 2^20 pairs at once.
    """
    if len(left) > _OWNERS_MAX:
        raise ValueError("too many pairs at once")
    pair = np.arange(len(left))
    keys = np.concatenate([_join(*_gather(sets, side, pair)) for side in (left, right)])
    keys.sort()
    shared = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(_KEPT_BITS)
    both = np.bincount(shared.astype(np.int64), minlength=len(left))
    sizes = np.diff(sets.offsets)
    either = sizes[left] + sizes[right] - both
    return both / np.maximum(either, 1)


def _gather(sets: Shingles, documents: Places, pair: Places) -> tuple[Places, Hashes]:
    """Lay the sets of some documents one after the other, each with the number of its pair."""
    sizes = np.diff(sets.offsets)[documents]
    begins = np.cumsum(sizes) - sizes
    places = np.arange(int(sizes.sum())) + np.repeat(sets.offsets[documents] - begins, sizes)
    return np.repeat(pair, sizes), sets.hashes[places]


def _join(owners: Places, hashes: Hashes) -> Hashes:
    return (owners.astype(np.uint64) << np.uint64(_KEPT_BITS)) | hashes
