"""Reads files into passages, streamed and within limits. Knows formats, not what texts mean.

Text, JSON and CSV are read here; PDF, Word, HTML, Parquet and archives in a limited process (`limited.py`), so that a
hostile file costs little time and memory and the rest of the dataset goes on. A new format is a reader in a module of
its own, a line in `dispatch.py` and one in `formats.py`.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.datasets.documents import Limits, Passage, SourceFile
from kifabrik.datasets.readers import dispatch, limited
from kifabrik.datasets.readers.reading import Reading, Skip, Unreadable

__all__ = ["Skip", "Unreadable", "count_row_groups", "read_passages"]


def read_passages(file: SourceFile, *, limits: Limits, on_skip: Skip | None = None) -> Iterator[Passage]:
    """Read a file with the reader of its format; raises Unreadable for a file that is skipped, or Unavailable.

    With `on_skip` a broken record (`a.jsonl:7`) or member of an archive (`a.zip!b.pdf`) is told there with its reason
    and reading goes on; without it InvalidInput names it and the reading is over.
    """
    try:
        with _open(file) as stream:
            before = os.fstat(stream.fileno())
            reading = Reading(file, limits, on_skip)
            read = limited.read if file.format in dispatch.LIMITED_FORMATS else dispatch.read
            yield from read(reading, stream)
            _require_unchanged(reading, before, os.fstat(stream.fileno()))
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise Unavailable(message, where=file.name, remedy="Check the disk, then start again.") from error


def count_row_groups(file: SourceFile, *, limits: Limits) -> list[tuple[int, int]]:
    """List rows and packed bytes of each row group of a Parquet file, without trusting it; raises Unreadable."""
    with _open(file) as stream:
        return limited.count_groups(file, stream, limits)


@contextmanager
def _open(file: SourceFile) -> Iterator[BinaryIO]:
    try:
        handle = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe put in its place meanwhile must not hang us
    except PermissionError as error:
        raise Unreadable("you may not read it") from error
    except FileNotFoundError as error:
        raise Unreadable("it vanished while the check ran") from error
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unreadable("it is no file any more")
        yield stream


def _require_unchanged(reading: Reading, before: os.stat_result, after: os.stat_result) -> None:
    """Say so if somebody wrote to the file meanwhile: what was read may be half of the old and half of the new."""
    if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
        return
    problem = "it was changed while it was read"
    if reading.skip is None:
        raise InvalidInput(
            f"{problem}.", where=reading.file.name, remedy="Wait until it is complete, then start again."
        )
    reading.skip(reading.file.name, f"{problem}; what was read until then is used")
