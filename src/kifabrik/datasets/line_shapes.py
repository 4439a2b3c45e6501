"""How the lines of texts look: what they begin and end with, how long they are, which are repeated. Knows no words.

A line is stripped of ASCII white space and counts if something is left; a paragraph is what stands between empty lines.
Lengths are in characters.
"""

from dataclasses import dataclass

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import (
    HIGH_BITS,
    Hashes,
    Places,
    Words,
    as_eights,
    first_byte,
)

_SHORT_CHARACTERS = 30
_LINE_FEEDS, _BLANKS = np.uint64(0x0A0A0A0A0A0A0A0A), np.uint64(0x2020202020202020)
_ONES, _LOW_BITS = np.uint64(0x0101010101010101), np.uint64(0x7F7F7F7F7F7F7F7F)
_ODD, _ALL, _HALF, _8 = np.uint64(0x9E3779B97F4A7C15), np.uint64(2**64 - 1), np.uint64(32), np.uint64(8)
_SPACE, _BULLET, _END = 1, 2, 4
_WIDE_BULLETS = np.array([int.from_bytes(each.encode()) for each in "•‣▪▫●○◦–"])
_WIDE_BULLET = "•".encode()[0]
_WIDE_ENDS = np.array([int.from_bytes(each.encode()) for each in "…”’。"])
_DOT, _GUILLEMET, _ELLIPSIS = ord("."), tuple("»".encode()), tuple("…".encode())


def _make_kinds() -> Bytes:
    kinds = np.zeros(256, dtype=np.uint8)
    for kind, characters in ((_SPACE, "\t\n\v\f\r\x1c\x1d\x1e\x1f "), (_BULLET, "*-"), (_END, ".!?:;\"')")):
        kinds[list(characters.encode())] = kind
    return kinds


_KINDS = _make_kinds()


@dataclass(frozen=True, slots=True)
class LineShapes:
    """Counts of the lines of each text, one entry a text.

    `with_bullet` begin with a bullet, a star or a dash; `ended` end with a mark that ends a sentence or a quotation;
    `broken_off` end with an ellipsis; `short` have at most 30 characters; `again` stood in the text before.
    `every` counts all lines as they stand, empty ones too.
    """

    lines: Places
    characters: Places
    with_bullet: Places
    ended: Places
    broken_off: Places
    short: Places
    again: Places
    again_characters: Places
    paragraphs: Places
    paragraph_characters: Places
    paragraphs_again: Places
    paragraphs_again_characters: Places
    every: Places
    every_characters: Places
    longest: Places


_FIELDS = tuple(LineShapes.__dataclass_fields__)
(
    _LINES,
    _CHARACTERS,
    _WITH_BULLET,
    _ENDED,
    _BROKEN_OFF,
    _SHORT,
    _AGAIN,
    _AGAIN_CHARACTERS,
    _PARAGRAPHS,
    _PARAGRAPH_CHARACTERS,
    _PARAGRAPHS_AGAIN,
    _PARAGRAPHS_AGAIN_CHARACTERS,
    _EVERY,
    _EVERY_CHARACTERS,
    _LONGEST,
) = range(len(_FIELDS))


def measure_lines(words: Words) -> LineShapes:
    """Count the lines of all texts of a batch."""
    counts = np.zeros((len(words), len(_FIELDS)), dtype=np.int64)
    _measure(words.raw, as_eights(words.raw), words.borders, counts)
    return LineShapes(*counts.T)


@compiled
def _measure(raw: Bytes, eights: Hashes, borders: Places, counts: Places) -> None:
    longest = 0
    for text in range(len(counts)):
        longest = max(longest, borders[text + 1] - borders[text])
    breaks = np.empty(longest + 8, dtype=np.int64)
    seen = np.empty(64, dtype=np.uint64)
    for text in range(len(counts)):
        lines, is_ascii = _find_breaks(eights, borders[text], borders[text + 1] - 1, breaks)
        slots = 2
        while slots < 2 * lines:
            slots *= 2
        if slots > len(seen):
            seen = np.empty(slots, dtype=np.uint64)
        seen[:slots] = 0
        _look_at_lines(raw, eights, borders[text], breaks[:lines], is_ascii, seen[:slots], counts[text])
        if counts[text, _AGAIN]:  # a repeated paragraph has a repeated line
            seen[:slots] = 0
            _look_at_paragraphs(raw, eights, borders[text], breaks[:lines], is_ascii, seen[:slots], counts[text])


@compiled
def _find_breaks(eights: Hashes, begin: int, end: int, breaks: Places) -> tuple[int, bool]:
    """Give the places of line feeds up to that at the end of a text, and say whether all characters are ASCII.

    Up to seven bytes after the text count too, so that a text of ASCII may be taken for another, which costs time only.
    """
    count, high = 0, np.uint64(0)
    for place in range(begin, end + 1, 8):
        high |= eights[place]
        rest = eights[place] ^ _LINE_FEEDS
        marks = ~(((rest & _LOW_BITS) + _LOW_BITS) | rest) & HIGH_BITS
        breaks[count] = place + first_byte(marks)  # holds if there is one: a branch would be foreseen wrongly
        count += marks != 0
        marks &= marks - np.uint64(1)
        while marks:
            breaks[count] = place + first_byte(marks)
            count += 1
            marks &= marks - np.uint64(1)
    while breaks[count - 1] > end:
        count -= 1
    return count, high & HIGH_BITS == 0


@compiled
def _look_at_lines(
    raw: Bytes, eights: Hashes, begin: int, breaks: Places, is_ascii: bool, seen: Hashes, counts: Places
) -> None:
    """Count the lines of one text as they stand, then without the white space around them."""
    characters = longest = 0
    for stop in breaks:
        first, last = _strip(raw, eights, begin, stop)
        size = stop - begin
        if first < last:
            inside, value = _hash_line(eights, first, last, is_ascii)
            size -= inside
            _look_at_line(raw, first, last, last - first - inside, counts)
            if _is_known(seen, value):
                counts[_AGAIN] += 1
                counts[_AGAIN_CHARACTERS] += last - first - inside
        characters += size
        longest = max(longest, size)
        begin = stop + 1
    counts[_EVERY], counts[_EVERY_CHARACTERS], counts[_LONGEST] = len(breaks), characters, longest


@compiled
def _look_at_line(raw: Bytes, begin: int, stop: int, size: int, counts: Places) -> None:
    """Count one stripped line that holds something."""
    first, last = raw[begin], raw[stop - 1]
    counts[_LINES] += 1
    counts[_CHARACTERS] += size
    counts[_SHORT] += size <= _SHORT_CHARACTERS
    counts[_WITH_BULLET] += _KINDS[first] == _BULLET or (
        first == _WIDE_BULLET and _is_wide(raw, begin, stop, _WIDE_BULLETS)
    )
    if last < 0x80:
        counts[_ENDED] += _KINDS[last] == _END
        if last == _DOT and stop - begin > 2:
            counts[_BROKEN_OFF] += raw[stop - 2] == _DOT and raw[stop - 3] == _DOT
        return
    is_guillemet = last == _GUILLEMET[1] and stop - begin > 1 and raw[stop - 2] == _GUILLEMET[0]
    counts[_ENDED] += is_guillemet or _is_wide(raw, stop - 3, stop, _WIDE_ENDS)
    if last == _ELLIPSIS[2] and stop - begin > 2:
        counts[_BROKEN_OFF] += raw[stop - 2] == _ELLIPSIS[1] and raw[stop - 3] == _ELLIPSIS[0]


@compiled
def _look_at_paragraphs(
    raw: Bytes, eights: Hashes, begin: int, breaks: Places, is_ascii: bool, seen: Hashes, counts: Places
) -> None:
    """Count the paragraphs of one text."""
    number, last = 0, len(breaks) - 1
    while number <= last:
        while number < last and not (breaks[number + 1] == breaks[number] + 1 and number + 1 < last):
            number += 1
        first, stop = _strip(raw, eights, begin, breaks[number])
        if first < stop:
            inside, value = _hash_line(eights, first, stop, is_ascii)
            counts[_PARAGRAPHS] += 1
            counts[_PARAGRAPH_CHARACTERS] += stop - first - inside
            if _is_known(seen, value):
                counts[_PARAGRAPHS_AGAIN] += 1
                counts[_PARAGRAPHS_AGAIN_CHARACTERS] += stop - first - inside
        begin = breaks[number] + 2
        number += 2


@compiled
def _hash_line(eights: Hashes, begin: int, stop: int, is_ascii: bool) -> tuple[int, np.uint64]:
    """Count the bytes that begin no character, and hash all; the hash is good for one table and kept nowhere."""
    total, inside = np.uint64(stop - begin), 0
    while stop - begin > 8:
        part = eights[begin]
        total = (total ^ part) * _ODD
        total ^= total >> _HALF
        if not is_ascii:
            inside += _count_inside(part)
        begin += 8
    part = eights[begin] & (_ALL >> (_8 * np.uint64(8 - (stop - begin))))
    if not is_ascii:
        inside += _count_inside(part)
    total = (total ^ part) * _ODD
    return inside, total ^ (total >> _HALF)


@compiled
def _count_inside(part: np.uint64) -> int:
    """Count the bytes of eight that begin no character."""
    marks = (part >> np.uint64(7)) & ~(part >> np.uint64(6)) & _ONES
    return int((marks * _ONES) >> np.uint64(56))


@compiled
def _strip(raw: Bytes, eights: Hashes, begin: int, stop: int) -> tuple[int, int]:
    """Leave out the white space at both ends."""
    rest = eights[begin] ^ _BLANKS
    begin += first_byte((((rest & _LOW_BITS) + _LOW_BITS) | rest) & HIGH_BITS)  # most lines are indented by less than 8
    while begin < stop and _KINDS[raw[begin]] == _SPACE:
        begin += 1
    while begin < stop and _KINDS[raw[stop - 1]] == _SPACE:
        stop -= 1
    return begin, stop


@compiled
def _is_wide(raw: Bytes, begin: int, stop: int, characters: Places) -> bool:
    """Say whether three bytes are one of some characters; a line feed is always before the first byte of a line."""
    if begin < 0 or begin + 3 > stop:
        return False
    three = (np.int64(raw[begin]) << 16) | (np.int64(raw[begin + 1]) << 8) | np.int64(raw[begin + 2])
    is_one = False
    for character in characters:
        is_one |= character == three
    return is_one


@compiled
def _is_known(seen: Hashes, value: np.uint64) -> bool:
    """Say whether a value is in a table of a power of two slots that is never full, and put it in."""
    mask = np.uint64(len(seen) - 1)
    value |= np.uint64(1)  # 0 stands for a free slot
    slot = value & mask
    while seen[slot] != 0 and seen[slot] != value:
        slot = (slot + np.uint64(1)) & mask
    is_known = seen[slot] == value
    seen[slot] = value
    return bool(is_known)
