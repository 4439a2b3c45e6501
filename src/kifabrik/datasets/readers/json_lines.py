"""Reads JSON Lines: one object a line, many lines at once. Knows lines, not what their fields mean."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers import records
from kifabrik.datasets.readers.reading import BrokenRecord, BrokenStream, Reading, long_line
from kifabrik.datasets.readers.records import Shape

_CHUNK_BYTES = 1024**2
_CAREFUL_BYTES = 4 * 1024**2
_PASSED_MAX = 8  # how many times the limit is read to find the end of a line beyond it
VALUES_MAX = 4_000_000  # in one line or element: an empty list takes 3 bytes in a file and 64 in memory


def read_json_lines(reading: Reading, stream: BinaryIO, raw: BinaryIO) -> Iterator[Passage]:
    """Give a passage a line; `raw` is the file under `stream`, whose place says how far the reader is."""
    shape: Shape | None = None
    number, limits = reading.file.records_before, reading.limits
    blocks = _read_blocks(reading, stream)
    while True:
        try:
            lines = next(blocks, None)
        except BrokenStream as error:
            reading.stop(number + 1, error.problem, error.remedy)
            return
        if lines is None:
            reading.finish()
            return
        place = raw.tell()
        for line in lines:
            number += 1
            if not line or line.isspace():
                continue
            try:
                row = parse(line, limits.line_bytes_max)
                if shape is None:
                    shape = find_shape(row)
                passage = records.make_passage(shape, row, number, place, limits)
            except BrokenRecord as error:
                reading.refuse(number, error)
                continue
            reading.use()
            yield passage


def parse(line: bytes, line_bytes_max: int) -> dict[str, object]:
    """Parse one line into an object; raises BrokenRecord."""
    if len(line) > line_bytes_max:
        raise BrokenRecord(*long_line(line_bytes_max))
    if len(line) > _CAREFUL_BYTES:
        require_few_values(line)
    try:
        row = orjson.loads(line.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise BrokenRecord(
            f"the line is not valid JSON (column {error.colno}): {error.msg}", records.FIX_LINE
        ) from error
    if not isinstance(row, dict):
        raise BrokenRecord("the line is no object with a field 'text'", records.FIX_LINE)
    return row


def require_few_values(data: bytes) -> None:
    """Raise BrokenRecord for so many values that they would take the memory of the machine."""
    if sum(data.count(mark) for mark in (b"[", b"{", b",")) > VALUES_MAX:
        raise BrokenRecord("it holds more than four million values", "This is no text; take it out.")


def find_shape(row: dict[str, object]) -> Shape:
    """Find what the rows of a file look like by its first; raises BrokenRecord."""
    shape = records.recognise(row)
    if shape is None:
        names = ", ".join(f"'{name}'"[:40] for name in list(row)[:8]) or "none"
        raise BrokenRecord(f"the line is no object with a field 'text'; its fields are {names}", records.FIX_FIELDS)
    return shape


def _read_blocks(reading: Reading, stream: BinaryIO) -> Iterator[list[bytes]]:
    """Give whole lines, some at a time; raises BrokenStream. A line beyond the limit is given as one byte too many."""
    rest, left, limit = b"", _length(reading, stream), reading.limits.line_bytes_max
    passed_bytes = 0
    while chunk := stream.read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES)):
        left = None if left is None else left - len(chunk)
        if len(rest) > limit and b"\n" not in chunk:
            passed_bytes += len(chunk)
            if reading.skip is None or passed_bytes > _PASSED_MAX * limit:
                raise BrokenStream(*long_line(limit))
            continue
        lines = chunk.split(b"\n")
        lines[0] = rest + lines[0] if len(rest) <= limit else rest  # of a long line its beginning is enough
        rest = lines.pop()
        if lines:
            yield lines
    if rest:
        yield [rest]


def _length(reading: Reading, stream: BinaryIO) -> int | None:
    """Go to where the piece of a file begins and give its length, or None for a whole file."""
    file = reading.file
    if not file.end:
        return None
    stream.seek(file.begin)
    return file.end - file.begin
