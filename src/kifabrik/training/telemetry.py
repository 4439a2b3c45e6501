"""What a training phase tells its surroundings while it works. Knows no file and no screen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is: share done (0 to 1), and the seconds it expects to need still."""

    done: float
    seconds_left: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of one training step: name with its unit last -> value."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sampled:
    """Text that the model wrote, for people."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint is on disk and a new start would go on from it."""

    step: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know and that does not stop the work."""

    message: str


Telemetry = Progress | Measured | Sampled | Saved | Warned
Report = Callable[[Telemetry], None]


def discard(_: Telemetry) -> None:
    """Listen to nothing."""
