"""The exclusive right to work in a run folder, because a cluster may start a job twice. Knows one lock file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kifabrik.core import files
from kifabrik.core.errors import Conflict


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock of a run folder; the kernel lets go of it when the process ends, however it ends.

    Raises Conflict if another process holds it.
    """
    with files.explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(handle, 200).decode(errors="replace").strip() or "another process"
            raise Conflict(
                f"this run folder is in use by {owner}.",
                where=str(path.parent),
                remedy="Wait until it ends, or cancel it.",
                code="run-in-use",
            ) from error
        with files.explain_disk_errors(path):
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {os.uname().nodename}\n".encode())
        yield
    finally:
        os.close(handle)
