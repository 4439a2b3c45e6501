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
from kifabrik.datasets.readers.reading import Reading, Unreadable

_SILENCE_SECONDS_PER_SECOND = 60  # a machine may be this busy before a silent process counts as stuck
_CRASHES_MAX = 10  # in one archive
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve more addresses than the process may have
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(slots=True)
class _Process:
    """One limited process and the line to it."""

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    owner: int

    def end(self) -> str:
        """End it and say in words why it ended, if it did so by itself."""
        self.line.close()
        if self.owner != os.getpid():
            return ""  # it belongs to the process that we were forked from
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)
        self.process.kill()
        return _explain(self.process.wait())


_idle: list[_Process] = []


def read(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    """Read an open file in a limited process; raises Unreadable, InvalidInput, or Unavailable if none starts."""
    crashes = 0
    while True:
        member: list[tuple[int, str]] = []
        try:
            yield from _read_once(reading, stream, member)
        except _Gone as gone:
            crashes += 1
            if not member:
                raise Unreadable(str(gone)) from gone
            number, where = member[-1]
            if reading.skip is None:
                raise InvalidInput(f"{gone}.", where=where, remedy="Take it out of the archive.") from gone
            reading.skip(where, str(gone))
            if crashes >= _CRASHES_MAX:
                raise Unreadable(
                    f"{crashes} of its files cannot be read within the limits; the rest was not read"
                ) from gone
            reading.first_member = number + 1
            stream.seek(0)
        else:
            return


def count_groups(file: SourceFile, stream: BinaryIO, limits: Limits) -> list[tuple[int, int]]:
    """List rows and packed bytes of each row group of a Parquet file; raises Unreadable."""
    process = _take()
    try:
        _ask(process, {"kind": "groups", **_describe(Reading(file, limits))}, stream, limits)
        kind, header, _ = frames.receive(process.line)
        if kind == frames.GROUPS:
            frames.receive(process.line)
    except (EOFError, OSError) as error:
        raise Unreadable(process.end()) from error
    _idle.append(process)
    if kind != frames.GROUPS:
        raise Unreadable(orjson.loads(header)[0])
    return [(int(rows), int(size_bytes)) for rows, size_bytes in orjson.loads(header)]


class _Gone(Exception):
    """The limited process ended in the middle of a file."""


def _read_once(reading: Reading, stream: BinaryIO, member: list[tuple[int, str]]) -> Iterator[Passage]:
    process = _take()
    is_done = False
    try:
        _ask(process, {"kind": "passages", **_describe(reading)}, stream, reading.limits)
        while not is_done:
            kind, header, blob = frames.receive(process.line)
            if kind == frames.PASSAGES:
                yield from blocks.unpack(blocks.read_header(header), blob)
            elif kind == frames.MEMBER:
                member.append(tuple(orjson.loads(header)))
            elif kind == frames.SKIPPED and reading.skip is not None:
                reading.skip(*orjson.loads(header))
            else:
                is_done = True
                _idle.append(process)
                _finish(kind, header)
    except TimeoutError as error:
        process.process.kill()
        raise _Gone("its parser did not answer any more") from error
    except (EOFError, ConnectionError) as error:
        raise _Gone(process.end()) from error
    finally:
        if process not in _idle:  # an error, or nobody wants the rest
            process.end()


def _finish(kind: bytes, header: bytes) -> None:
    if kind == frames.UNREADABLE:
        raise Unreadable(orjson.loads(header)[0])
    if kind == frames.INVALID:
        message, where, remedy = orjson.loads(header)
        raise InvalidInput(message, where=where, remedy=remedy)


def _describe(reading: Reading) -> dict[str, object]:
    file = reading.file
    words = [file.name, file.size_bytes, file.format, file.begin, file.end, file.records_before]
    return {
        "file": words,
        "limits": asdict(reading.limits),
        "skips": reading.skip is not None,
        "first_member": reading.first_member,
    }


def _ask(process: _Process, job: dict[str, object], stream: BinaryIO, limits: Limits) -> None:
    process.line.settimeout(limits.parse_seconds_max * _SILENCE_SECONDS_PER_SECOND)
    socket.send_fds(process.line, [b"F"], [stream.fileno()])
    frames.send(process.line, frames.JOB, orjson.dumps(job))


def _take() -> _Process:
    while _idle:
        process = _idle.pop()
        if process.owner == os.getpid() and process.process.poll() is None:
            return process
        process.end()
    return _start()


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
    return _Process(process, ours, os.getpid())


def _explain(code: int) -> str:
    if code in (-signal.SIGPROF, -signal.SIGXCPU):
        return "reading it takes more processor time than one file may have"
    if code < 0:
        return f"its parser crashed ({signal.Signals(-code).name})"
    return "reading it takes more memory than one file may have" if code else "its parser ended"


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()
