"""Chooses the reader of a format and prepares its stream. Knows which module reads what, not how.

Readers are imported when their first file comes: the limited process starts fast and holds little it does not need.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.formats import PLAIN_FORMATS, find_compression
from kifabrik.datasets.readers import encodings, json_array, json_lines, packed, tables, text
from kifabrik.datasets.readers.blocks import Block, unpack
from kifabrik.datasets.readers.reading import BrokenStream, Reading, Unreadable

_RECORDS = {
    "jsonl": json_lines.read_json_lines,
    "json": json_array.read_json,
    "csv": tables.read_table,
    "tsv": tables.read_table,
}
LIMITED_FORMATS = frozenset({"html", "pdf", "docx", "parquet", "zip", "tar"})
_PAGES = "kifabrik.datasets.readers.pages"
_LIBRARIES = {
    "html": (_PAGES, "trafilatura"),
    "pdf": (_PAGES, "pypdf"),
    "docx": (_PAGES, "docx"),
    "parquet": ("kifabrik.datasets.readers.parquet",),
    **dict.fromkeys(("zip", "tar"), ("kifabrik.datasets.readers.archives",)),
}
ONE_DOCUMENT = frozenset({"html", "pdf", "docx"})


def read(reading: Reading, raw: BinaryIO) -> Iterator[Passage]:
    """Read an open file with the reader of its format, in this process."""
    name, kind = reading.file.path.name, reading.file.format
    compression = find_compression(name)
    stream = packed.unpack(raw, compression, reading.limits) if compression else raw
    if kind in PLAIN_FORMATS:
        yield from text.read_text(reading, encodings.as_utf_8(stream))
    elif kind in _RECORDS:
        yield from _RECORDS[kind](reading, encodings.as_utf_8(stream), raw)
    else:
        yield from _read_limited(reading, stream, raw)


def read_blocks(reading: Reading, raw: BinaryIO) -> Iterator[Block]:
    """Read an open Parquet file as blocks, without making a Python string of any text."""
    from kifabrik.datasets.readers import parquet  # noqa: PLC0415 # see the head of this module

    return parquet.read_parquet(reading, raw)


def count_groups(raw: BinaryIO) -> list[tuple[int, int]]:
    """List rows and packed bytes of the row groups of a Parquet file; raises Unreadable."""
    from kifabrik.datasets.readers import parquet  # noqa: PLC0415

    return parquet.count_groups(raw)


def is_prepared(kind: str) -> bool:
    """Say whether what the reader of a format needs is imported."""
    return all(name in sys.modules for name in _LIBRARIES.get(kind, ()))


def prepare(kind: str) -> None:
    """Import what the reader of a format needs, so that it counts neither as time nor as memory of a file."""
    for name in _LIBRARIES.get(kind, ()):
        import_module(name)


def _read_limited(reading: Reading, stream: BinaryIO, raw: BinaryIO) -> Iterator[Passage]:
    kind = reading.file.format
    if kind == "zip":
        from kifabrik.datasets.readers import archives  # noqa: PLC0415

        yield from archives.read_zip(reading, stream, read)
    elif kind == "tar":
        from kifabrik.datasets.readers import archives  # noqa: PLC0415

        yield from archives.read_tar(reading, stream, raw, read)
    elif kind == "parquet":
        from kifabrik.datasets.readers import parquet  # noqa: PLC0415

        for block in parquet.read_parquet(reading, stream):
            yield from unpack(block, memoryview(b"".join(block.texts)), reading)
    else:
        from kifabrik.datasets.readers import pages  # noqa: PLC0415

        try:
            yield from pages.READERS[kind](reading, stream)
        except BrokenStream as error:
            raise Unreadable(error.problem) from error
