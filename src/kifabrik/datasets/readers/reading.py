"""What every reader is given, and how it says that something cannot be read. Knows no format."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from kifabrik.core.errors import InvalidInput
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Limits, SourceFile

_MORE_BYTES = 1024**2
Skip = Callable[[str, str], None]  # a path with its record or member, and the reason in words

Begin = Callable[[int, str], None]  # number and name of a member


class Unreadable(Exception):
    """This file holds nothing this reader can use; the rest of the dataset goes on without it."""


class BrokenStream(Exception):
    """Packed bytes end, are damaged or unpack to more than they may, somewhere after what was read already."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class BrokenRecord(Exception):
    """One record of many cannot be used."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@dataclass(slots=True)
class Reading:
    """One file being read. With `skip`, broken records are told there and reading goes on; without, they are refused.

    `depth` counts the archives around it; `begin` is told each member of an archive before it is read, and those before
    `first_member` are passed over. A file of which no record can be used is Unreadable as a whole.
    """

    file: SourceFile
    limits: Limits
    skip: Skip | None = None
    depth: int = 0
    first_member: int = 0
    begin: Begin | None = None
    used: int = 0  # records that gave a passage
    broken: int = 0
    held: list[tuple[str, str]] = field(default_factory=list)  # broken records before the first good one

    def use(self) -> None:
        """Count a record that gave a passage."""
        self.used += 1
        if self.held:
            for where, problem in self.held:
                self._tell(where, problem)
            self.held = []

    def refuse(self, record: int, error: BrokenRecord) -> None:
        """Leave one record out; raises InvalidInput without `skip`, Unreadable when there are too many."""
        where = f"{self.file.name}:{record}"
        if self.skip is None:
            raise InvalidInput(f"{error.problem}.", where=where, remedy=error.remedy) from error
        self.broken += 1
        if self.used:
            self._tell(where, error.problem)
        else:
            self.held.append((where, error.problem))
        if self.broken >= self.limits.broken_records_max:
            self.finish()
            raise Unreadable(f"{self.broken} broken records up to record {record}; the rest was not read")

    def stop(self, record: int, problem: str, remedy: str) -> None:
        """Read no further than this record; raises InvalidInput without `skip`, Unreadable if nothing was read."""
        where = f"{self.file.name}:{record}"
        if self.skip is None:
            raise InvalidInput(f"{problem}.", where=where, remedy=remedy)
        if not self.used and not self.held:
            raise Unreadable(f"{problem} (record {record})")
        self.finish()
        self._tell(where, f"{problem}; the rest of the file was not read")

    def finish(self) -> None:
        """End a file of records; raises Unreadable if every one of them was broken."""
        if self.held:
            where, problem = self.held[0]
            record = where.removeprefix(self.file.name + ":")
            raise Unreadable(f"none of its {self.broken} records can be used; record {record}: {problem}")

    def _tell(self, where: str, problem: str) -> None:
        if self.skip is not None:
            self.skip(where, problem)

    def refuse_file(self, problem: str, remedy: str) -> Exception:
        """Give the error for a file that is as a whole not what it should be."""
        if self.skip is None:
            return InvalidInput(f"{problem}.", where=self.file.name, remedy=remedy)
        return Unreadable(problem)


def read_at_most(stream: BinaryIO, limit: int, expected: int) -> bytes:
    """Read a stream of about `expected` bytes to its end, or one byte more than `limit`.

    A stream makes room for all that is asked for, so only what is expected is.
    """
    data = stream.read(min(limit, expected) + 1)
    while len(data) <= limit and (more := stream.read(min(limit + 1 - len(data), _MORE_BYTES))):
        data += more
    return data


def long_line(limit_bytes: int) -> tuple[str, str]:
    """Give problem and remedy of a line beyond the limit."""
    return f"the line is longer than {format_bytes(limit_bytes)}", "Break it into shorter lines."
