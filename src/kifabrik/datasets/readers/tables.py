"""Reads CSV and TSV: a header, then one passage a row. Knows rows and quotes, not what columns mean."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers import encodings, records
from kifabrik.datasets.readers.reading import BrokenRecord, BrokenStream, Reading, Unreadable, long_line
from kifabrik.datasets.readers.records import Shape

_DELIMITERS = ",;\t|"
_FIX = "Save the table again with every text in quotes."


def read_table(reading: Reading, stream: BinaryIO, raw: BinaryIO) -> Iterator[Passage]:
    """Give a passage a row; `record` is the line on which the row begins."""
    csv.field_size_limit(max(reading.limits.document_bytes_max, csv.field_size_limit()))
    lines = _Lines(reading, stream)
    try:
        first = lines.peek()
        delimiter = "\t" if reading.file.format == "tsv" else max(_DELIMITERS, key=first.count)
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


class _Lines:
    """The lines of a table as text; raises BrokenStream for one that is too long, Unreadable for what is no text."""

    def __init__(self, reading: Reading, stream: BinaryIO) -> None:
        self._limit, self._stream = reading.limits.line_bytes_max, stream
        self._place, self._held = 0, ""

    def peek(self) -> str:
        """Give the first line without taking it."""
        self._held = self._held or next(self, "").removeprefix("\ufeff")
        return self._held

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._held:
            line, self._held = self._held, ""
            return line
        data = self._stream.readline(self._limit + 1)
        if not data:
            raise StopIteration
        if len(data) > self._limit:
            raise BrokenStream(*long_line(self._limit))
        if b"\0" in data:
            raise Unreadable(f"binary: a zero byte at byte {self._place + data.index(0)}")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise encodings.not_utf_8(data, error.start, before=self._place) from error
        self._place += len(data)
        return text
