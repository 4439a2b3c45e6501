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
    count_characters,
    find_byte,
    first_byte,
    hash_bytes,
)

_SHORT_CHARACTERS = 30
_LINE_FEEDS = np.uint64(0x0A0A0A0A0A0A0A0A)
_SPACE, _BULLET, _END = 1, 2, 4
_WIDE_BULLETS = np.array([int.from_bytes(each.encode()) for each in "•‣▪▫●○◦–"])
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
    seen = np.zeros(64, dtype=np.uint64)
    for text in range(len(borders) - 1):
        begin, end = borders[text], borders[text + 1] - 1
        lines = 1
        for place in range(begin, end):
            lines += raw[place] == 10
        slots = 2
        while slots < 2 * lines:
            slots *= 2
        if slots > len(seen):
            seen = np.zeros(slots, dtype=np.uint64)
        seen[:slots] = 0
        _look_at_lines(raw, eights, begin, end, seen[:slots], counts[text])
        if counts[text, _AGAIN]:  # a repeated paragraph has a repeated line
            seen[:slots] = 0
            _look_at_paragraphs(raw, eights, begin, end, seen[:slots], counts[text])


@compiled
def _look_at_lines(raw: Bytes, eights: Hashes, place: int, end: int, seen: Hashes, counts: Places) -> None:
    """Count the lines of one text as they stand, then without the white space around them."""
    every = characters = longest = 0
    while place <= end:
        begin, high = place, np.uint64(0)
        ends = find_byte(eights[place], _LINE_FEEDS)
        while ends == 0:
            high |= eights[place]
            place += 8
            ends = find_byte(eights[place], _LINE_FEEDS)
        place += first_byte(ends)
        inside = 0
        if (high | eights[max(begin, place - 8)]) & HIGH_BITS:
            inside = place - begin - count_characters(raw, begin, place)
        size = place - begin - inside
        every, characters, longest = every + 1, characters + size, max(longest, size)
        begin, stop = _strip(raw, begin, place)
        if begin < stop:
            _look_at_line(raw, eights, begin, stop, stop - begin - inside, seen, counts)
        place += 1
    counts[_EVERY], counts[_EVERY_CHARACTERS], counts[_LONGEST] = every, characters, longest


@compiled
def _look_at_line(raw: Bytes, eights: Hashes, begin: int, stop: int, size: int, seen: Hashes, counts: Places) -> None:
    """Count one stripped line that holds something."""
    first, last = raw[begin], raw[stop - 1]
    counts[_LINES] += 1
    counts[_CHARACTERS] += size
    counts[_SHORT] += size <= _SHORT_CHARACTERS
    counts[_WITH_BULLET] += _KINDS[first] == _BULLET or (first >= 0x80 and _is_wide(raw, begin, stop, _WIDE_BULLETS))
    is_ended = _KINDS[last] == _END or (last >= 0x80 and _is_wide(raw, stop - 3, stop, _WIDE_ENDS))
    if last == _GUILLEMET[1]:
        is_ended |= stop - begin > 1 and raw[stop - 2] == _GUILLEMET[0]
    counts[_ENDED] += is_ended
    if last == _DOT and stop - begin > 2:
        counts[_BROKEN_OFF] += raw[stop - 2] == _DOT and raw[stop - 3] == _DOT
    elif last == _ELLIPSIS[2] and stop - begin > 2:
        counts[_BROKEN_OFF] += raw[stop - 2] == _ELLIPSIS[1] and raw[stop - 3] == _ELLIPSIS[0]
    if _is_known(seen, hash_bytes(eights, begin, stop)):
        counts[_AGAIN] += 1
        counts[_AGAIN_CHARACTERS] += size


@compiled
def _look_at_paragraphs(raw: Bytes, eights: Hashes, begin: int, end: int, seen: Hashes, counts: Places) -> None:
    """Count the paragraphs of one text."""
    while begin <= end:
        after = begin
        while after < end and not (raw[after] == 10 and raw[after + 1] == 10 and after + 1 < end):
            after += 1
        begin, stop = _strip(raw, begin, after)
        if begin < stop:
            size = count_characters(raw, begin, stop)
            counts[_PARAGRAPHS] += 1
            counts[_PARAGRAPH_CHARACTERS] += size
            if _is_known(seen, hash_bytes(eights, begin, stop)):
                counts[_PARAGRAPHS_AGAIN] += 1
                counts[_PARAGRAPHS_AGAIN_CHARACTERS] += size
        begin = after + 2


@compiled
def _strip(raw: Bytes, begin: int, stop: int) -> tuple[int, int]:
    """Leave out the white space at both ends."""
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
