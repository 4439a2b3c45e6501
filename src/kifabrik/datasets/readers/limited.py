"""Reads risky files through limited processes: whatever a file does there, the check goes on. Knows frames, no format.

A process serves many files and is started again after a crash or a limit. In an archive the reading goes on after the
member that ended it.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import BinaryIO

import orjson

from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.datasets.documents import Limits, Passage, SourceFile
from kifabrik.datasets.readers import blocks, frames
from kifabrik.datasets.readers.dispatch import ONE_DOCUMENT
from kifabrik.datasets.readers.reading import Reading, Unreadable

_SILENCE_SECONDS_PER_SECOND = 60  # a machine may be this busy before a silent process counts as stuck
_END_SECONDS = 10  # for a process that hung up to be gone
_MEGABYTE = 1000**2
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve more addresses than the process may have
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class _Gone(Exception):
    """The limited process ended in the middle of a file."""


@dataclass(slots=True, eq=False)
class _Process:
    """One limited process and the line to it."""

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    receiver: frames.Receiver
    owner: int
    is_free: bool = True

    def receive(self) -> tuple[bytes, bytes, memoryview]:
        """Receive a frame; raises _Gone with the reason if none comes any more."""
        try:
            return self.receiver.receive()
        except TimeoutError as error:
            raise _Gone("its parser did not answer any more") from error
        except (EOFError, ConnectionError) as error:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=_END_SECONDS)
            raise _Gone(_explain(self.process.poll())) from error

    def free(self, kind: bytes, header: bytes) -> None:
        """Take the last frame of a file; raises Unreadable or InvalidInput if that is what it says."""
        self.is_free = True
        if kind == frames.LAST:
            self.end()
        else:
            _idle.append(self)
        if kind in (frames.UNREADABLE, frames.LAST):
            raise Unreadable(orjson.loads(header)[0])
        if kind == frames.INVALID:
            message, where, remedy = orjson.loads(header)
            raise InvalidInput(message, where=where, remedy=remedy)

    def end(self) -> None:
        """End it, if it is ours and not that of the process we were forked from."""
        self.line.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()


_idle: list[_Process] = []


def read(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    """Read an open file in a limited process; raises Unreadable, InvalidInput, or Unavailable if none starts."""
    place = _Place(seconds_left=_seconds_for(reading))
    while True:
        try:
            yield from _read_once(reading, stream, place)
        except _Gone as gone:
            if not place.member:
                raise Unreadable(str(gone)) from gone
            if reading.skip is None:
                raise InvalidInput(f"{gone}.", where=place.member, remedy="Take it out of the archive.") from gone
            reading.skip(place.member, str(gone))
            place.seconds_left -= place.seconds_used + reading.limits.parse_seconds_max
            if place.seconds_left <= 0:
                raise Unreadable("the files in it take too long to read; the rest was not read") from gone
            reading.first_member, place.seconds_used = place.number + 1, 0.0
            stream.seek(0)
        else:
            reading.finish()
            return


def count_groups(file: SourceFile, stream: BinaryIO, limits: Limits) -> list[tuple[int, int]]:
    """List rows and packed bytes of each row group of a Parquet file; raises Unreadable."""
    reading = Reading(file, limits)
    process = _begin({"kind": "groups", **_describe(reading, _seconds_for(reading))}, stream, limits)
    groups: list[list[int]] = []
    try:
        while not process.is_free:
            kind, header, _ = process.receive()
            if kind == frames.GROUPS:
                groups = orjson.loads(header)
            else:
                process.free(kind, header)
    except _Gone as gone:
        raise Unreadable(str(gone)) from gone
    return [(rows, size_bytes) for rows, size_bytes in groups]


@dataclass(slots=True)
class _Place:
    """How far a container is read, and how much processor time is left for the rest of it."""

    seconds_left: float
    seconds_used: float = 0.0  # up to the beginning of the member
    number: int = -1
    member: str = ""


def _seconds_for(reading: Reading) -> float:
    """Give the processor time of a whole file: that of one document, and in containers more by their size."""
    file = reading.file
    more = 0.0 if file.format in ONE_DOCUMENT else file.size_bytes / _MEGABYTE
    return reading.limits.parse_seconds_max * (1 + more)


def _read_once(reading: Reading, stream: BinaryIO, place: _Place) -> Iterator[Passage]:
    process = _begin({"kind": "passages", **_describe(reading, place.seconds_left)}, stream, reading.limits)
    try:
        while not process.is_free:
            kind, header, blob = process.receive()
            if kind == frames.PASSAGES:
                yield from blocks.unpack(blocks.read_header(header), blob, reading)
            elif kind == frames.MEMBER:
                place.number, place.member, place.seconds_used = orjson.loads(header)
            elif kind == frames.SKIPPED and reading.skip is not None:
                reading.skip(*orjson.loads(header))
            else:
                process.free(kind, header)
    finally:
        if not process.is_free:  # it is gone, or nobody wants the rest
            process.end()


def _describe(reading: Reading, seconds: float) -> dict[str, object]:
    file = reading.file
    return {
        "file": [file.name, file.size_bytes, file.format, file.begin, file.end, file.records_before],
        "limits": asdict(reading.limits),
        "seconds": seconds,
        "skips": reading.skip is not None,
        "first_member": reading.first_member,
    }


def _begin(job: dict[str, object], stream: BinaryIO, limits: Limits) -> _Process:
    """Give a file to a process that is alive; one that died while it had nothing to do is replaced."""
    while True:
        process = _take()
        is_new = process is None
        process = process or _start()
        process.is_free = False
        process.line.settimeout(limits.parse_seconds_max * _SILENCE_SECONDS_PER_SECOND)
        try:
            socket.send_fds(process.line, [b"F"], [stream.fileno()])
            frames.send(process.line, frames.JOB, orjson.dumps(job))
            process.receiver.receive()  # it has begun
        except (EOFError, OSError) as error:
            process.end()
            if is_new:
                raise Unavailable(
                    "the process that reads risky files does not start.", remedy="See whether the machine is full."
                ) from error
        else:
            return process


def _take() -> _Process | None:
    while _idle:
        process = _idle.pop()
        if process.owner == os.getpid():
            return process
        process.end()
    return None


def _start() -> _Process:
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "kifabrik.datasets.readers.child", str(theirs.fileno()), str(os.getpid())]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **_ENVIRONMENT},
            )
        except OSError as error:
            ours.close()
            raise Unavailable(
                "the process that reads risky files cannot be started.", remedy="See whether the machine is full."
            ) from error
    return _Process(process, ours, frames.Receiver(ours), os.getpid())


def _explain(code: int | None) -> str:
    if code in (-signal.SIGPROF, -signal.SIGXCPU):
        return "reading it takes more processor time than one file may have"
    if code is not None and code < 0:
        return f"its parser crashed ({signal.Signals(-code).name})"
    return "its parser ended in the middle"


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()
