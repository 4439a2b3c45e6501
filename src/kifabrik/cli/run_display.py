"""Shows a run's events: bars with the time left on a terminal, plain lines elsewhere. Knows events, not a run."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from kifabrik.cli.terminal import console
from kifabrik.core.quantities import format_duration
from kifabrik.records.run_event import EventKind, RunEvent

PLAIN_SECONDS = 10.0  # between two plain lines of progress, so that a log file stays readable
_SHOWN = {"train_loss": "loss", "held_out_bits_per_byte": "held-out bits/byte", "tokens_per_second": "tokens/s"}


class RunDisplay:
    """A listener for run events; use it as a context manager."""

    def __init__(self) -> None:
        self._is_terminal = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]:>12}"),
            TextColumn("{task.fields[figures]}", style="dim"),
            console=console,
            disable=not self._is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._figures: dict[str, dict[str, float]] = {}
        self._told_at = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, event: RunEvent) -> None:
        """Show one event."""
        if event.metrics:
            values = {metric.name: metric.value for metric in event.metrics if metric.name in _SHOWN}
            self._figures.setdefault(event.step, {}).update(values)
        if event.kind is EventKind.SAMPLE:
            self._say(f"{event.step} writes: {_one_line(event.message)}", style="dim")
        elif event.kind is EventKind.WARNING:
            self._say(f"{event.step}: {event.message}", style="yellow")
        elif event.step and event.done is not None:
            self._progress(event, event.done)

    def _progress(self, event: RunEvent, done: float) -> None:
        left = "" if event.seconds_left is None or done >= 1 else f"{format_duration(event.seconds_left)} left"
        figures = self._describe(event.step)
        if self._is_terminal:
            task = self._tasks.get(event.step)
            if task is None:
                task = self._bars.add_task(event.step, total=1.0, left="", figures="")
                self._tasks[event.step] = task
            self._bars.update(task, completed=done, left=left, figures=figures)
        elif event.kind is not EventKind.PROGRESS or time.monotonic() - self._told_at >= PLAIN_SECONDS:
            self._told_at = time.monotonic()
            words = {EventKind.STEP_STARTED: "started", EventKind.STEP_ENDED: "done"}
            state = words.get(event.kind, f"{done:.0%}")
            self._say("  ".join(part for part in (f"{event.step}: {state}", left, figures) if part))

    def _describe(self, step: str) -> str:
        return ", ".join(f"{_SHOWN[name]} {value:.4g}" for name, value in self._figures.get(step, {}).items())

    def _say(self, text: str, *, style: str = "") -> None:
        console.print(Text(text, style=style))


def _one_line(text: str, *, characters: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[:characters]}…"
