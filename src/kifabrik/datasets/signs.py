"""Counts of a few signs in texts, read byte by byte. Knows no words and no thresholds."""

from dataclasses import dataclass

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Places, Words


@dataclass(frozen=True, slots=True)
class Signs:
    """Counts of signs, one entry a text; of letters and digits those of ASCII."""

    hash_signs_and_ellipses: Places
    curly_brackets: Places
    letters_and_digits: Places
    characters: Places


def count_signs(words: Words) -> Signs:
    """Count the signs of all texts of a batch."""
    counts = np.zeros((4, len(words)), dtype=np.int64)
    _count(words.raw, words.borders, counts)
    return Signs(*counts)


@compiled
def _count(raw: Bytes, borders: Places, counts: Places) -> None:
    for text in range(len(borders) - 1):
        marks = brackets = letters = characters = 0
        begin, end = borders[text], borders[text + 1] - 1
        for place in range(begin, end):  # nothing but sums: many bytes are done at once
            byte = raw[place]
            marks += byte == 35
            brackets += byte == 123
            letters += (97 <= (byte | 32) <= 122) | (48 <= byte <= 57)
            characters += (byte & 0xC0) != 0x80
        place = begin
        while place < end - 2:
            is_dots = raw[place] == 46 and raw[place + 1] == 46 and raw[place + 2] == 46
            is_ellipsis = raw[place] == 0xE2 and raw[place + 1] == 0x80 and raw[place + 2] == 0xA6
            marks += is_dots or is_ellipsis
            place += 3 if is_dots or is_ellipsis else 1
        counts[0, text], counts[1, text], counts[2, text], counts[3, text] = marks, brackets, letters, characters
