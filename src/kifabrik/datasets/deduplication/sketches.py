"""Sketches of sets: rows of numbers that agree in as large a share as the sets do. Knows hashes, no texts.

The algorithm is that of rensa's R-MinHash, version 2 (L. Cardoso, github.com/beowolx/rensa), after Dahlgaard et al.
2017, Fast Similarity Sketching: each element falls into one bucket of the row, three times over with new hashes, and
the smallest of a bucket is kept; what fell there in an earlier round counts as smaller. Buckets that stay empty hold
the minimum over all elements of a linear permutation of their own.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.words import Hashes, Places

Rows = npt.NDArray[np.uint32]
ALGORITHM: Final = "rensa-r-minhash-2"
EMPTY: Final = 0xFFFFFFFF  # the whole row of an empty set
_ROUNDS, _RANK_BITS = 3, 30
_64_BITS = (1 << 64) - 1
_GOLDEN, _SPREAD, _AGAIN = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of splitmix64
_BUCKETS, _NEXT_ROUND, _LAST = 0x6A09E667F3BCC909, 0x3C6EF372FE94F82B, 0xBB67AE8584CAA73B


def sketch(hashes: Hashes, offsets: Places, size: int, seed: int) -> Rows:
    """Give a row of `size` numbers for each set; set i has the hashes `offsets[i]:offsets[i + 1]`, repeats allowed."""
    rows = np.empty((len(offsets) - 1, size), dtype=np.uint32)
    factors, summands = _draw_permutations(size, seed)
    _sketch(hashes, offsets, factors, summands, rows)
    return rows


@compiled
def _sketch(hashes: Hashes, offsets: Places, factors: Hashes, summands: Hashes, rows: Rows) -> None:
    longest = 0
    for number in range(len(rows)):
        longest = max(longest, offsets[number + 1] - offsets[number])
    mixed = np.empty(longest, dtype=np.uint64)
    for number in range(len(rows)):
        elements, row = hashes[offsets[number] : offsets[number + 1]], rows[number]
        row[:] = EMPTY
        count = 0
        while count < _ROUNDS and len(elements) and row.max() >= count << _RANK_BITS:
            seed = summands[0] ^ np.uint64(_BUCKETS) ^ (np.uint64(count) * np.uint64(_NEXT_ROUND))
            _mix(elements, seed, mixed)
            _fill_buckets(mixed[: len(elements)], np.uint32(count << _RANK_BITS), row)
            count += 1
        if len(elements) and row.max() >= _ROUNDS << _RANK_BITS:
            _mix(elements, factors[0] ^ np.uint64(_LAST), mixed)
            _fill_the_rest(mixed[: len(elements)], factors, summands, row)


@compiled
def _mix(elements: Hashes, seed: np.uint64, mixed: Hashes) -> None:
    for place in range(len(elements)):
        mixed[place] = _mix_one(elements[place] ^ seed)


@compiled
def _mix_one(value: np.uint64) -> np.uint64:
    """Spread one value as splitmix64 does."""
    value += np.uint64(_GOLDEN)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_SPREAD)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_AGAIN)
    return value ^ (value >> np.uint64(31))


@compiled
def _fill_buckets(mixed: Hashes, prefix: np.uint32, row: Rows) -> None:
    """Keep the smallest rank of each bucket; the lower half of a hash chooses the bucket without bias (Lemire 2019)."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    size = np.uint64(len(row))
    unfair = (np.uint64(1) << half) % size
    for place in range(len(mixed)):
        choice = (mixed[place] & low) * size
        if choice & low < unfair:
            again = mixed[place]
            while choice & low < unfair:
                again = _mix_one(again)
                choice = (again & low) * size
        rank = prefix | np.uint32(mixed[place] >> np.uint64(64 - _RANK_BITS))
        row[choice >> half] = min(row[choice >> half], rank)


@compiled
def _fill_the_rest(mixed: Hashes, factors: Hashes, summands: Hashes, row: Rows) -> None:
    """Give each bucket that is empty the smallest image of all elements."""
    first = _ROUNDS << _RANK_BITS
    for bucket in range(len(row)):
        if row[bucket] >= first:
            factor, summand = factors[bucket], summands[bucket]
            least = np.uint64(_64_BITS)
            for place in range(len(mixed)):
                least = min(least, mixed[place] * factor + summand)
            row[bucket] = np.uint32(first) | np.uint32(least >> np.uint64(64 - _RANK_BITS))


@cache
def _draw_permutations(count: int, seed: int) -> tuple[Hashes, Hashes]:
    """Draw the odd factors and the summands of linear permutations of 64 bits."""
    numbers = _draw(seed)
    pairs = [(next(numbers) | 1, next(numbers)) for _ in range(count)]
    return np.array([pair[0] for pair in pairs], dtype=np.uint64), np.array(
        [pair[1] for pair in pairs], dtype=np.uint64
    )


def _draw(seed: int) -> Iterator[int]:
    """Draw numbers of 64 bits (xoshiro256++ by Blackman and Vigna, seeded by splitmix64)."""
    state = []
    for _ in range(4):
        seed = (seed + _GOLDEN) & _64_BITS
        value = ((seed ^ (seed >> 30)) * _SPREAD) & _64_BITS
        value = ((value ^ (value >> 27)) * _AGAIN) & _64_BITS
        state.append(value ^ (value >> 31))
    while True:
        yield (_rotate((state[0] + state[3]) & _64_BITS, 23) + state[0]) & _64_BITS
        shifted = (state[1] << 17) & _64_BITS
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = _rotate(state[3], 45)


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _64_BITS
