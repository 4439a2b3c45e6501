"""Sets of word shingles and their true Jaccard similarity. Knows texts, not signatures.

A shingle is a run of words (see `words`), named by a 64-bit hash; a document shorter than one shingle is one shingle of
all its words, a document without a word has none and resembles nothing. Inside one comparison 44 bits of the hash are
kept: two documents of 10,000 words share a shingle by mistake once in 100,000 comparisons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.runs import write_runs
from kifabrik.datasets.words import Hashes, Places, Words, cut_blocks, split_words

_KEPT_BITS = 44
_TAGS_MAX = (1 << (64 - _KEPT_BITS)) - 1  # documents or pairs that one table tells apart


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of several documents in one row, repeats included; document i has `offsets[i]:offsets[i + 1]`."""

    hashes: Hashes
    offsets: Places


def find_shingles(words: Words, length: int) -> Shingles:
    """Give the shingles of `length` words of each document."""
    counts = words.counts
    per_text = np.where(counts > 0, np.maximum(counts - length + 1, 1), 0)
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(per_text)))
    hashes = np.empty(offsets[-1], dtype=np.uint64)
    _hash_shingles(words.hashes, words.firsts, offsets, length, hashes)
    return Shingles(hashes, offsets)


@compiled
def _hash_shingles(words: Hashes, firsts: Places, offsets: Places, length: int, hashes: Hashes) -> None:
    padded = np.zeros(length, dtype=np.uint64)
    for text in range(len(firsts) - 1):
        these = words[firsts[text] : firsts[text + 1]]
        if 0 < len(these) < length:
            padded[:] = 0
            padded[: len(these)] = these
            these = padded
        write_runs(these, length, hashes[offsets[text] : offsets[text + 1]])


def find_sets(texts: Sequence[str | bytes], length: int) -> Shingles:
    """Give each document's shingles once, with 44 bits each, in the order of their first places."""
    found = [_make_sets(find_shingles(split_words(block), length)) for block in cut_blocks(texts)]
    return join_sets([each.hashes for each in found], [np.diff(each.offsets) for each in found])


def join_sets(hashes: Sequence[Hashes], sizes: Sequence[Places]) -> Shingles:
    """Lay sets one after the other; `sizes` counts the shingles of the documents of each piece."""
    joined = np.concatenate([np.zeros(0, dtype=np.uint64), *hashes])
    counts = np.concatenate([np.zeros(0, dtype=np.int64), *sizes])
    return Shingles(joined, np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts))))


def _make_sets(shingles: Shingles) -> Shingles:
    hashes, counts = np.empty_like(shingles.hashes), np.diff(shingles.offsets)
    table = _make_table(int(counts.max(initial=0)))
    begin = 0
    for first in range(0, len(counts), _TAGS_MAX):  # tags begin anew, so the table does
        table[:] = 0
        begin = _keep_once(
            shingles.hashes, shingles.offsets, first, counts[first : first + _TAGS_MAX], hashes, begin, table
        )
    return join_sets([hashes[:begin]], [counts])


def measure_jaccard(sets: Shingles, left: Places, right: Places) -> npt.NDArray[np.float64]:
    """Give the Jaccard similarity of pairs of documents, by their numbers in `sets`; 0 where one has no shingle.

    At most 2^20 - 1 pairs at once.
    """
    if len(left) > _TAGS_MAX:
        raise ValueError("too many pairs at once")
    sizes = np.diff(sets.offsets)
    both = np.zeros(len(left), dtype=np.int64)
    _count_shared(sets.hashes, sets.offsets, left, right, both, _make_table(int(sizes.max(initial=0))))
    either = sizes[left] + sizes[right] - both
    return both / np.maximum(either, 1)


def _make_table(entries: int) -> Hashes:
    """Give an empty table that is at most half full with so many entries: a power of two, so that a mask finds places.

    An entry is a shingle under the tag of its document or pair; what bears another tag counts as empty, so that the
    table need not be emptied in between.
    """
    return np.zeros(1 << max(4, (2 * entries).bit_length()), dtype=np.uint64)


@compiled
def _keep_once(
    hashes: Hashes, offsets: Places, first: int, counts: Places, kept: Hashes, begin: int, table: Hashes
) -> int:
    """Write the different shingles of each document and count them; gives the place after the last one."""
    mask = np.uint64(len(table) - 1)
    for number in range(len(counts)):
        tag = np.uint64(number + 1) << np.uint64(_KEPT_BITS)
        start = begin
        for place in range(offsets[first + number], offsets[first + number + 1]):
            key = hashes[place] >> np.uint64(64 - _KEPT_BITS)
            slot = key & mask
            while table[slot] != tag | key and table[slot] >> np.uint64(_KEPT_BITS) == np.uint64(number + 1):
                slot = (slot + np.uint64(1)) & mask
            if table[slot] != tag | key:
                table[slot] = tag | key
                kept[begin] = key
                begin += 1
        counts[number] = begin - start
    return begin


@compiled
def _count_shared(hashes: Hashes, offsets: Places, left: Places, right: Places, both: Places, table: Hashes) -> None:
    """Count the shingles that both documents of each pair have."""
    mask = np.uint64(len(table) - 1)
    tag_number = np.uint64(0)
    for pair in range(len(left)):
        if pair == 0 or left[pair] != left[pair - 1]:
            tag_number += np.uint64(1)
            for place in range(offsets[left[pair]], offsets[left[pair] + 1]):
                slot = hashes[place] & mask
                while table[slot] >> np.uint64(_KEPT_BITS) == tag_number:
                    slot = (slot + np.uint64(1)) & mask
                table[slot] = tag_number << np.uint64(_KEPT_BITS) | hashes[place]
        for place in range(offsets[right[pair]], offsets[right[pair] + 1]):
            slot = hashes[place] & mask
            wanted = tag_number << np.uint64(_KEPT_BITS) | hashes[place]
            while table[slot] != wanted and table[slot] >> np.uint64(_KEPT_BITS) == tag_number:
                slot = (slot + np.uint64(1)) & mask
            if table[slot] == wanted:
                both[pair] += 1
