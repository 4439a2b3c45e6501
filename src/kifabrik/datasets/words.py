"""Cuts a batch of texts into words and hashes them, at memory speed. Knows bytes and words, not what they are for.

A word is a longest run of letters and digits, in small letters: ASCII is folded by a table, all else by Unicode's case
folding after NFC, so that `ΟΔΟΣ`, `οδος` and a decomposed `é` compare as people expect. Every byte that is not
ASCII belongs to a word, except the signs of Latin-1 (« » · § no-break space) and the block U+2000 to U+2FFF (dashes,
quotation marks, ellipsis, currency, bullets) with U+3000 to U+303F, which separate words as ASCII punctuation does.
"""

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BLOCK_CHARACTERS = 600_000  # stays in the second-level cache
_BLOCK_TEXTS = 1 << 16
_GAP, _NINE = 32, 57
_PADDING = b" " * 8
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_FIRST, _NEXT, _SPREAD, _RUN = (np.uint64(each) for each in _ODD)
_8, _29, _32 = np.uint64(8), np.uint64(29), np.uint64(32)
_ALL = np.uint64(2**64 - 1)


def _make_fold_table() -> bytes:
    table = bytearray([_GAP]) * 128 + bytearray(range(128, 256))
    for byte in b"0123456789abcdefghijklmnopqrstuvwxyz":
        table[byte] = byte
        if chr(byte).isalpha():
            table[byte - 32] = byte
    return bytes(table)


_FOLD = _make_fold_table()


@dataclass(frozen=True)
class Words:
    """The words of several texts in one row; `firsts[i]` to `firsts[i + 1]` are the words of text i.

    `hashes` are 64 bits of each word, the same on every machine; `lengths` are its characters; `are_numbers` tells the
    words that are digits alone. `raw` are the bytes of the texts in small letters, with a line feed after each text and
    eight blanks at the end; text i begins at `borders[i]`.
    """

    raw: Bytes
    borders: Places
    hashes: Hashes
    lengths: Places
    are_numbers: Mask
    firsts: Places

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.firsts) - 1

    @property
    def counts(self) -> Places:
        """Words of each text."""
        return np.diff(self.firsts)

    @cached_property
    def owners(self) -> Places:
        """The text to which each word belongs."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.counts)

    def hash_runs(self, length: int) -> Hashes:
        """Hash each run of `length` words, at the place of its first word; runs over the end of a text mean nothing."""
        return hash_runs(self.hashes, length)


def cut_blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a batch into pieces that fit the processor's cache; no text is cut."""
    start, size = 0, 0
    for place, text in enumerate(texts):
        if place - start == _BLOCK_TEXTS or (size and size + len(text) > BLOCK_CHARACTERS):
            yield texts[start:place]
            start, size = place, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]


@compiled
def mix_one(value: np.uint64, factor: np.uint64) -> np.uint64:
    """Spread one value over all its 64 bits as `mix` does, inside a compiled loop."""
    mixed = value * factor
    mixed ^= mixed >> _32
    mixed *= _SPREAD
    return mixed ^ (mixed >> _29)


@compiled
def hash_bytes(eights: Hashes, begin: int, end: int) -> np.uint64:
    """Hash bytes eight at a time, inside a compiled loop; `eights` as `as_eights` gives them."""
    total = np.uint64(0)
    while end - begin > 8:
        total = mix_one(total * _NEXT + eights[begin], _FIRST)
        begin += 8
    unused = _8 * np.uint64(8 - (end - begin))
    return mix_one(total * _NEXT + (eights[begin] & (_ALL >> unused)), _FIRST)


@compiled
def hash_run(hashes: Hashes, place: int, length: int) -> np.uint64:
    """Hash one run of neighbours as `hash_runs` does, inside a compiled loop."""
    total = hashes[place] * _NEXT
    for step in range(1, length):
        total = (total + hashes[place + step]) * _NEXT
    return mix_one(total, _RUN)


def split_words(texts: Sequence[str]) -> Words:
    """Cut texts into words; the words of a text do not depend on the other texts of the batch."""
    folded = [_fold(text) for text in texts]
    borders = np.concatenate(([0], np.cumsum([len(each) + 1 for each in folded], dtype=np.int64)))
    joined = b"\n".join([*folded, _PADDING])
    data = np.frombuffer(bytearray(joined.translate(_FOLD)), dtype=np.uint8)
    most = len(data) // 2 + 1
    hashes = np.empty(most, dtype=np.uint64)
    lengths = np.empty(most, dtype=np.int64)
    are_numbers = np.empty(most, dtype=np.bool_)
    firsts = np.zeros(len(texts) + 1, dtype=np.int64)
    if not joined.isascii():
        _blank_signs(data)
    count = _cut(data, as_eights(data), borders, hashes, lengths, are_numbers, firsts)
    raw = np.frombuffer(joined, dtype=np.uint8)
    return Words(raw, borders, hashes[:count], lengths[:count], are_numbers[:count], firsts)


def as_eights(data: Bytes) -> Hashes:
    """Show bytes as the numbers that eight of them make from each place on, without the last seven places."""
    if sys.byteorder != "little":
        raise NotImplementedError("hashes are defined on little-endian machines, which all we know of are")
    return np.ndarray(shape=(len(data) - 7,), dtype=np.uint64, buffer=data, strides=(1,))


@compiled
def _blank_signs(data: Bytes) -> None:
    """Blank the punctuation that is not ASCII: C2 xx, E2 xx xx, E3 80 xx."""
    for place in range(len(data)):
        byte = data[place]  # a lead byte: no byte of another character looks like it
        if byte == 0xC2:
            data[place : place + 2] = _GAP
        elif byte == 0xE2 or (byte == 0xE3 and data[place + 1] == 0x80):
            data[place : place + 3] = _GAP


@compiled
def _cut(
    data: Bytes, eights: Hashes, borders: Places, hashes: Hashes, lengths: Places, are_numbers: Mask, firsts: Places
) -> int:
    """Fill in what is known about each word, and where the words of each text begin; returns the number of words."""
    word = 0
    for text in range(len(borders) - 1):
        firsts[text] = word
        place, end = borders[text], borders[text + 1]
        while place < end:
            if data[place] == _GAP:
                place += 1
                continue
            begin = place
            inside = 0
            while data[place] != _GAP:  # the line feed after a text is blank
                inside += (data[place] & 0xC0) == 0x80
                place += 1
            hashes[word] = hash_bytes(eights, begin, place)
            lengths[word] = place - begin - inside
            are_numbers[word] = data[begin] <= _NINE and _are_digits(data, begin, place)
            word += 1
    firsts[-1] = word
    return word


@compiled
def _are_digits(data: Bytes, begin: int, end: int) -> bool:
    are_digits = True
    for place in range(begin, end):
        are_digits &= data[place] <= _NINE
    return are_digits


def _fold(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.casefold().encode("utf-8", "surrogatepass")


def mix(values: Hashes, factor: int) -> Hashes:
    """Spread each value over all its 64 bits (multiply and fold, as in splitmix64); one-to-one."""
    mixed = values * np.uint64(factor)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(_ODD[2])
    mixed ^= mixed >> np.uint64(29)
    return mixed


def hash_runs(hashes: Hashes, length: int) -> Hashes:
    """Hash each run of `length` neighbours, in order; there are `len(hashes) - length + 1` of them, or none."""
    count = len(hashes) - length + 1
    if count <= 0:
        return np.zeros(0, dtype=np.uint64)
    total = hashes[:count] * np.uint64(_ODD[1])
    for step in range(1, length):
        total += hashes[step : step + count]
        total *= np.uint64(_ODD[1])
    return mix(total, _ODD[3])


@dataclass(frozen=True, slots=True)
class KnownWords:
    """Words that are looked for: a table of their hashes with free slots (0), and which word each slot holds."""

    slots: Hashes
    numbers: Places

    @classmethod
    def of(cls, hashes: Hashes) -> "KnownWords":
        """Make the table; word i is the one with the hash at place i."""
        size = 1 << (4 * len(hashes)).bit_length()
        slots, numbers = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.int64)
        for number, value in enumerate(hashes.tolist()):
            slot = value % size
            while slots[slot]:
                slot = (slot + 1) % size
            slots[slot], numbers[slot] = value, number
        return cls(slots, numbers)


@compiled
def find_known(slots: Hashes, numbers: Places, value: np.uint64) -> int:
    """Give the number of a known word, or -1, inside a compiled loop."""
    mask = np.uint64(len(slots) - 1)
    slot = value & mask
    while slots[slot] != 0 and slots[slot] != value:
        slot = (slot + np.uint64(1)) & mask
    return numbers[slot] if slots[slot] == value else -1
