"""Reads plain text and source code: one file, one document, or cut at line ends if it is larger than that may be."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers import encodings
from kifabrik.datasets.readers.reading import BrokenStream, Reading, Unreadable, long_line, read_at_most

_CHUNK_BYTES = 1024**2


def read_text(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    """Give a text file as one passage, or as several; raises Unreadable before any passage left it."""
    limit = reading.limits.document_bytes_max
    try:
        data = read_at_most(stream, limit, reading.file.size_bytes)
        if len(data) <= limit:
            yield Passage(encodings.decode(data), 0, reading.file.size_bytes)
            return
        stream.seek(0)
        if not _look_through(reading, stream):
            return
        stream.seek(0)
        yield from _cut(reading, stream)
    except BrokenStream as error:
        raise reading.refuse_file(error.problem, error.remedy) from error


def cut_long(text: str, reading: Reading) -> Iterator[Passage]:
    """Give extracted text as one passage, or cut at line ends into several if it is larger than a document may be."""
    limit = reading.limits.document_bytes_max
    size_bytes = reading.file.size_bytes
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        yield Passage(text, 0, size_bytes)
        return
    piece, begin = 0, 0
    while begin < len(text):
        end = min(len(text), begin + limit // 4)
        if end < len(text):
            end = text.rfind("\n", begin, end) + 1 or end
        piece += 1
        yield Passage(text[begin:end], piece, size_bytes)
        begin = end


def _look_through(reading: Reading, stream: BinaryIO) -> bool:
    """Look through a long text file once, so that it is skipped or refused before a piece of it is used."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, line, line_bytes, limit = 0, 1, 0, reading.limits.document_bytes_max
    while chunk := stream.read(_CHUNK_BYTES):
        if b"\0" in chunk:
            raise Unreadable(f"binary: a zero byte at byte {place + chunk.index(0)}")
        held = decoder.getstate()[0]
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise encodings.not_utf_8(held + chunk, error.start, before=place - len(held)) from error
        for part in chunk.splitlines(keepends=True) if b"\n" in chunk else (chunk,):
            line_bytes += len(part)
            if line_bytes > limit:
                reading.stop(line, *long_line(limit))
                return False
            if part.endswith(b"\n"):
                line, line_bytes = line + 1, 0
        place += len(chunk)
    if decoder.getstate()[0]:
        raise Unreadable("not UTF-8 text: its end is cut")
    return True


def _cut(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    limit = reading.limits.document_bytes_max
    rest, piece, place = b"", 0, 0
    while data := rest + stream.read(limit - len(rest)):
        is_last = len(data) < limit
        end = len(data) if is_last else data.rfind(b"\n") + 1 or len(data)
        piece, place, rest = piece + 1, place + end, data[end:]
        text = data[:end].decode("utf-8-sig" if piece == 1 else "utf-8")
        yield Passage(text, piece, min(place, reading.file.size_bytes))


def require_document_size(size_bytes: int, reading: Reading) -> None:
    """Raise Unreadable for a file that is too large to be parsed whole."""
    limit = reading.limits.packed_file_bytes_max
    if size_bytes > limit:
        raise Unreadable(f"larger than {format_bytes(limit)}, which is too much to be read as one document")
