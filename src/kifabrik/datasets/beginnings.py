"""Reads the beginnings of texts as bytes: where their characters begin and whether they are letters.

Knows characters, not languages. A beginning is what a language is judged on: the first characters in NFC, and in small
letters where all are capital.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Mask, Places

BEGINNING_CHARACTERS = 600
ENOUGH_LETTERS = 20
_MARKS = np.array((0, 60, 270, 330, 540, BEGINNING_CHARACTERS))
_SHORT = 240
_LETTER, _CAPITAL, _SMALL, _ODD = 1, 2, 4, 8
_KNOWN_CHARACTERS = 0x20000
_HANGUL_VOWELS_AND_FINALS = range(0x1160, 0x1200)


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The beginnings of several texts, one after the other in `data`.

    `marks[i]` are the places where three pieces of text i begin and end; of a short one the first piece is all of it.
    """

    data: Bytes
    marks: Places
    have_letters: Mask

    def cut(self, text: int) -> bytes:
        """Give the beginning of one text."""
        return self.data[self.marks[text, 0] : self.marks[text, -1]].tobytes()


def read_beginnings(texts: Sequence[str], characters: Bytes) -> Beginnings:
    """Read the beginnings of texts; `characters` is what `describe_characters` says."""
    cut = [text[:BEGINNING_CHARACTERS] for text in texts]
    data, marks, letters, kinds = _read([each.encode("utf-8", "surrogatepass") for each in cut], characters)
    have_letters = letters >= ENOUGH_LETTERS
    is_capital = kinds & (_CAPITAL | _SMALL) == _CAPITAL
    odd = np.flatnonzero((is_capital | (kinds & _ODD != 0)) & have_letters)
    if len(odd):
        more, places, _, _ = _read([_normalise(cut[each]) for each in odd.tolist()], characters)
        marks[odd] = places + len(data)
        data = np.concatenate((data, more))
    return Beginnings(data, marks, have_letters)


def _read(encoded: Sequence[bytes], characters: Bytes) -> tuple[Bytes, Places, Places, Bytes]:
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
    marks = np.empty((len(encoded), len(_MARKS)), dtype=np.int64)
    letters, kinds = np.empty(len(encoded), dtype=np.int64), np.empty(len(encoded), dtype=np.uint8)
    _measure(data, ends, characters, marks, letters, kinds)
    return data, marks, letters, kinds


@compiled
def _measure(data: Bytes, ends: Places, characters: Bytes, marks: Places, letters: Places, kinds: Bytes) -> None:
    """Find the marks of each text, count its letters and say which kinds of characters it has."""
    place = 0
    for text in range(len(ends)):
        end = ends[text]
        ored = 0
        for each in range(place, end):
            ored |= data[each]
        kind, count = 0, 0
        if ored < 0x80:
            for mark in range(len(_MARKS)):
                marks[text, mark] = min(place + _MARKS[mark], end)
            size = end - place
            for each in range(place, end):
                known = characters[data[each]]
                kind |= known
                count += known & _LETTER
                if count >= ENOUGH_LETTERS and kind & _SMALL:
                    break
        else:
            size = 0
            for mark in range(len(_MARKS)):
                while size < _MARKS[mark] and place < end:
                    code, width = _decode(data, place)
                    known = characters[code] if code < len(characters) else _ODD
                    kind |= known
                    count += known & _LETTER
                    place += width
                    size += 1
                marks[text, mark] = place
        if size <= _SHORT:
            marks[text, 1:] = end
        letters[text], kinds[text] = count, kind
        place = end


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


def _normalise(text: str) -> bytes:
    """Prepare a text as py3langid does."""
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")


def describe_characters() -> Bytes:
    """Say of each character of the first two planes whether it is a letter, capital, small, or odd.

    An odd one may have to change where a text is brought to NFC. This takes a tenth of a second.
    """
    combining: set[int] = set()
    table = np.zeros(_KNOWN_CHARACTERS, dtype=np.uint8)
    for code in range(_KNOWN_CHARACTERS):
        character = chr(code)
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):  # the second one may join what stands before it
            combining.add(int(parts[1], 16))
        table[code] = (
            _LETTER * (character.isalnum() and not character.isdecimal())
            | _CAPITAL * character.isupper()
            | _SMALL * (character.islower() or character.istitle())
            | _ODD * (unicodedata.combining(character) > 0 or not unicodedata.is_normalized("NFC", character))
        )
    table[[*combining, *_HANGUL_VOWELS_AND_FINALS]] |= _ODD
    return table
