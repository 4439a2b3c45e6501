"""How much of a text repeats itself in runs of words, for many texts at once. Knows words and shares, no verdict.

The measures are those of Rae et al. 2021 (Gopher), appendix A1.1, by the characters of words: `top` is the share of a
text in the occurrences of its most frequent run (of equally frequent ones the longest), `repeated` the share in runs
that stood in it before, each character once.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.words import Hashes, Mask, Places, Words, hash_run

Shares = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]
_ODD = np.uint64(0x9E3779B97F4A7C15)
TOP_MAX: Mapping[int, float] = {2: 0.20, 3: 0.18, 4: 0.16}
REPEATED_MAX: Mapping[int, float] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}


def measure_top(words: Words, length: int) -> Shares:
    """Share of each text in its most frequent run, of equally frequent ones the longest; 0 if none is there twice."""
    shares = np.zeros(len(words), dtype=np.float64)
    _measure_top(words.hashes, words.lengths, words.firsts, length, shares)
    return shares


def measure_repeated(words: Words, length: int) -> Shares:
    """Share of each text in runs that stood in it before."""
    shares = np.zeros(len(words), dtype=np.float64)
    _measure_repeated(words.hashes, words.lengths, words.firsts, length, shares)
    return shares


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
    """Compare both kinds of shares with their thresholds, and count runs only where pairs leave it possible."""
    table = _make_table(firsts)
    bounds = np.zeros(2 * table.shape[1], dtype=np.int32)
    counts = np.zeros(table.shape[1], dtype=np.int32)
    most = np.zeros(len(top), dtype=np.int64)
    for text in range(len(firsts) - 1):
        begin, end = firsts[text], firsts[text + 1]
        if not wanted[text] or begin == end:
            continue
        size = lengths[begin:end].sum()
        _bound_pairs(hashes, begin, end, bounds, counts)
        covered = _bound_runs(lengths[begin:end], counts, most)
        for row in range(len(top)):
            if not is_topped[text] and most[row] > top[row, 1] * size:
                _, held = _find_top(hashes, lengths, begin, end, int(top[row, 0]), table)
                is_topped[text] = held / size > top[row, 1]
        if covered <= repeated[-1, 1] * size:
            continue
        for row in range(len(repeated)):
            share = _find_repeated(hashes, lengths, begin, end, int(repeated[row, 0]), table) / size
            is_repeated[text] = share > repeated[row, 1]
            if is_repeated[text] or share <= repeated[-1, 1]:
                break  # what a repeated run covers, its parts cover too


@compiled
def _bound_pairs(hashes: Hashes, begin: int, end: int, bounds: Counts, counts: Counts) -> None:
    """Give for each pair of words how often it may stand in a text: too often where pairs share a slot by chance."""
    shift, slots = np.uint64(62), 4
    while slots < 4 * (end - begin):
        shift, slots = shift - np.uint64(1), slots * 2
    bounds[:slots] = 0
    for place in range(begin, end - 1):
        slot = ((hashes[place] * _ODD + hashes[place + 1]) * _ODD) >> shift
        counts[place - begin] = slot
        bounds[slot] += 1
    for number in range(end - begin - 1):
        counts[number] = bounds[counts[number]]


@compiled
def _bound_runs(lengths: Places, counts: Counts, most: Places) -> int:
    """Bound the characters of the most frequent runs of 2, 3, 4 words (in `most`), and of all repeated runs of 5.

    No run is more frequent than its pairs, and all pairs in a repeated run are repeated.
    """
    most[:] = 0
    covered = reach = pairs = 0
    for place in range(len(lengths) - 1):
        count = counts[place]
        if count < 2:
            pairs = 0
            continue
        pairs += 1
        characters = lengths[place] + lengths[place + 1]
        most[0] = max(most[0], count * characters)
        for row in range(1, min(pairs, len(most))):
            count = min(count, counts[place - row])
            characters += lengths[place - row]
            most[row] = max(most[row], count * characters)
        if pairs >= 4:
            for word in range(max(reach, place - 3), place + 2):
                covered += lengths[word]
            reach = place + 2
    return covered


@compiled
def _measure_top(hashes: Hashes, lengths: Places, firsts: Places, length: int, shares: Shares) -> None:
    table = _make_table(firsts)
    for text in range(len(firsts) - 1):
        _, covered = _find_top(hashes, lengths, firsts[text], firsts[text + 1], length, table)
        shares[text] = covered / max(lengths[firsts[text] : firsts[text + 1]].sum(), 1)


@compiled
def _measure_repeated(hashes: Hashes, lengths: Places, firsts: Places, length: int, shares: Shares) -> None:
    table = _make_table(firsts)
    for text in range(len(firsts) - 1):
        covered = _find_repeated(hashes, lengths, firsts[text], firsts[text + 1], length, table)
        shares[text] = covered / max(lengths[firsts[text] : firsts[text + 1]].sum(), 1)


@compiled
def _make_table(firsts: Places) -> Hashes:
    """Give room for the runs of the longest text, twice as much as runs, and for a number to each."""
    longest = 0
    for text in range(len(firsts) - 1):
        longest = max(longest, firsts[text + 1] - firsts[text])
    slots = 2
    while slots < 2 * longest:
        slots *= 2
    return np.zeros((2, slots), dtype=np.uint64)


@compiled
def _clear(table: Hashes, runs: int) -> int:
    """Empty as much of the table as so many runs need; gives the size, a power of two."""
    slots = 2
    while slots < 2 * runs:
        slots *= 2
    table[:, :slots] = 0
    return slots


@compiled
def _find(table: Hashes, slots: int, run: np.uint64) -> int:
    """Give the slot that holds a run, or the free one where it belongs; 0 stands for a free slot."""
    mask = np.uint64(slots - 1)
    slot = run & mask
    while table[0, slot] != 0 and table[0, slot] != run:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@compiled
def _find_top(hashes: Hashes, lengths: Places, begin: int, end: int, length: int, table: Hashes) -> tuple[int, int]:
    """Give how often the most frequent run stands in a text, and the characters of its occurrences."""
    slots = _clear(table, end - begin)
    most = covered = 0
    for place in range(begin, end - length + 1):
        run = hash_run(hashes, place, length) | np.uint64(1)
        slot = _find(table, slots, run)
        table[0, slot] = run
        table[1, slot] += np.uint64(1)
        count = int(table[1, slot])
        if count >= max(most, 2):
            characters = count * lengths[place : place + length].sum()
            covered = max(covered, characters) if count == most else characters
            most = count
    return most, covered


@compiled
def _find_repeated(hashes: Hashes, lengths: Places, begin: int, end: int, length: int, table: Hashes) -> int:
    """Give the characters of words in runs that stood in the text before."""
    slots = _clear(table, end - begin)
    covered, reach = 0, begin
    for place in range(begin, end - length + 1):
        run = hash_run(hashes, place, length) | np.uint64(1)
        slot = _find(table, slots, run)
        if table[0, slot] == run:
            for word in range(max(reach, place), place + length):
                covered += lengths[word]
            reach = place + length
        table[0, slot] = run
    return covered
