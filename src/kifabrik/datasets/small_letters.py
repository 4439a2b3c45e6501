"""Turns texts into small letters with blanks for all signs, as bytes. Knows characters, not words.

ASCII and the characters of two bytes (Latin, Greek, Cyrillic and more) are folded by tables made from Unicode's case
folding. A text with a character that folds to another length, that is not in NFC or that combines with its neighbour is
folded by Python first. Signs that are not ASCII are those of Latin-1 (but letters by their folding, as `µ`) and of the
blocks U+2000 to U+2FFF and U+3000 to U+303F.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled

Bytes = npt.NDArray[np.uint8]
_Table = npt.NDArray[np.uint16]
_Mask = npt.NDArray[np.bool_]
GAP = 32
_TWO_BYTES, _THREE_BYTES = 0x80, 0x800
_BLOCK = 64  # characters of three bytes with the same first two
_SIGNS = range(0x2000, 0x3000)
_JAMO = range(0x1100, 0x1200)  # letters of Hangul that combine to syllables
_GAPS = GAP << 8 | GAP


def prepare(text: str | bytes) -> bytes:
    """Give the UTF-8 bytes of a text, folded already if `fold` could not do it."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if data.isascii() or _is_simple(np.frombuffer(data, dtype=np.uint8), _two_bytes(), _simple_blocks()):
        return data
    small = unicodedata.normalize("NFC", data.decode("utf-8", "surrogatepass")).casefold()
    return unicodedata.normalize("NFC", small).encode("utf-8", "surrogatepass")


def fold(data: Bytes) -> Bytes:
    """Write small letters and blanks for prepared texts; every byte stays at its place."""
    folded = np.empty_like(data)
    _fold(data, _ascii(), _two_bytes(), folded)
    return folded


@compiled
def _is_simple(data: Bytes, two_bytes: _Table, simple_blocks: _Mask) -> bool:
    """Say whether every character can be folded where it stands."""
    for place in range(len(data)):
        lead = data[place]
        if lead < 0xC2:
            continue
        if lead < 0xE0:
            if two_bytes[((lead & 0x1F) << 6) | (data[place + 1] & 0x3F)] == 0:
                return False
        elif lead < 0xF0:
            if not simple_blocks[((lead & 0x0F) << 6) | (data[place + 1] & 0x3F)]:
                return False
        elif lead != 0xF0 or not 0x9F <= data[place + 1] <= 0xAE:  # pictures, and Chinese characters
            return False
    return True


@compiled
def _fold(data: Bytes, ascii_bytes: Bytes, two_bytes: _Table, folded: Bytes) -> None:
    place = 0
    while place < len(data):
        byte = data[place]
        if byte < 0x80:
            folded[place] = ascii_bytes[byte]
            place += 1
        elif byte < 0xE0:
            pair = two_bytes[((byte & 0x1F) << 6) | (data[place + 1] & 0x3F)]
            folded[place] = pair >> 8 if pair else byte
            folded[place + 1] = pair & 0xFF if pair else data[place + 1]
            place += 2
        else:
            width = 3 if byte < 0xF0 else 4
            is_sign = byte == 0xE2 or (byte == 0xE3 and data[place + 1] == 0x80)
            for each in range(place, place + width):
                folded[each] = GAP if is_sign else data[each]
            place += width


@cache
def _ascii() -> Bytes:
    table = np.full(128, GAP, dtype=np.uint8)
    for byte in b"0123456789abcdefghijklmnopqrstuvwxyz":
        table[byte] = byte
        if chr(byte).isalpha():
            table[byte - 32] = byte
    return table


@cache
def _two_bytes() -> _Table:
    """Give both folded bytes of each character of two bytes; 0 for one that cannot be folded where it stands."""
    table = np.zeros(_THREE_BYTES, dtype=np.uint16)
    for code in range(_TWO_BYTES, _THREE_BYTES):
        character = chr(code)
        small = character.casefold().encode()
        if small[0] == 0xC2:
            table[code] = _GAPS
        elif len(small) == 2 and _stands_alone(character):
            table[code] = small[0] << 8 | small[1]
    return table


@cache
def _simple_blocks() -> _Mask:
    """Say of each block of characters of three bytes whether all are their own small letters."""
    table = np.zeros(1024, dtype=np.bool_)
    for block in range(_THREE_BYTES // _BLOCK, len(table)):
        first = block * _BLOCK
        characters = "".join(map(chr, range(first, first + _BLOCK)))
        if first in _SIGNS:  # blanks, unless one stands for a letter
            small = unicodedata.normalize("NFC", characters).casefold()
            table[block] = all(ord(each) in _SIGNS for each in small)
        elif first not in _JAMO:
            table[block] = characters.casefold() == characters and _stands_alone(characters)
    return table


def _stands_alone(characters: str) -> bool:
    """Say whether characters are in NFC whatever stands beside them, as marks and half characters are not."""
    is_alone = all(unicodedata.category(each) not in {"Mn", "Mc", "Me", "Cs"} for each in characters)
    return is_alone and unicodedata.is_normalized("NFC", characters)
