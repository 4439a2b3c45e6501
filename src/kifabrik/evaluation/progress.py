"""What the suite tells while it works. Knows no file and no screen."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the suite is: share done (0 to 1), the seconds it expects to need still, and the test at work."""

    done: float
    seconds_left: float | None = None
    message: str = ""


Report = Callable[[Progress], None]


def discard(_: Progress) -> None:
    """Listen to nothing."""
