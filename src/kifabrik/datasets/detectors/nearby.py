"""Which groups of context words may stand before a place, told from the bytes of a text by a compiled loop.

It never misses a word that `context.words_in` knows, and almost never sees one where none is, so that most places that
count only beside a word are dropped without a call. Knows the words' bytes, no numbers.
"""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.detectors.context import BEGINNINGS, GROUPS, WHOLE_WORDS

Bytes = npt.NDArray[np.uint8]
ANY_GROUP = 255
_SEPARATOR, _UNKNOWN = 0, 1
_SLOTS = 1 << 14
_SEED, _FACTOR, _SHIFT = np.uint64(0xCBF29CE484222325), np.uint64(0x9E3779B97F4A7C15), np.uint64(50)
_LOW_BYTE, _EIGHT = np.uint64(255), np.uint64(8)


class NearbyWords(NamedTuple):
    """Letters and words as tables: what characters of two bytes fold to, blocks of three that nobody folds, hashes."""

    pairs: npt.NDArray[np.uint16]
    strange: npt.NDArray[np.bool_]
    hashes: npt.NDArray[np.uint64]
    whole: Bytes
    beginnings: Bytes


@cache
def nearby_words() -> NearbyWords:
    """Make the tables of all words of all languages."""
    words = NearbyWords(
        pairs=np.array([_fold_pair(code) for code in range(0x800)], np.uint16),
        strange=np.array([_is_strange(block) for block in range(1024)]),
        hashes=np.zeros(_SLOTS, np.uint64),
        whole=np.zeros(_SLOTS, np.uint8),
        beginnings=np.zeros(_SLOTS, np.uint8),
    )
    for groups_of, masks in ((WHOLE_WORDS, words.whole), (BEGINNINGS, words.beginnings)):
        for word, meanings in groups_of.items():
            slot = _enter(word, words)
            masks[slot] |= mask_of(group for group, _ in meanings)
    return words


def mask_of(groups: Iterable[str]) -> int:
    """Give groups as bits."""
    return sum({1 << GROUPS.index(group) for group in groups})


@compiled
def find_groups(
    signs: Bytes,
    begin: int,
    place: int,
    window: int,
    pairs: npt.NDArray[np.uint16],
    strange: npt.NDArray[np.bool_],
    hashes: npt.NDArray[np.uint64],
    whole: Bytes,
    beginnings: Bytes,
) -> int:
    """Give the groups, as bits, of the words in the last characters before a place; all where a letter is strange."""
    start = place
    while window and start > begin:
        start -= 1
        window -= signs[start] & 0xC0 != 0x80
    found, value, slot = 0, _SEED, np.int64(-1)
    while start < place:
        byte = signs[start]
        start += 1
        if byte >= 0x80:
            if byte < 0xE0:
                pair = np.uint64(pairs[(byte & 0x1F) << 6 | signs[start] & 0x3F])
                start += 1
            else:
                is_strange = byte < 0xF0 and strange[(byte & 0x0F) << 6 | signs[start] & 0x3F]
                start += 2 if byte < 0xF0 else 3
                pair = np.uint64(_UNKNOWN if is_strange else _SEPARATOR)
            if pair == _UNKNOWN:
                return ANY_GROUP
        else:
            small = byte | 0x20
            pair = np.uint64(small if 0x61 <= small <= 0x7A else _SEPARATOR)
        if pair == _SEPARATOR:
            if slot >= 0:
                found |= whole[slot]
            value, slot = _SEED, np.int64(-1)
            continue
        value = (value ^ pair) * _FACTOR
        slot = _look_up(hashes, value)
        if slot >= 0:
            found |= beginnings[slot]
    if slot >= 0:
        found |= whole[slot]
    return found


@compiled
def _look_up(hashes: npt.NDArray[np.uint64], value: np.uint64) -> np.int64:
    slot = np.int64(value >> _SHIFT)
    while hashes[slot]:
        if hashes[slot] == value:
            return slot
        slot = (slot + 1) % _SLOTS
    return np.int64(-1)


def _enter(word: str, words: NearbyWords) -> int:
    """Enter a word; gives its slot."""
    value = int(_SEED)
    for letter in word:
        code = ord(letter)
        value = ((value ^ (int(words.pairs[code]) if code >= 0x80 else code)) * int(_FACTOR)) % 2**64
    slot = value >> int(_SHIFT)
    while words.hashes[slot] not in {0, value}:
        slot = (slot + 1) % _SLOTS
    words.hashes[slot] = value
    return slot


def _fold_pair(code: int) -> int:
    """Give what stands for a character of two bytes: its small letter, a separator, or that nobody knows."""
    character = chr(code)
    small = character.lower().replace("ς", "σ")  # which of the two is written depends on what follows
    if len(small) > 1 or not 0x80 <= ord(small) < 0x800:
        return _UNKNOWN if small != character and code >= 0x80 else _SEPARATOR
    return ord(small) if small.isalpha() else _SEPARATOR


def _is_strange(block: int) -> bool:
    """Say whether a character of three bytes in this block of 64 has a small letter of one or two bytes."""
    characters = "".join(map(chr, range(64 * block, 64 * block + 64)))
    return block >= 0x800 // 64 and ord(min(characters.lower())) < 0x800
