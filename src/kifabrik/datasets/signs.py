"""Counts of a few signs in texts, read byte by byte. Knows no words and no thresholds."""

from dataclasses import dataclass

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Places, Words

_AT_ONCE = 255  # sums fit a byte


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
        begin, end = borders[text], borders[text + 1] - 1
        marks = brackets = letters = characters = after = 0
        for start in range(begin, end, _AT_ONCE):
            stop = min(start + _AT_ONCE, end)
            several = _count_few(raw[start:stop], raw[start + 1 : stop + 1], raw[start + 2 : stop + 2])
            marks, brackets = marks + several[0], brackets + several[1]
            letters, characters = letters + several[2], characters + several[3]
            place = max(after, start)
            while several[4] and place < stop:
                is_one = place < end - 2 and _is_ellipsis(raw[place], raw[place + 1], raw[place + 2])
                marks += is_one
                place += 3 if is_one else 1
                after = place
        counts[0, text], counts[1, text], counts[2, text], counts[3, text] = marks, brackets, letters, characters


@compiled
def _count_few(first: Bytes, second: Bytes, third: Bytes) -> tuple[int, int, int, int, int]:
    """Count a few bytes, and say whether there may be ellipses; sums that fit a byte are done for many
    bytes at once."""
    marks = brackets = letters = inside = ellipses = np.uint8(0)
    for place in range(len(first)):
        byte = first[place]
        marks = np.uint8(marks + (byte == 35))
        brackets = np.uint8(brackets + (byte == 123))
        letters = np.uint8(letters + ((97 <= (byte | 32) <= 122) | (48 <= byte <= 57)))
        inside = np.uint8(inside + ((byte & 0xC0) == 0x80))
        ellipses = np.uint8(ellipses | _is_ellipsis(byte, second[place], third[place]))
    return int(marks), int(brackets), int(letters), len(first) - int(inside), int(ellipses)


@compiled
def _is_ellipsis(first: int, second: int, third: int) -> bool:
    """Say whether bytes are three dots, or the character that stands for them."""
    is_dots = (first == 46) & (second == 46) & (third == 46)
    return is_dots | ((first == 0xE2) & (second == 0x80) & (third == 0xA6))
