"""Turns SIGTERM, SIGUSR1 and Ctrl-C into a question that work asks at a safe moment. Knows signals, not work."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kifabrik.training.stopping import ShouldStop, Stopped

# A cluster sends the first on cancel and the second before its time limit; the third is Ctrl-C.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


@contextmanager
def listen() -> Iterator[ShouldStop]:
    """Give a function that says whether the process was asked to stop; restores the old handlers at the end.

    A second Ctrl-C interrupts at once.
    """
    asked = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        asked.set()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # Python delivers signals to the main thread only
        return
    before = {each: signal.signal(each, note) for each in SIGNALS}
    try:
        yield asked.is_set
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def require_going_on(should_stop: ShouldStop) -> None:
    """Raise Stopped if the process was asked to stop; for work whose steps are simply done again."""
    if should_stop():
        raise Stopped("the run was asked to stop; finished steps are kept.", remedy="Start the run again to go on.")
