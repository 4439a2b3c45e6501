"""Reads the beginnings of texts as bytes: where their characters begin and whether they are letters.

Knows characters, not languages. A beginning is what a language is judged on: the first characters in NFC, and in small
letters where all are capital.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import HIGH_BITS, Hashes, Mask, Places, as_eights

BEGINNING_CHARACTERS = 600
ENOUGH_LETTERS = 20
_MARKS = np.array((0, 60, 270, 330, 540, BEGINNING_CHARACTERS))
_SHORT = 240
_LETTER, _CAPITAL, _SMALL, _ODD, _MARK, _FIRST, _SECOND = 1, 2, 4, 8, 16, 32, 64
_KNOWN_CHARACTERS = 0x20000
_HANGUL = {
    _FIRST: (*range(0x1100, 0x1113), *range(0xAC00, 0xD7A4)),
    _SECOND: (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)),
}
_PADDING = b" " * 8


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The beginnings of several texts in `data`.

    `marks[i]` are the places where three pieces of text i begin and end; of a short one the first piece is all of it.
    """

    data: Bytes
    marks: Places
    have_letters: Mask


def read_beginnings(texts: Sequence[bytes], characters: Bytes) -> Beginnings:
    """Read the beginnings of texts in UTF-8; `characters` is what `describe_characters` says."""
    data, marks, letters, kinds = _read(texts, characters)
    have_letters = letters >= ENOUGH_LETTERS
    is_capital = kinds & (_CAPITAL | _SMALL) == _CAPITAL
    odd = np.flatnonzero((is_capital | (kinds & _ODD != 0)) & have_letters)
    if len(odd):
        more, places, _, _ = _read([_normalise(data[each[0] : each[-1]].tobytes()) for each in marks[odd]], characters)
        marks[odd] = places + len(data)
        data = np.concatenate((data, more))
    return Beginnings(data, marks, have_letters)


def _read(texts: Sequence[bytes], characters: Bytes) -> tuple[Bytes, Places, Places, Bytes]:
    data = np.frombuffer(b"".join([*texts, _PADDING]), dtype=np.uint8)
    ends = np.cumsum([len(each) for each in texts], dtype=np.int64)
    marks = np.empty((len(texts), len(_MARKS)), dtype=np.int64)
    letters, kinds = np.empty(len(texts), dtype=np.int64), np.empty(len(texts), dtype=np.uint8)
    _measure(data, as_eights(data), ends, characters, marks, letters, kinds)
    return data, marks, letters, kinds


@compiled
def _measure(
    data: Bytes, eights: Hashes, ends: Places, characters: Bytes, marks: Places, letters: Places, kinds: Bytes
) -> None:
    """Find the marks of each text, count its letters up to enough, and say which kinds of characters it has."""
    end = 0
    for text in range(len(ends)):
        begin, end = end, ends[text]
        last = min(end, begin + BEGINNING_CHARACTERS)
        bits = 0
        for place in range(begin, last):
            bits |= data[place]
        if bits < 0x80:
            size = last - begin
            for mark in range(len(_MARKS)):
                marks[text, mark] = min(begin + _MARKS[mark], last)
            letters[text], kinds[text] = _read_ascii(data, begin, last, characters)
        else:
            size, letters[text], kinds[text] = _read_characters(data, eights, begin, end, characters, marks[text])
        if size <= _SHORT:
            marks[text, 1:] = marks[text, -1]


@compiled
def _read_ascii(data: Bytes, begin: int, last: int, characters: Bytes) -> tuple[int, int]:
    """Give letters and kinds of a beginning that is ASCII."""
    kind = count = 0
    for place in range(begin, last):
        known = characters[data[place]]
        kind |= known
        count += known & _LETTER
        if count >= ENOUGH_LETTERS and kind & _SMALL:
            break
    return count, kind


@compiled
def _read_characters(
    data: Bytes, eights: Hashes, place: int, end: int, characters: Bytes, marks: Places
) -> tuple[int, int, int]:
    """Find the marks of one text; gives characters, letters and kinds of its beginning."""
    size = before = kind = count = 0
    for mark in range(len(_MARKS)):
        while size < _MARKS[mark] and place < end:
            is_known = count >= ENOUGH_LETTERS and kind & _SMALL != 0  # nothing more to be learnt from ASCII
            if is_known and eights[place] & HIGH_BITS == 0 and size + 8 <= _MARKS[mark] and place + 8 <= end:
                place += 8
                size += 8
                before = _FIRST
                continue
            code, width = _decode(data, place)
            known = characters[code] if code < len(characters) else _ODD
            kind |= known | (before & known & _MARK) >> 1 | (before << 1 & known & _SECOND) >> 3
            count += known & _LETTER
            before = known
            place += width
            size += 1
        marks[mark] = place
    return size, count, kind


@compiled
def _decode(data: Bytes, place: int) -> tuple[int, int]:
    """Give the number of a character, and of its bytes, inside a compiled loop."""
    lead = int(data[place])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0:
        return (lead & 0x1F) << 6 | (data[place + 1] & 0x3F), 2
    if lead < 0xF0:
        return (lead & 0x0F) << 12 | (data[place + 1] & 0x3F) << 6 | (data[place + 2] & 0x3F), 3
    high = (lead & 0x07) << 18 | (data[place + 1] & 0x3F) << 12
    return high | (data[place + 2] & 0x3F) << 6 | (data[place + 3] & 0x3F), 4


def _normalise(data: bytes) -> bytes:
    """Prepare a text as py3langid does."""
    text = data.decode("utf-8", "surrogatepass")
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")


def describe_characters() -> Bytes:
    """Say of each character of the first two planes what it is; takes a tenth of a second.

    A letter, capital, small; odd in NFC wherever it stands; a mark, which is odd after another; the first or second of
    a pair that NFC makes one.
    """
    table = np.zeros(_KNOWN_CHARACTERS, dtype=np.uint8)
    for code in range(_KNOWN_CHARACTERS):
        character = chr(code)
        pair = unicodedata.normalize("NFD", character)
        pair = f"{unicodedata.normalize('NFC', pair[:-1])}{pair[-1]}"
        if len(pair) == 2 and unicodedata.normalize("NFC", pair) == character:
            table[ord(pair[0])] |= _FIRST
            table[ord(pair[1])] |= _SECOND
        table[code] |= (
            _LETTER * (character.isalnum() and not character.isdecimal())
            | _CAPITAL * character.isupper()
            | _SMALL * (character.islower() or unicodedata.category(character) == "Lt")
            | _ODD * (not unicodedata.is_normalized("NFC", character))
            | _MARK * (unicodedata.combining(character) > 0)
        )
    for kind, codes in _HANGUL.items():
        table[list(codes)] |= kind
    return table
