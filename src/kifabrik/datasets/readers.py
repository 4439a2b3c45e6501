"""Reads files into passages, streamed and within limits: text, JSON Lines, Parquet. Knows formats, not what texts mean.

A text file that is no text is skipped (`Unreadable`) before any passage left it. A broken record in JSON Lines or
Parquet stops the check and is named: such files were made on purpose, so half of one is not what anybody meant.
"""

import codecs
import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Limits, Passage, SourceFile
from kifabrik.datasets.formats import PLAIN_FORMATS

TEXT_FIELD = "text"
_CHUNK_BYTES = 1024**2
_ROWS_AT_ONCE = 256
_EXPANSION_FREE_BYTES = 16 * 1024**2  # small files of one repeated line compress beyond any sensible ratio
_FIX_LINE = 'A line looks like {"text": "..."}; mend it or take it out.'


class Unreadable(Exception):
    """This file holds nothing this reader can use; the rest of the dataset goes on without it."""


def read_passages(file: SourceFile, *, limits: Limits) -> Iterator[Passage]:
    """Read a file with the reader of its format; raises Unreadable, InvalidInput with file and line, or Unavailable."""
    try:
        with _open(file) as stream:
            yield from READERS[file.format](file, stream, limits)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise Unavailable(message, where=file.name, remedy="Check the disk, then start again.") from error


@contextmanager
def _open(file: SourceFile) -> Iterator[BinaryIO]:
    try:
        handle = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe put in its place meanwhile must not hang us
    except PermissionError as error:
        raise Unreadable("you may not read it") from error
    except FileNotFoundError as error:
        raise Unreadable("it vanished while the check ran") from error
    with os.fdopen(handle, "rb") as stream:
        yield stream


def _read_text(file: SourceFile, stream: BinaryIO, limits: Limits) -> Iterator[Passage]:
    """Give a text file as one document, or cut at line ends into several if it is larger than a document may be."""
    if file.size_bytes > limits.document_bytes_max:
        _require_long_text(file, stream, limits)
        stream.seek(0)
        yield from _cut_text(stream, limits)
        return
    data = stream.read(limits.document_bytes_max)
    yield Passage(_decode(data), 0, len(data))


def _decode(data: bytes) -> str:
    place = data.find(b"\0")
    if place >= 0:
        raise Unreadable(f"binary: a zero byte at byte {place}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 text: byte {error.start}") from error


def _require_long_text(file: SourceFile, stream: BinaryIO, limits: Limits) -> None:
    """Look through a long text file once, so that it is skipped or refused before a piece of it is used."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, line, line_bytes = 0, 1, 0
    while chunk := stream.read(_CHUNK_BYTES):
        if b"\0" in chunk:
            raise Unreadable(f"binary: a zero byte at byte {place + chunk.index(0)}")
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise Unreadable(f"not UTF-8 text: near byte {place + error.start}") from error
        for part in chunk.splitlines(keepends=True) if b"\n" in chunk else (chunk,):
            line_bytes += len(part)
            if line_bytes > limits.document_bytes_max:
                raise _refuse_line(f"{file.name}:{line}", limits.document_bytes_max)
            if part.endswith(b"\n"):
                line, line_bytes = line + 1, 0
        place += len(chunk)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8 text: its end is cut") from error


def _cut_text(stream: BinaryIO, limits: Limits) -> Iterator[Passage]:
    rest, piece, place = b"", 0, 0
    while data := rest + stream.read(limits.document_bytes_max - len(rest)):
        is_last = len(data) < limits.document_bytes_max
        end = len(data) if is_last else data.rfind(b"\n") + 1 or len(data)
        piece, place, rest = piece + 1, place + end, data[end:]
        yield Passage(data[:end].decode("utf-8-sig" if piece == 1 else "utf-8"), piece, place)


def _refuse_line(where: str, limit_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"the line is longer than {format_bytes(limit_bytes)}.", where=where, remedy="Break it into shorter lines."
    )


def _read_json_lines(file: SourceFile, stream: BinaryIO, limits: Limits) -> Iterator[Passage]:
    is_compressed = file.path.name.lower().endswith(".gz")
    lines = cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if is_compressed else stream
    number, size_bytes = 0, 0
    while line := _next_line(file, lines, number + 1, limits):
        number, size_bytes = number + 1, size_bytes + len(line)
        read_bytes = stream.tell()
        if is_compressed and size_bytes > max(_EXPANSION_FREE_BYTES, limits.expansion_max * read_bytes):
            raise InvalidInput(
                f"unpacks to more than {limits.expansion_max} times its size.",
                where=f"{file.name}:{number}",
                remedy="This is no text. Unpack it yourself if you are sure that it is.",
            )
        if not line.isspace():
            yield Passage(_text_of(line, f"{file.name}:{number}", limits), number, read_bytes)


def _next_line(file: SourceFile, lines: BinaryIO, number: int, limits: Limits) -> bytes:
    where = f"{file.name}:{number}"
    try:
        line = lines.readline(limits.line_bytes_max + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(
            "the gzip data are damaged or cut short.", where=where, remedy="Copy or compress the file again."
        ) from error
    if len(line) > limits.line_bytes_max:
        raise _refuse_line(where, limits.line_bytes_max)
    return line


def _text_of(line: bytes, where: str, limits: Limits) -> str:
    try:
        record = orjson.loads(line.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        problem = f"the line is not valid JSON (column {error.colno}): {error.msg}."
        raise InvalidInput(problem, where=where, remedy=_FIX_LINE) from error
    if not isinstance(record, dict) or TEXT_FIELD not in record:
        raise InvalidInput("the line is no object with a field 'text'.", where=where, remedy=_FIX_LINE)
    return _require_text(record[TEXT_FIELD], where, limits)


def _require_text(value: object, where: str, limits: Limits) -> str:
    if not isinstance(value, str):
        raise InvalidInput("the field 'text' is not a string.", where=where, remedy=_FIX_LINE)
    if len(value) > limits.document_bytes_max or len(value.encode()) > limits.document_bytes_max:
        limit = format_bytes(limits.document_bytes_max)
        raise InvalidInput(f"the text is larger than {limit}.", where=where, remedy="Cut it into several documents.")
    return value


def _read_parquet(file: SourceFile, stream: BinaryIO, limits: Limits) -> Iterator[Passage]:
    table = _open_parquet(file, stream, limits)
    row, rows = 0, max(1, table.metadata.num_rows)
    batches = table.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[TEXT_FIELD], use_threads=False)
    while True:
        try:
            texts = next(batches).column(0).to_pylist()
        except StopIteration:
            return
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            where = f"{file.name}:{row + 1}"
            raise InvalidInput(
                "the data are damaged from this row on.", where=where, remedy="Write it again."
            ) from error
        for text in texts:
            row += 1
            value = _require_text(text, f"{file.name}:{row}", limits)
            yield Passage(value, row, file.size_bytes * row // rows)


def _open_parquet(file: SourceFile, stream: BinaryIO, limits: Limits) -> pq.ParquetFile:
    try:
        table = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable("not a Parquet file") from error
    names = table.schema_arrow.names
    if TEXT_FIELD not in names:
        raise InvalidInput(
            f"has no column 'text'; its columns are: {', '.join(names[:12])}.",
            where=file.name,
            remedy="Rename the column that holds the texts to 'text'.",
        )
    if not _is_string(table.schema_arrow.field(TEXT_FIELD).type):
        raise InvalidInput("the column 'text' does not hold strings.", where=file.name, remedy="Convert it to string.")
    for group in range(table.metadata.num_row_groups):
        if table.metadata.row_group(group).total_byte_size > limits.row_group_bytes_max:
            limit = format_bytes(limits.row_group_bytes_max)
            raise InvalidInput(
                f"row group {group} is larger than {limit}.", where=file.name, remedy="Write smaller row groups."
            )
    return table


def _is_string(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value)


READERS: dict[str, Callable[[SourceFile, BinaryIO, Limits], Iterator[Passage]]] = {
    **dict.fromkeys(PLAIN_FORMATS, _read_text),
    "jsonl": _read_json_lines,
    "parquet": _read_parquet,
}
