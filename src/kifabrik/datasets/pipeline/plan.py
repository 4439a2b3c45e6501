"""Cuts the sources of a dataset into tasks, always in the same way for the same files. Knows sizes, not texts.

Small files go together; large JSON Lines and Parquet files are cut at lines and row groups; anything else is a task of
its own however large it is, because nobody can begin to read it in its middle.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import orjson

from kifabrik.core import canonical
from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.documents import Limits, SourceFile
from kifabrik.datasets.formats import find_compression
from kifabrik.datasets.readers import Unreadable, count_row_groups

_TASKS_WANTED = 64  # more than the cores of most machines, so that the last ones to finish leave few idle
_TASK_BYTES_MIN = 4 * 1000**2  # a fifth of a second of work, so that nobody waits long for the last one
_UNPACKED = 3  # bytes of text in a byte of a packed file, about
_PACKED_FORMATS = frozenset({"parquet", "zip"})
_FILES_MAX = 4_000
_CHUNK_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or its bytes (JSON Lines) or row groups (Parquet) from `begin` to before `end`; 0 to 0 is the whole.

    `records_before` counts the lines or rows of the file that lie before the piece.
    """

    path: str
    name: str
    format: str
    size_bytes: int
    begin: int = 0
    end: int = 0
    records_before: int = 0

    @property
    def is_whole(self) -> bool:
        """Say whether this is a file and no piece of one."""
        return self.end == 0

    @property
    def work_bytes(self) -> int:
        """Guess how many bytes of text are in it."""
        return self.size_bytes * _unpacked(self)

    def as_file(self) -> SourceFile:
        """Give what a reader reads."""
        return SourceFile(
            Path(self.path), self.name, self.size_bytes, self.format, self.begin, self.end, self.records_before
        )


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker reads in one go and can repeat: pieces of files, in order."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes to be read."""
        return sum(piece.size_bytes for piece in self.pieces)

    @property
    def work_bytes(self) -> int:
        """Guess how many bytes of text are to be looked at."""
        return sum(piece.work_bytes for piece in self.pieces)

    @property
    def digest(self) -> str:
        """Name the task by names, sizes and ranges, so that a finished part of another plan is not mistaken for it."""
        rows = [[each.name, each.format, each.size_bytes, each.begin, each.end] for each in self.pieces]
        return canonical.digest(rows)

    def as_line(self) -> bytes:
        """Write the task as one line of JSON."""
        return orjson.dumps(self) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Task":
        """Read a task back; raises InvalidInput for a line that is none."""
        try:
            row = orjson.loads(line)
            return cls(row["number"], tuple(Piece(**piece) for piece in row["pieces"]))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidInput(
                "the plan of a check is damaged.", remedy="Remove it and start the check again."
            ) from error


def make_tasks(files: Sequence[SourceFile], *, limits: Limits) -> tuple[Task, ...]:
    """Put files into tasks of at most `limits.task_bytes_max` of text, smaller ones where there is little to do.

    Reads large JSON Lines files once to find the ends of lines; raises InvalidInput for a line without end.
    """
    wholes = [Piece(str(file.path), file.name, file.format, file.size_bytes) for file in files]
    total = sum(whole.work_bytes for whole in wholes)
    target = min(limits.task_bytes_max, max(_TASK_BYTES_MIN, total // _TASKS_WANTED))
    tasks: list[Task] = []
    waiting: list[Piece] = []
    waiting_bytes = 0
    for piece in _cut_all(wholes, target, limits):
        is_full = waiting_bytes + piece.work_bytes > target or len(waiting) >= _FILES_MAX
        if waiting and is_full:
            tasks.append(Task(len(tasks), tuple(waiting)))
            waiting, waiting_bytes = [], 0
        waiting.append(piece)
        waiting_bytes += piece.work_bytes
    if waiting:
        tasks.append(Task(len(tasks), tuple(waiting)))
    return tuple(tasks)


def _unpacked(piece: Piece) -> int:
    is_packed = piece.format in _PACKED_FORMATS or find_compression(piece.path)
    return _UNPACKED if is_packed else 1


def _cut_all(wholes: Sequence[Piece], target: int, limits: Limits) -> Iterator[Piece]:
    for whole in wholes:
        suffix = Path(whole.path).suffix.lower()
        if whole.work_bytes <= target + target // 2:
            yield whole
        elif suffix == ".jsonl":
            yield from _cut_lines(whole, target, limits)
        elif suffix == ".parquet":
            yield from _cut_row_groups(whole, target // _UNPACKED, limits)
        else:
            yield whole


def _cut_lines(whole: Piece, target: int, limits: Limits) -> Iterator[Piece]:
    """Cut at the first end of line after each `target` bytes; a file that cannot be read is left to its reader."""
    try:
        with Path(whole.path).open("rb") as stream:
            starts = list(_find_starts(stream, whole.size_bytes, target, limits))
    except OSError:
        starts = []
    ends = [*(begin for begin, _ in starts[1:]), whole.size_bytes]
    for (begin, before), end in zip(starts, ends, strict=True) if starts else ():
        yield replace(whole, size_bytes=end - begin, begin=begin, end=end, records_before=before)
    if not starts:
        yield whole


def _find_starts(stream: BinaryIO, size_bytes: int, target: int, limits: Limits) -> Iterator[tuple[int, int]]:
    """Give where pieces begin and how many lines lie before; a line beyond the limit ends the search for cuts."""
    begin = lines = 0
    yield 0, 0
    while begin + target + target // 2 < size_bytes:
        wanted = begin + target
        while begin < wanted and (chunk := stream.read(min(_CHUNK_BYTES, wanted - begin))):
            begin += len(chunk)
            lines += chunk.count(b"\n")
        rest = stream.readline(limits.line_bytes_max + 1)
        if not rest.endswith(b"\n"):
            return
        begin += len(rest)
        lines += 1
        yield begin, lines


def _cut_row_groups(whole: Piece, target: int, limits: Limits) -> Iterator[Piece]:
    """Put neighbouring row groups together up to `target` bytes; a damaged file is left to its reader."""
    try:
        groups = count_row_groups(whole.as_file(), limits=limits)
    except Unreadable:
        yield whole
        return
    begin = rows = size_bytes = rows_before = 0
    for number, (group_rows, group_bytes) in enumerate(groups):
        if number > begin and size_bytes + group_bytes > target:
            yield replace(whole, size_bytes=size_bytes, begin=begin, end=number, records_before=rows_before)
            begin, size_bytes, rows_before = number, 0, rows
        size_bytes += group_bytes
        rows += group_rows
    if begin == 0:
        yield whole
    else:
        yield replace(whole, size_bytes=size_bytes, begin=begin, end=len(groups), records_before=rows_before)
