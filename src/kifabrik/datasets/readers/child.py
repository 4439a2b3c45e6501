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
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from kifabrik.core.errors import InvalidInput
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Limits, SourceFile
from kifabrik.datasets.readers import dispatch, frames
from kifabrik.datasets.readers.reading import Reading, Unreadable

_LOOK_AROUND_SECONDS = 5.0
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MEGABYTE = 1000**2
_FORBIDDEN = frozenset({
    "socket.__new__", "socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
    "os.fork", "os.forkpty", "os.spawn", "os.kill", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link",
    "os.symlink", "os.chmod", "os.chown", "os.truncate", "pty.spawn", "urllib.Request",
})  # fmt: skip


class _Clock:
    """Ends the process by SIGPROF when one document, or a whole container, has used up its processor time."""

    def __init__(self, limits: Limits, file: SourceFile) -> None:
        is_one_document = file.format in dispatch.ONE_DOCUMENT
        self._each = limits.parse_seconds_max
        more = 0 if is_one_document else file.size_bytes // _MEGABYTE
        self._until = time.process_time() + self._each + more
        self.wind()

    def wind(self) -> None:
        """Give the next document its time, as long as the container has any left."""
        left = min(float(self._each), max(0.01, self._until - time.process_time()))
        signal.setitimer(signal.ITIMER_PROF, left)
        fence = int(time.process_time()) + self._each + 2
        resource.setrlimit(resource.RLIMIT_CPU, (fence, resource.getrlimit(resource.RLIMIT_CPU)[1]))

    @staticmethod
    def stop() -> None:
        """Let the time run freely between files."""
        signal.setitimer(signal.ITIMER_PROF, 0)


def main(handle: int, keeper: int) -> None:
    """Serve one file after the other until the keeper hangs up or is gone."""
    line = socket.socket(fileno=handle)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the keeper, who hangs up
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _shut_doors()
    is_well = True
    while is_well:
        if not select.select([line], [], [], _LOOK_AROUND_SECONDS)[0]:
            is_well = os.getppid() == keeper
            continue
        head, files, _, _ = socket.recv_fds(line, 1, 1)
        if not head or not files:
            return
        _, job, _ = frames.receive(line)
        with os.fdopen(files[0], "rb") as stream:
            is_well = _serve(line, orjson.loads(job), stream)


def _serve(line: socket.socket, job: dict[str, Any], stream: BinaryIO) -> bool:
    """Read one file and send what is in it; says whether this process may go on after it."""
    limits, file = Limits(**job["limits"]), SourceFile(Path(job["file"][0]), *job["file"])
    dispatch.prepare(file.format)
    _limit_memory(limits.parse_bytes_max)
    clock = _Clock(limits, file)
    try:
        if job["kind"] == "groups":
            frames.send(line, frames.GROUPS, orjson.dumps(dispatch.count_groups(stream)))
        else:
            _send_passages(line, _make_reading(line, job, file, limits, clock), stream, clock)
        clock.stop()
        frames.send(line, frames.DONE)
    except Unreadable as error:
        clock.stop()
        frames.send(line, frames.UNREADABLE, _words(str(error)))
    except InvalidInput as error:
        clock.stop()
        frames.send(line, frames.INVALID, _words(error.message, error.where, error.remedy))
    except MemoryError:
        clock.stop()
        limit = format_bytes(limits.parse_bytes_max)
        frames.send(line, frames.UNREADABLE, _words(f"reading it takes more than {limit} of memory"))
        return False
    except RecursionError:
        clock.stop()
        frames.send(line, frames.UNREADABLE, _words("it is nested too deeply"))
    except (BrokenPipeError, ConnectionError):
        return False
    except Exception as error:  # parsers of three libraries fail in ways that nobody can list
        clock.stop()
        frames.send(line, frames.UNREADABLE, _words(f"damaged, its parser failed ({type(error).__name__})"))
    return True


def _make_reading(line: socket.socket, job: dict[str, Any], file: SourceFile, limits: Limits, clock: _Clock) -> Reading:
    def skip(path: str, reason: str) -> None:
        frames.send(line, frames.SKIPPED, _words(path, reason))

    def begin(number: int, path: str) -> None:
        clock.wind()
        frames.send(line, frames.MEMBER, orjson.dumps([number, path]))

    return Reading(file, limits, skip if job["skips"] else None, first_member=job["first_member"], begin=begin)


def _send_passages(line: socket.socket, reading: Reading, stream: BinaryIO, clock: _Clock) -> None:
    for block in dispatch.read_blocks(reading, stream):
        frames.send(line, frames.PASSAGES, block.header(), block.texts)
        clock.wind()


def _words(*words: str) -> bytes:
    return orjson.dumps([word.encode("utf-8", "backslashreplace").decode()[:1000] for word in words])


def _limit_memory(size_bytes: int) -> None:
    """Let this process take no more than `size_bytes` of real memory; what is only mapped so far does not count."""
    try:
        mapped, resident = (int(pages) for pages in Path("/proc/self/statm").read_text().split()[:2])
    except OSError:  # no Linux
        mapped = resident = 0
    limit = size_bytes + (mapped - resident) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _shut_doors() -> None:
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
