"""Which texts repeat themselves in runs of words, for many texts at once. Knows words, and the published thresholds.

The measures are those of Rae et al. 2021 (Gopher), appendix A1.1, by the characters of words: `top` is the share of a
text in the occurrences of its most frequent run (of equally frequent ones the longest), `repeated` the share in runs
that stood in it before, each character once.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.runs import write_runs
from kifabrik.datasets.words import Hashes, Mask, Places, Words

Shares = npt.NDArray[np.float64]
_Numbers = npt.NDArray[np.uint32]
_HALF = np.uint64(32)
TOP_MAX: Mapping[int, float] = {2: 0.20, 3: 0.18, 4: 0.16}
REPEATED_MAX: Mapping[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


def find_repetitive(words: Words, wanted: Mask) -> tuple[Mask, Mask]:
    """Say for each wanted text whether a `top` and whether a `repeated` share is above its published threshold."""
    is_topped, is_repeated = np.zeros(len(words), dtype=np.bool_), np.zeros(len(words), dtype=np.bool_)
    top, repeated = np.array([*TOP_MAX.items()]), np.array([*REPEATED_MAX.items()])
    _judge(words.hashes, words.lengths, words.firsts, wanted, top, repeated, is_topped, is_repeated)
    return is_topped, is_repeated


@compiled
def _judge(
    hashes: Hashes,
    lengths: Places,
    firsts: Places,
    wanted: Mask,
    top: Shares,
    repeated: Shares,
    is_topped: Mask,
    is_repeated: Mask,
) -> None:
    """Compare both kinds of shares with their thresholds, and count no runs where shorter ones leave it impossible."""
    longest = 1
    for text in range(len(wanted)):
        longest = max(longest, firsts[text + 1] - firsts[text])
    runs = np.empty(longest, dtype=np.uint64)
    counts, more = np.empty(longest, dtype=np.uint32), np.empty(longest, dtype=np.uint32)
    table = np.empty(_count_slots(longest), dtype=np.uint32)
    for text in range(len(wanted)):
        begin, end = firsts[text], firsts[text + 1]
        if wanted[text] and begin < end:
            these, sizes = hashes[begin:end], lengths[begin:end]
            is_topped[text] = _is_topped(these, sizes, top, runs, counts, table)
            is_repeated[text] = _is_repeated(these, sizes, repeated, runs, counts, more, table)


@compiled
def _is_topped(words: Hashes, lengths: Places, limits: Shares, runs: Hashes, counts: _Numbers, table: _Numbers) -> bool:
    """Say whether the most frequent run of some length is above its threshold."""
    size = lengths.sum()
    bounds = _bound_top(words, lengths, counts, table)
    for row in range(len(limits)):
        if bounds[row] > limits[row, 1] * size:
            count = write_runs(words, int(limits[row, 0]), runs)
            if _find_top(runs[:count], lengths, int(limits[row, 0]), counts, table) / size > limits[row, 1]:
                return True
    return False


@compiled
def _bound_top(words: Hashes, lengths: Places, counts: _Numbers, table: _Numbers) -> tuple[int, int, int]:
    """Give the characters that the most frequent runs of 2, 3 and 4 words hold at most.

    At its last place in a text no run has been seen more often than the pairs in it; pairs that share a slot by chance
    seem to be seen more often than they were.
    """
    slots = _count_slots(len(words))
    mask = np.uint64(slots - 1)
    table[:slots] = 0
    pairs = len(words) - 1
    for place in range(pairs):
        slot = (words[place] ^ (words[place + 1] >> _HALF)) & mask
        seen = table[slot] + np.uint32(1)
        table[slot] = seen
        counts[place] = seen
    two = three = four = 0
    for place in range(pairs):
        seen = np.int64(counts[place])
        two = max(two, (lengths[place] + lengths[place + 1]) * (seen if seen > 1 else 0))
    second, third = counts[1:], counts[2:]
    for place in range(pairs - 1):
        seen = np.int64(min(counts[place], second[place]))
        characters = lengths[place] + lengths[place + 1] + lengths[place + 2]
        three = max(three, characters * (seen if seen > 1 else 0))
    for place in range(pairs - 2):
        seen = np.int64(min(counts[place], second[place], third[place]))
        characters = lengths[place] + lengths[place + 1] + lengths[place + 2] + lengths[place + 3]
        four = max(four, characters * (seen if seen > 1 else 0))
    return two, three, four


@compiled
def _find_top(runs: Hashes, lengths: Places, length: int, counts: _Numbers, table: _Numbers) -> int:
    """Give the characters in the occurrences of the most frequent run; 0 if none is there twice."""
    slots = _count_slots(len(runs))
    table[:slots] = 0
    most = covered = np.int64(0)
    for place in range(len(runs)):
        slot = _find(runs, table, slots, runs[place])
        first = np.int64(table[slot]) - 1
        if first < 0:
            table[slot], counts[place] = place + 1, 1
            continue
        counts[first] += np.uint32(1)
        count = np.int64(counts[first])
        if count >= most:  # twice at least
            characters = count * lengths[place : place + length].sum()
            covered = max(covered, characters) if count == most else characters
            most = count
    return int(covered)


@compiled
def _is_repeated(
    words: Hashes,
    lengths: Places,
    limits: Shares,
    runs: Hashes,
    is_again: _Numbers,
    is_covered: _Numbers,
    table: _Numbers,
) -> bool:
    """Say whether the repeated runs of some length are above their threshold.

    What a repeated run covers, the shorter ones in it cover too; and all of those are repeated.
    """
    size = lengths.sum()
    for row in range(len(limits)):
        length = int(limits[row, 0])
        count = len(words) - length + 1
        if count < 1:
            return False
        for place in range(count if row else 0):  # a run may be repeated if both shorter ones in it are
            is_again[place] &= is_again[place + 1]
        if row and _cover(is_again[:count], lengths, length, is_covered) / size <= limits[row, 1]:
            continue
        _mark_repeated(runs[: write_runs(words, length, runs)], is_again, table)
        share = _cover(is_again[:count], lengths, length, is_covered) / size
        if share > limits[row, 1]:
            return True
        if share <= limits[-1, 1]:
            return False
    return False


@compiled
def _mark_repeated(runs: Hashes, is_again: _Numbers, table: _Numbers) -> None:
    """Mark each run that stood in the text before."""
    slots = _count_slots(len(runs))
    table[:slots] = 0
    for place in range(len(runs)):
        slot = _find(runs, table, slots, runs[place])
        is_again[place] = table[slot] > 0
        table[slot] = place + 1


@compiled
def _cover(is_marked: _Numbers, lengths: Places, length: int, is_covered: _Numbers) -> int:
    """Add the lengths of words in marked runs of a length, each word once; each loop does many words at once."""
    covered = 0
    is_covered[: len(lengths)] = 0
    for step in range(length):
        shifted = is_covered[step:]
        for place in range(len(is_marked)):
            shifted[place] |= is_marked[place]
    for place in range(len(lengths)):
        covered += lengths[place] * np.int64(is_covered[place])
    return covered


@compiled
def _count_slots(runs: int) -> int:
    """Give the size of a table that so many runs fill to a quarter at most, a power of two."""
    slots = 4
    while slots < 4 * runs:
        slots *= 2
    return slots


@compiled
def _find(runs: Hashes, table: _Numbers, slots: int, run: np.uint64) -> np.uint64:
    """Give the slot that holds the place of a run after 1, or the free one where it belongs."""
    mask = np.uint64(slots - 1)
    slot = run & mask
    while table[slot] != 0 and runs[np.int64(table[slot]) - 1] != run:
        slot = (slot + np.uint64(1)) & mask
    return slot
