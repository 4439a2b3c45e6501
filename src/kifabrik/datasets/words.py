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
import xxhash

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

BLOCK_CHARACTERS = 600_000  # stays in the second-level cache; four times larger blocks take twice the time
_BLOCK_TEXTS = 1 << 16
_GAP = 32
_PAD_BYTES = 8
_ROUNDS_BYTES = 64  # longer words are rare
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def _make_fold_table() -> bytes:
    table = bytearray([_GAP]) * 128 + bytearray(range(128, 256))
    for byte in b"0123456789abcdefghijklmnopqrstuvwxyz":
        table[byte] = byte
        if chr(byte).isalpha():
            table[byte - 32] = byte
    return bytes(table)


_FOLD = _make_fold_table()
_MASKS = np.array([0, *((1 << (8 * length)) - 1 for length in range(1, 8)), 2**64 - 1], dtype=np.uint64)


@dataclass(frozen=True)
class Words:
    """The words of several texts in one row: byte places in `data`, and where each text's words begin and end.

    `firsts[i]` to `firsts[i + 1]` are the words of text i; `starts` and `ends` are byte places in the folded `data`.
    `raw` are the bytes before signs were blanked, with a line feed after each text; text i begins at `borders[i]`.
    """

    raw: npt.NDArray[np.uint8]
    borders: Places
    data: npt.NDArray[np.uint8]
    starts: Places
    ends: Places
    firsts: Places

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.firsts) - 1

    @property
    def counts(self) -> Places:
        """Words of each text."""
        return np.diff(self.firsts)

    @cached_property
    def hashes(self) -> Hashes:
        """A 64-bit hash of each word; equal words have equal hashes on every machine."""
        return _hash_words(self.data, self.starts, self.ends)

    def hash_runs(self, length: int) -> Hashes:
        """Hash each run of `length` words, at the place of its first word; runs over the end of a text mean nothing."""
        return hash_runs(self.hashes, length)

    def pick(self, texts: Places) -> "Words":
        """Give the words of some of the texts."""
        firsts, places = pick_rows(self.firsts, texts)
        borders = np.append(self.borders[texts], self.borders[-1])
        picked = Words(self.raw, borders, self.data, self.starts[places], self.ends[places], firsts)
        picked.__dict__.update(hashes=self.hashes[places], _continued=self._continued)
        return picked

    def count_characters(self, begins: Places, ends: Places) -> Places:
        """Count the characters between byte places: the bytes that do not go on a character."""
        if self._continued is None:
            return ends - begins
        return ends - begins - (self._continued[ends] - self._continued[begins])

    @cached_property
    def _continued(self) -> npt.NDArray[np.int32] | None:
        """How many bytes before each place go on a character; None if no byte does."""
        inside = (self.raw & 0xC0) == 0x80
        return np.concatenate(([np.int32(0)], np.cumsum(inside, dtype=np.int32))) if inside.any() else None

    @cached_property
    def owners(self) -> Places:
        """The text to which each word belongs."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.counts)


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


def split_words(texts: Sequence[str]) -> Words:
    """Cut texts into words; the words of a text do not depend on the other texts of the batch."""
    folded = [_fold(text) for text in texts]
    lengths = np.fromiter(map(len, folded), dtype=np.int64, count=len(folded))
    joined = b"\n".join([*folded, b" " * _PAD_BYTES])
    data = np.frombuffer(joined.translate(_FOLD), dtype=np.uint8)
    if not joined.isascii():
        data = _blank_signs(data)
    is_word = data != _GAP
    edges = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
    if is_word[0]:
        edges = np.concatenate(([0], edges))
    starts, ends = edges[::2], edges[1::2]  # the padding ends the last word
    borders = np.concatenate(([0], np.cumsum(lengths + 1)))
    firsts = np.searchsorted(starts, borders).astype(np.int64)
    return Words(np.frombuffer(joined, dtype=np.uint8), borders, data, starts, ends, firsts)


def pick_rows(firsts: Places, texts: Places) -> tuple[Places, Places]:
    """Give the new borders and the places of the items of some texts, one text after the other."""
    counts = np.diff(firsts)[texts]
    borders = np.concatenate(([0], np.cumsum(counts)))
    return borders, np.arange(borders[-1]) + np.repeat(firsts[texts] - borders[:-1], counts)


def _fold(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.casefold().encode("utf-8", "surrogatepass")


def _blank_signs(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Blank the punctuation that is not ASCII: C2 xx, E2 xx xx, E3 80 xx."""
    data = data.copy()
    two = np.flatnonzero(data == 0xC2)  # a lead byte: no byte of another character looks like it
    three = np.flatnonzero(data == 0xE2)
    wide = np.flatnonzero(data == 0xE3)
    three = np.concatenate((three, wide[data[wide + 1] == 0x80]))
    for places, length in ((two, 2), (three, 3)):
        for step in range(length):
            data[places + step] = _GAP
    return data


def _hash_words(data: npt.NDArray[np.uint8], starts: Places, ends: Places) -> Hashes:
    """Mix each word eight bytes at a time; only words longer than eight bytes need another round.

    A row of letters without end (a key, an embedded image) would need thousands of rounds: it is hashed in one piece.
    """
    if sys.byteorder != "little":
        raise NotImplementedError("hashes are defined on little-endian machines, which all we know of are")
    eights = np.ndarray(shape=(max(0, len(data) - 7),), dtype=np.uint64, buffer=data, strides=(1,))
    lengths = ends - starts
    mixed = mix(eights[starts] & _MASKS[np.minimum(lengths, 8)], _ODD[0])
    for place in np.flatnonzero(lengths > _ROUNDS_BYTES):
        mixed[place] = xxhash.xxh3_64_intdigest(data[starts[place] : ends[place]].tobytes())
    rest = np.flatnonzero((lengths > 8) & (lengths <= _ROUNDS_BYTES))
    done = 8
    while len(rest):
        left = lengths[rest] - done
        part = eights[starts[rest] + done] & _MASKS[np.minimum(left, 8)]
        mixed[rest] = mix(mixed[rest] * np.uint64(_ODD[1]) + part, _ODD[0])
        rest = rest[left > 8]
        done += 8
    return mixed


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


def hash_runs_at(hashes: Hashes, places: Places, length: int) -> Hashes:
    """Hash the runs of `length` neighbours that begin at some places, as `hash_runs` does."""
    total = hashes[places] * np.uint64(_ODD[1])
    for step in range(1, length):
        total += hashes[places + step]
        total *= np.uint64(_ODD[1])
    return mix(total, _ODD[3])
