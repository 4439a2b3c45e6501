"""Reads CSV and TSV: a header, then one passage a row. Knows rows and quotes, not what columns mean."""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Protocol

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers import encodings, records
from kifabrik.datasets.readers.reading import BrokenRecord, BrokenStream, Reading, Unreadable, long_line
from kifabrik.datasets.readers.records import Shape

_CHUNK_BYTES = 1024**2
_DELIMITERS = ",;\t|"
_FIX = "Save the table again with every text in quotes."


def read_table(reading: Reading, stream: BinaryIO, raw: BinaryIO) -> Iterator[Passage]:
    """Give a passage a row; `record` is the line on which the row begins."""
    csv.field_size_limit(max(reading.limits.document_bytes_max, csv.field_size_limit()))
    blocks = _read_blocks(reading, stream)
    try:
        first = next(blocks, "")
        header = first.partition("\n")[0]
        delimiter = "\t" if reading.file.format == "tsv" else max(_DELIMITERS, key=header.count)
        lines = chain.from_iterable(io.StringIO(block, newline="\n") for block in chain([first], blocks))
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        names = [name.strip() for name in next(rows, [])]
    except (csv.Error, BrokenStream) as error:
        raise reading.refuse_file(f"its first line is no header of a table: {error}", _FIX) from error
    fields = [name.lower() for name in names]
    shape = records.recognise(dict.fromkeys(fields, ""))
    if shape is None:
        shown = ", ".join(name[:40] for name in names[:12])
        raise reading.refuse_file(f"has no column 'text'; its columns are: {shown}", records.FIX_FIELDS)
    yield from _read_rows(reading, rows, fields, shape, raw)


def _read_rows(reading: Reading, rows: "Rows", fields: list[str], shape: Shape, raw: BinaryIO) -> Iterator[Passage]:
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
            if row is None:
                reading.finish()
                return
            if not row:
                continue
            if len(row) != len(fields):
                raise BrokenRecord(f"the row has {len(row)} fields, the header {len(fields)}", _FIX)
            values = dict(zip(fields, row, strict=True))
            passage = records.make_passage(shape, values, number, raw.tell(), reading.limits)
        except BrokenRecord as error:
            reading.refuse(number, error)
            continue
        except csv.Error as error:  # a quote that never ends has eaten what follows
            reading.stop(number, f"the row is not valid CSV: {error}", _FIX)
            return
        except BrokenStream as error:
            reading.stop(number, error.problem, error.remedy)
            return
        reading.use()
        yield passage


class Rows(Protocol):
    """What the csv module gives and does not name."""

    line_num: int

    def __next__(self) -> list[str]: ...

    def __iter__(self) -> Iterator[list[str]]: ...


def _read_blocks(reading: Reading, stream: BinaryIO) -> Iterator[str]:
    """Give whole lines, many at a time; raises BrokenStream for one too long, Unreadable for what is no text."""
    rest, place, limit, codec = b"", 0, reading.limits.line_bytes_max, "utf-8-sig"
    is_over = False
    while not is_over:
        chunk = stream.read(_CHUNK_BYTES)
        is_over = not chunk
        data = rest + chunk
        end = len(data) if is_over else data.rfind(b"\n") + 1
        if len(data) - end > limit:
            raise BrokenStream(*long_line(limit))
        block, rest = data[:end], data[end:]
        if not block:
            continue
        if b"\0" in block:
            raise Unreadable(f"binary: a zero byte at byte {place + block.index(0)}")
        try:
            yield block.decode(codec)
        except UnicodeDecodeError as error:
            raise encodings.not_utf_8(block, error.start, before=place) from error
        place, codec = place + end, "utf-8"
