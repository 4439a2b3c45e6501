"""The exclusive right to work in a run folder, because a cluster may start a job twice. Knows one lock file."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kifabrik.core import files
from kifabrik.core.errors import Conflict
from kifabrik.training.stopping import ShouldStop, Stopped, never

PATIENCE_SECONDS = 600.0  # a cluster ends a start that it forgot within a minute or two of the second one
_LOOK_SECONDS = 0.5


@contextmanager
def hold(path: Path, *, patience_seconds: float = 0.0, should_stop: ShouldStop = never) -> Iterator[None]:
    """Hold the lock of a run folder; the kernel lets go of it when the process ends, however it ends.

    Raises Conflict at once if another process holds it. With patience it waits for that one's end, and raises Stopped,
    which asks for another start later, when patience is over or the process was asked to stop.
    """
    with files.explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + patience_seconds
        while not _lock(handle):
            if not patience_seconds:
                raise _in_use(handle, path)
            if should_stop() or time.monotonic() >= until:
                raise Stopped(
                    f"an earlier start of this run still works here: {_owner(handle)}.", where=str(path.parent)
                )
            time.sleep(_LOOK_SECONDS)
        with files.explain_disk_errors(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(handle: int) -> str:
    return os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"


def _in_use(handle: int, path: Path) -> Conflict:
    return Conflict(
        f"this run folder is in use by {_owner(handle)}.",
        where=str(path.parent),
        remedy="Wait until it ends, or cancel it.",
        code="run-in-use",
    )
