"""Turns texts into small letters with blanks for all signs, as bytes. Knows characters, not words.

ASCII is folded eight bytes at a time, characters of two and three bytes (most of the world's scripts) by one table made
from Unicode's case folding, where they stand. A text with a character that folds to another length or combines with
its neighbours to another is `odd`: Python folds it first. Signs that are not ASCII are those of Latin-1 (but letters
by their folding, as `µ`) and of the blocks U+2000 to U+303F.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled

Bytes = npt.NDArray[np.uint8]
_Eights = npt.NDArray[np.uint64]
_Table = npt.NDArray[np.uint32]
_Places = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]
GAP = 32
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0x80, 0x800, 0x10000
_SIGNS = range(0x2000, 0x3040)
_HANGUL, _FIRST_JAMO = range(0xAC00, 0xD7A4), range(0x1100, 0x1113)  # syllables, and the letters that begin one
_LATER_JAMO = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))
_BLOCK = 64  # characters with the same bytes but the last
_JOINING, _JOINED = 0x40, 0x80  # of a kind: may become one with what stands before it, or after it
_RANK, _STARTER = 0x3F, 1
_KIND = np.uint32(24)  # the bits of an entry from here on
_CASE, _7 = np.uint64(0x2020202020202020), np.uint64(7)
_HIGH, _LOW = np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
_FROM_A, _OVER_Z, _FROM_0, _OVER_9 = (
    np.uint64((0x80 - first) * 0x0101010101010101) for first in (ord("a"), ord("z") + 1, ord("0"), ord("9") + 1)
)


def fold_alone(data: bytes) -> bytes:
    """Give a text or line in small letters and NFC, as Python makes them; its signs stay."""
    small = unicodedata.normalize("NFC", data.decode("utf-8", "surrogatepass")).casefold()
    return unicodedata.normalize("NFC", small).encode("utf-8", "surrogatepass")


def fold(data: Bytes, borders: _Places) -> tuple[Bytes, _Mask]:
    """Write small letters and blanks, every byte at its place; says which texts are odd, whose bytes mean nothing yet.

    `borders` are the beginnings of the texts and the end of the last; the bytes are as many as go by eights, and after
    the last text there are eight.
    """
    folded = np.empty_like(data)
    _fold_ascii(data.view(np.uint64), folded.view(np.uint64))
    are_odd = np.zeros(len(borders) - 1, dtype=np.bool_)
    _fold_others(data, np.ndarray((len(data) - 7,), np.uint64, data, strides=(1,)), borders, _table(), folded, are_odd)
    return folded, are_odd


@compiled
def _fold_ascii(data: _Eights, folded: _Eights) -> None:
    """Fold letters, keep digits and all bytes that are not ASCII, write blanks for the rest."""
    for place in range(len(data)):
        part = data[place]
        high = part & _HIGH
        low = part & _LOW
        small = low | _CASE
        letters = (small + _FROM_A) & ~(small + _OVER_Z) & _HIGH & ~high
        kept = ((low + _FROM_0) & ~(low + _OVER_9) & _HIGH) | high
        letters |= letters - (letters >> _7)  # all bits of a byte for its highest
        kept |= kept - (kept >> _7)
        folded[place] = (small & letters) | (part & kept) | (_CASE & ~(letters | kept))


@compiled
def _fold_others(data: Bytes, eights: _Eights, borders: _Places, table: _Table, folded: Bytes, are_odd: _Mask) -> None:
    """Fold what is not ASCII, and find the texts that cannot be folded so."""
    for text in range(len(borders) - 1):
        place, end = borders[text], borders[text + 1]
        before, after = np.int64(_JOINED), np.int64(-1)  # the kind of the last character, and where it ended
        while place < end:
            if data[place] < 0x80:
                if eights[place] & _HIGH == 0:
                    place += 8
                else:
                    place += 1
                continue
            lead = data[place]
            if lead >= 0xF0:
                is_plain = lead == 0xF0 and 0x9F <= data[place + 1] <= 0xAE  # pictures, and Chinese characters
                are_odd[text] |= not is_plain
                place += 4
                continue
            if lead < 0xE0:
                width = 2
                entry = table[((lead & 0x1F) << 6) | (data[place + 1] & 0x3F)]
                folded[place] = (entry >> np.uint32(8)) & np.uint32(0xFF)
                folded[place + 1] = entry & np.uint32(0xFF)
            else:
                width = 3
                entry = table[((lead & 0x0F) << 12) | ((data[place + 1] & 0x3F) << 6) | (data[place + 2] & 0x3F)]
                folded[place] = (entry >> np.uint32(16)) & np.uint32(0xFF)
                folded[place + 1] = (entry >> np.uint32(8)) & np.uint32(0xFF)
                folded[place + 2] = entry & np.uint32(0xFF)
            kind = np.int64(entry >> _KIND)
            if kind != _STARTER:
                before = before if place == after else np.int64(_JOINED)
                are_odd[text] |= kind == 0 or (kind & _RANK != 1 and kind & _RANK < before & _RANK)
                are_odd[text] |= kind & _JOINING != 0 and (before & _JOINED != 0 or before & _RANK > 1)
            before = kind
            place += width
            after = place


@cache
def _table() -> _Table:
    """Give for each character below U+10000 its folded bytes and its kind.

    A kind is 0 for a character that cannot be folded where it stands, else a rank, which grows with the canonical
    combining class and is 1 for letters and signs, and whether the character may become one with a neighbour.
    """
    table = np.zeros(_FOUR_BYTES, dtype=np.uint32)
    special: list[int] = []
    for first in range(_TWO_BYTES, _FOUR_BYTES, _BLOCK):
        codes = np.arange(first, first + _BLOCK, dtype=np.uint32)
        if first >= _THREE_BYTES and first not in _SIGNS and _are_plain("".join(map(chr, codes))):
            table[codes] = _STARTER << _KIND | _as_three_bytes(codes)
        else:
            special += codes.tolist()
    syllables = np.arange(_HANGUL.start, _HANGUL.stop, dtype=np.uint32)
    table[syllables] = (_STARTER | _JOINED) << _KIND | _as_three_bytes(syllables)
    special = [code for code in special if code not in _HANGUL]
    ranks = {each: rank for rank, each in enumerate(sorted({unicodedata.combining(chr(code)) for code in special}), 1)}
    for code in special:
        character, small = chr(code), chr(code).casefold()
        data, folded = _without_sign(character), _without_sign(small)
        kind = 0
        if len(data) == len(folded) and all(unicodedata.is_normalized("NFC", each) for each in (character, small)):
            kind = ranks[unicodedata.combining(character)]
        table[code] = kind << int(_KIND) | int.from_bytes(folded if kind else data)
    for flag, pairs in zip((_JOINED, _JOINING), _find_pairs(special), strict=True):
        table[pairs] |= np.where(table[pairs] >> _KIND, flag << _KIND, 0).astype(np.uint32)
    return table


def _are_plain(characters: str) -> bool:
    """Say whether all are small letters or have none, and neither have parts nor are marks."""
    is_whole = characters.casefold() == characters == unicodedata.normalize("NFD", characters)
    return is_whole and not any(map(unicodedata.combining, characters))


def _as_three_bytes(codes: _Table) -> _Table:
    """Give characters of three bytes as the number that their UTF-8 makes."""
    return (0xE08080 | (codes & 0xF000) << 4 | (codes & 0x0FC0) << 2 | (codes & 0x3F)).astype(np.uint32)


def _without_sign(characters: str) -> bytes:
    data = characters.encode("utf-8", "surrogatepass")
    is_sign = data[0] == 0xC2 or ord(characters[0]) in _SIGNS
    return bytes([GAP] * len(data)) if is_sign else data


def _find_pairs(codes: Iterable[int]) -> tuple[list[int], list[int]]:
    """Find the characters that may become another with what comes after them, and those that may change what stands
    before them: first and last parts of a character, and characters with parts, which a mark may come between."""
    joined, joining = {*_FIRST_JAMO}, {*_LATER_JAMO}
    for code in codes:
        character = chr(code)
        parts = unicodedata.normalize("NFD", character)
        if len(parts) > 1 and unicodedata.is_normalized("NFC", character):
            joined.update((code, *map(ord, unicodedata.normalize("NFC", parts[:-1]))))
            joining.add(ord(parts[-1]))
    joined.update(code for code in codes if ord(chr(code).casefold()[0]) in joined)
    return sorted(code for code in joined if code >= _TWO_BYTES), sorted(joining)
