"""Appends to a run folder's `events.jsonl`, and reads it back. Knows one file and one listener, not what happens.

Lines are written in one piece and numbered from 1. A kill can tear the last line only; the next start cuts it off.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from kifabrik.core import files
from kifabrik.records.run_event import EventKind, Metric, RunEvent

Clock = Callable[[], datetime]
Listen = Callable[[RunEvent], None]


def utc_text(moment: datetime) -> str:
    """Write a moment as UTC in ISO 8601, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class EventLog:
    """The one writer of an events file; the run's lease makes sure that there is no second one."""

    def __init__(self, path: Path, *, now: Clock, listen: Listen | None = None) -> None:
        self._path = path
        self._now = now
        self._listen = listen
        self._sequence = _repair(path)

    def write(
        self,
        *,
        kind: EventKind,
        step: str = "",
        done: float | None = None,
        seconds_left: float | None = None,
        values: Mapping[str, float] | None = None,
        training_step: int = 0,
        message: str = "",
    ) -> RunEvent:
        """Append one event and hand it to the listener; raises Unavailable if the disk is full."""
        metrics = tuple(Metric(name=name, value=value, step=training_step) for name, value in (values or {}).items())
        event = RunEvent(
            sequence=self._sequence + 1,
            at=utc_text(self._now()),
            kind=kind,
            step=step,
            done=done,
            seconds_left=seconds_left,
            metrics=metrics,
            message=message,
        )
        files.append_line(self._path, event.as_json())
        self._sequence = event.sequence
        if self._listen:
            self._listen(event)
        return event


def read(path: Path, *, after: int = 0) -> Iterator[RunEvent]:
    """Yield the whole events after a sequence number; a line that is being written is left for later."""
    for line in files.read_whole_lines(path)[0]:
        event = RunEvent.model_validate_json(line)
        if event.sequence > after:
            yield event


def _repair(path: Path) -> int:
    """Cut a torn last line off and give the last sequence number, 0 if there is none."""
    lines, whole_bytes = files.read_whole_lines(path)
    if path.exists() and path.stat().st_size > whole_bytes:
        with files.explain_disk_errors(path), path.open("r+b") as stream:
            stream.truncate(whole_bytes)
    return RunEvent.model_validate_json(lines[-1]).sequence if lines else 0


def active_seconds(path: Path) -> float:
    """Add up the time of all attempts: from each attempt's first event to its last; waits between them do not count."""
    total, begun, last = 0.0, None, None
    for event in read(path):
        at = datetime.fromisoformat(event.at)
        if event.kind is EventKind.ATTEMPT:
            total += (last - begun).total_seconds() if begun and last else 0.0
            begun = at
        last = at
    return total + ((last - begun).total_seconds() if begun and last else 0.0)
