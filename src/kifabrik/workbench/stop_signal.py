"""Turns SIGTERM, SIGUSR1, Ctrl-C and a file into a question that work asks at a safe moment. Knows no work.

The file is the way of a cluster's warnings: no signal has to find its way through launchers, containers and starters.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from kifabrik.training.stopping import ShouldStop, Stopped

# A cluster sends the first on cancel and the second before its time limit; the third is Ctrl-C.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


STOP_FILE_VARIABLE = "KIFABRIK_STOP_FILE"
SAVED_SUFFIX = ".saved"
_LOOK_SECONDS = 1.0


@contextmanager
def listen() -> Iterator[ShouldStop]:
    """Give a function that says whether the process was asked to stop; restores the old handlers at the end.

    A second Ctrl-C interrupts at once. The file that KIFABRIK_STOP_FILE names asks too, as soon as it is there.
    """
    asked = threading.Event()
    was_asked = _watching_file(asked)

    def note(number: int, _frame: FrameType | None) -> None:
        asked.set()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield was_asked  # Python delivers signals to the main thread only
        return
    before = {each: signal.signal(each, note) for each in SIGNALS}
    try:
        yield was_asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def is_in_job() -> bool:
    """Say whether a job of a cluster runs this process: its script names the file."""
    return bool(os.environ.get(STOP_FILE_VARIABLE))


def acknowledge() -> None:
    """Say beside the file that the work was saved, for exit codes get lost between launchers of several machines."""
    if name := os.environ.get(STOP_FILE_VARIABLE, ""):
        with suppress(OSError):  # a full disk: the job then counts as failed, which is safe
            Path(f"{name}{SAVED_SUFFIX}").touch()


def _watching_file(asked: threading.Event) -> ShouldStop:
    """Look for the file once a second at most, for work asks after every step."""
    name = os.environ.get(STOP_FILE_VARIABLE, "")
    if not name:
        return asked.is_set
    path, next_look = Path(name), 0.0

    def ask() -> bool:
        nonlocal next_look
        now = time.monotonic()
        if not asked.is_set() and now >= next_look:
            next_look = now + _LOOK_SECONDS
            if path.exists():
                asked.set()
        return asked.is_set()

    return ask


def require_going_on(should_stop: ShouldStop) -> None:
    """Raise Stopped if the process was asked to stop; for work whose steps are simply done again."""
    if should_stop():
        raise Stopped("the run was asked to stop; finished steps are kept.", remedy="Start the run again to go on.")
