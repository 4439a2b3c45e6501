"""The limited process: reads risky files for the check, with little memory and time, no network, no way to write.

Started by `limited.py` as a program of its own; speaks frames over one socket and gets each file as an open handle.
Knows nothing of datasets. Whatever a hostile file does to a parser happens here.
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from kifabrik.core.errors import InvalidInput
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Limits, Passage, SourceFile
from kifabrik.datasets.formats import FORMATS, find_suffix
from kifabrik.datasets.readers import dispatch, frames
from kifabrik.datasets.readers.blocks import Block, pack
from kifabrik.datasets.readers.reading import Reading, Unreadable

_BLOCK_CHARACTERS = 1024**2
_BLOCK_PASSAGES = 2_000
_LOOK_AROUND_SECONDS = 5.0
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_FORBIDDEN = frozenset({
    "socket.__new__", "socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
    "os.fork", "os.forkpty", "os.spawn", "os.kill", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link",
    "os.symlink", "os.chmod", "os.chown", "os.truncate", "pty.spawn", "urllib.Request",
})  # fmt: skip


class _Clock:
    """Ends the process by SIGPROF when one document, or a whole container, has used up its processor time."""

    def __init__(self, each_seconds: int, all_seconds: float) -> None:
        self._each, self._begin = each_seconds, time.process_time()
        self._until = self._begin + all_seconds
        self.wind()

    @property
    def used_seconds(self) -> float:
        """Processor time since the file began."""
        return time.process_time() - self._begin

    def wind(self) -> None:
        """Give the next document its time, as long as the container has any left."""
        left = min(float(self._each), max(0.01, self._until - time.process_time()))
        signal.setitimer(signal.ITIMER_PROF, left)
        fence = int(time.process_time()) + self._each + 2
        resource.setrlimit(resource.RLIMIT_CPU, (fence, resource.getrlimit(resource.RLIMIT_CPU)[1]))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do something that the file is not to blame for; the next document has its whole time afterwards."""
        self.stop()
        before = time.process_time()
        yield
        self._until += time.process_time() - before
        self.wind()

    @staticmethod
    def stop() -> None:
        """Let the time run freely between files."""
        signal.setitimer(signal.ITIMER_PROF, 0)


def main(handle: int, keeper: int) -> None:
    """Serve one file after the other until the keeper hangs up or is gone."""
    line = socket.socket(fileno=handle)
    receiver = frames.Receiver(line)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the keeper, who hangs up
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    shut_doors()
    is_well = True
    while is_well:
        if not select.select([line], [], [], _LOOK_AROUND_SECONDS)[0]:
            is_well = os.getppid() == keeper
            continue
        head, files, _, _ = socket.recv_fds(line, 1, 1)
        if not head or not files:
            return
        _, job, _ = receiver.receive()
        with os.fdopen(files[0], "rb") as stream:
            is_well = _serve(line, orjson.loads(job), stream)


def _serve(line: socket.socket, job: dict[str, Any], stream: BinaryIO) -> bool:
    """Read one file and send what is in it; says whether this process may go on after it."""
    limits, file = Limits(**job["limits"]), SourceFile(Path(job["file"][0]), *job["file"])
    try:
        frames.send(line, frames.BEGUN)
        _prepare(file.format, limits)
        clock = _Clock(limits.parse_seconds_max, job["seconds"])
        kind, words = _attempt(line, job, file, stream, clock)
        clock.stop()
        frames.send(line, kind, _words(*words))
    except ConnectionError:  # nobody wants the rest
        return False
    return kind != frames.LAST


def _attempt(
    line: socket.socket, job: dict[str, Any], file: SourceFile, stream: BinaryIO, clock: _Clock
) -> tuple[bytes, tuple[str, ...]]:
    """Send what is in a file; gives how it ended, in words for people."""
    try:
        if job["kind"] == "groups":
            frames.send(line, frames.GROUPS, orjson.dumps(dispatch.count_groups(stream)))
        else:
            _send_all(line, job, file, stream, clock)
    except Unreadable as error:
        return frames.UNREADABLE, (str(error),)
    except InvalidInput as error:
        return frames.INVALID, (error.message, error.where, error.remedy)
    except MemoryError:
        limit = format_bytes(job["limits"]["parse_bytes_max"])
        return frames.LAST, (f"reading it takes more than {limit} of memory",)
    except RecursionError:
        return frames.UNREADABLE, ("it is nested too deeply",)
    except ConnectionError:
        raise
    except Exception as error:  # parsers of three libraries fail in ways that nobody can list
        return frames.UNREADABLE, (f"damaged, its parser failed ({type(error).__name__})",)
    return frames.DONE, ()


def _send_all(line: socket.socket, job: dict[str, Any], file: SourceFile, stream: BinaryIO, clock: _Clock) -> None:
    outbox = _Outbox(line, clock)

    def skip(path: str, reason: str) -> None:
        frames.send(line, frames.SKIPPED, _words(path, reason))

    def begin(number: int, path: str) -> None:
        outbox.flush()  # what was read of others shall not be lost with this one
        kind = FORMATS.get(find_suffix(path), "")
        if not dispatch.is_prepared(kind):
            with clock.paused():
                _prepare(kind, limits)
        clock.wind()
        frames.send(line, frames.MEMBER, orjson.dumps([number, path, clock.used_seconds]))

    limits = Limits(**job["limits"])
    reading = Reading(file, limits, skip if job["skips"] else None, first_member=job["first_member"], begin=begin)
    if file.format == "parquet":
        for block in dispatch.read_blocks(reading, stream):
            outbox.send(block)
    else:
        for passage in dispatch.read(reading, stream):
            outbox.add(passage)
    outbox.flush()


@dataclass(slots=True)
class _Outbox:
    """Passages that wait until there are enough of them for a block."""

    line: socket.socket
    clock: _Clock
    waiting: list[Passage] = field(default_factory=list)
    characters: int = 0

    def add(self, passage: Passage) -> None:
        """Take one more passage."""
        self.waiting.append(passage)
        self.characters += len(passage.text)
        if self.characters >= _BLOCK_CHARACTERS or len(self.waiting) >= _BLOCK_PASSAGES:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self.waiting:
            self.send(pack(self.waiting))
            self.waiting, self.characters = [], 0

    def send(self, block: Block) -> None:
        """Send a block; whoever gives something has earned more time."""
        frames.send(self.line, frames.PASSAGES, block.header(), block.texts)
        self.clock.wind()


def _words(*words: str) -> bytes:
    return orjson.dumps([word.encode("utf-8", "backslashreplace").decode()[:1000] for word in words])


def _prepare(kind: str, limits: Limits) -> None:
    """Import what a format needs, then limit the memory from there on."""
    if not dispatch.is_prepared(kind):
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        dispatch.prepare(kind)
    _limit_memory(limits.parse_bytes_max)


def _limit_memory(size_bytes: int) -> None:
    """Let this process take no more than `size_bytes` of real memory; what is only mapped so far does not count."""
    try:
        mapped, resident = (int(pages) for pages in Path("/proc/self/statm").read_text().split()[:2])
    except OSError:  # no Linux
        mapped = resident = 0
    limit = size_bytes + (mapped - resident) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def shut_doors() -> None:
    """No network, no other programs, no files written: by the kernel where it lets us, by Python's own hook always."""
    for kind, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 64)):
        resource.setrlimit(kind, (limit, limit))
    with contextlib.suppress(OSError, AttributeError):
        kernel = ctypes.CDLL(None)
        kernel.unshare(_CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET)
    sys.dont_write_bytecode = True
    sys.addaudithook(_forbid)


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        _, mode, flags = arguments
        if (mode and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(event)
    elif event in _FORBIDDEN:
        raise PermissionError(event)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
