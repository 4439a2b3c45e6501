"""Cuts a batch of texts into words and hashes them, at memory speed. Knows bytes and words, not what they are for.

A word is a longest run of letters and digits, in small letters: letters are folded as Unicode does it, in NFC (see
`small_letters`), so that `ΟΔΟΣ`, `οδος` and a decomposed `é` compare as people expect. Every byte that is not ASCII
belongs to a word, except the signs of Latin-1 (« » · § no-break space) and the block U+2000 to U+2FFF (dashes,
quotation marks, ellipsis, currency, bullets) with U+3000 to U+303F, which separate words as ASCII punctuation does.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise, zip_longest
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.small_letters import GAP, Bytes, fold, fold_alone

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_Text = TypeVar("_Text", str, bytes, str | bytes)

_BLOCK_CHARACTERS = 600_000  # stays in the second-level cache
_BLOCK_TEXTS = 1 << 16
_NINE = ord("9")
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_FIRST, _NEXT, _SPREAD = (np.uint64(each) for each in _ODD[:3])
_8, _29, _32 = np.uint64(8), np.uint64(29), np.uint64(32)
_ALL = np.uint64(2**64 - 1)
_ONES, HIGH_BITS, _LOW = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
_GAPS, _PLACES = np.uint64(GAP * 0x0101010101010101), np.uint64(0x0001020304050607)


@dataclass(frozen=True)
class Words:
    """The words of several texts in one row; `firsts[i]` to `firsts[i + 1]` are the words of text i.

    `hashes` are 64 bits of each word, the same on every machine; `lengths` are its characters; `are_numbers` tells the
    words that are digits alone. `raw` are the bytes of the texts, odd lines in small letters, with a line feed after
    each text and at least eight blanks at the end; text i begins at `borders[i]`.
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


def cut_blocks(texts: Sequence[_Text]) -> Iterator[Sequence[_Text]]:
    """Cut a batch into pieces that fit the processor's cache; no text is cut."""
    start, size = 0, 0
    for place, text in enumerate(texts):
        if place - start == _BLOCK_TEXTS or (size and size + len(text) > _BLOCK_CHARACTERS):
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


def split_words(texts: Sequence[str | bytes]) -> Words:
    """Cut texts, or their UTF-8 bytes, into words; those of a text do not depend on the other texts of the batch."""
    raw, borders = _join([text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass") for text in texts])
    folded, are_odd = fold(raw, borders)
    if are_odd.any():
        raw, folded, borders = _fold_odd(raw, folded, borders, np.flatnonzero(are_odd))
    most = len(raw) // 2 + 1
    hashes = np.empty(most, dtype=np.uint64)
    lengths = np.empty(most, dtype=np.int64)
    are_numbers = np.empty(most, dtype=np.bool_)
    firsts = np.zeros(len(texts) + 1, dtype=np.int64)
    count = _cut(folded, as_eights(folded), borders, hashes, lengths, are_numbers, firsts)
    return Words(raw, borders, hashes[:count], lengths[:count], are_numbers[:count], firsts)


def _join(data: Sequence[bytes]) -> tuple[Bytes, Places]:
    """Put texts in a row, a line feed after each, then eight blanks or more up to a multiple of eight."""
    borders = np.concatenate(([0], np.cumsum([len(each) + 1 for each in data], dtype=np.int64)))
    padding = b" " * (16 - int(borders[-1]) % 8)
    return np.frombuffer(b"\n".join([*data, padding]), dtype=np.uint8), borders


def _fold_odd(raw: Bytes, folded: Bytes, borders: Places, odd: Places) -> tuple[Bytes, Bytes, Places]:
    """Put other bytes in the place of odd texts."""
    begins, ends = borders[odd].tolist(), borders[odd + 1].tolist()
    instead = _fold_odd_lines([raw[begin : end - 1].tobytes() for begin, end in zip(begins, ends, strict=True)])
    own_raw, own_borders = _join(instead)
    own_folded, _ = fold(own_raw, own_borders)

    def splice(data: Bytes, own: Bytes) -> Bytes:
        between = (data[begin:end] for begin, end in zip([0, *ends], [*begins, len(data)], strict=True))
        instead = (own[begin:end] for begin, end in pairwise(own_borders.tolist()))
        pieces = [piece for both in zip_longest(between, instead) for piece in both if piece is not None]
        spliced = np.concatenate(pieces)
        spliced.flags.writeable = data.flags.writeable  # loops are compiled for one kind
        return spliced

    sizes = np.diff(borders)
    sizes[odd] = np.diff(own_borders)
    return splice(raw, own_raw), splice(folded, own_folded), np.concatenate(([0], np.cumsum(sizes)))


def _fold_odd_lines(texts: Sequence[bytes]) -> list[bytes]:
    """Fold the odd lines of odd texts, which are mostly few: nothing joins over a line feed."""
    lines = [text.split(b"\n") for text in texts]
    flat = [line for each in lines for line in each]
    for number in np.flatnonzero(fold(*_join(flat))[1]).tolist():
        flat[number] = fold_alone(flat[number])
    rest = iter(flat)
    return [b"\n".join(islice(rest, len(each))) for each in lines]


def as_eights(data: Bytes) -> Hashes:
    """Show bytes as the numbers that eight of them make from each place on, without the last seven places."""
    if sys.byteorder != "little":
        raise NotImplementedError("hashes are defined on little-endian machines, which all we know of are")
    return np.ndarray(shape=(len(data) - 7,), dtype=np.uint64, buffer=data, strides=(1,))


@compiled
def _cut(
    data: Bytes, eights: Hashes, borders: Places, hashes: Hashes, lengths: Places, are_numbers: Mask, firsts: Places
) -> int:
    """Fill in what is known about each word, and where the words of each text begin; returns the number of words.

    Eight bytes are looked at together, because a branch for each byte would mostly be foreseen wrongly.
    """
    word = 0
    for text in range(len(borders) - 1):
        firsts[text] = word
        place, end = borders[text], borders[text + 1]
        while place < end:
            rest = eights[place] ^ _GAPS
            letters = (((rest & _LOW) + _LOW) | rest) & HIGH_BITS
            if letters == 0:
                place += 8
                continue
            place += first_byte(letters)
            if place >= end:
                break
            begin, total, high = place, np.uint64(0), np.uint64(0)
            part = eights[place]
            gaps = find_byte(part, _GAPS)
            while gaps == 0:  # the line feed after a text is one
                total, high = mix_one(total * _NEXT + part, _FIRST), high | part
                place += 8
                part = eights[place]
                gaps = find_byte(part, _GAPS)
            size = first_byte(gaps)
            if size:
                part &= _ALL >> (_8 * np.uint64(8 - size))
                total, high = mix_one(total * _NEXT + part, _FIRST), high | part
                place += size
            hashes[word] = total
            lengths[word] = place - begin if high & HIGH_BITS == 0 else count_characters(data, begin, place)
            are_numbers[word] = data[begin] <= _NINE and _are_digits(data, begin, place)
            word += 1
    firsts[-1] = word
    return word


@compiled
def find_byte(part: np.uint64, wanted: np.uint64) -> np.uint64:
    """Mark the first of eight bytes that is wanted by its highest bit, and perhaps later ones; 0 if none is.

    `wanted` holds that byte eight times. From "Bit Twiddling Hacks" by S. E. Anderson (Stanford), "a zero byte".
    """
    rest = part ^ wanted
    return (rest - _ONES) & ~rest & HIGH_BITS


@compiled
def first_byte(marks: np.uint64) -> int:
    """Give the place of the first of eight bytes whose highest bit is set, inside a compiled loop."""
    lowest = marks & (~marks + np.uint64(1))
    return int(((lowest >> np.uint64(7)) * _PLACES) >> np.uint64(56))


@compiled
def count_characters(data: Bytes, begin: int, end: int) -> int:
    """Count the characters that begin between two places, inside a compiled loop."""
    count = 0
    for place in range(begin, end):
        count += (data[place] & 0xC0) != 0x80
    return count


@compiled
def _are_digits(data: Bytes, begin: int, end: int) -> bool:
    are_digits = True
    for place in range(begin, end):
        are_digits &= data[place] <= _NINE
    return are_digits


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
