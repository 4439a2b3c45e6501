"""Takes out of a site's home what no run needs any more: datasets, cached files, notes of jobs. Run folders stay.

What stays is what a run needs that the portal still wants looked after (it goes on, or its use or papers are not
reported), what belongs to a job in the queue, and what was used within the days that the profile says. Everything
that goes can be fetched from the portal again.
"""

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kifabrik.core.errors import InvalidInput
from kifabrik.core.quantities import format_bytes
from kifabrik.site.desired import Desired, DesiredRun
from kifabrik.site.staging import cached_files, dataset_folder, dataset_folders

DAY_SECONDS = 86_400.0
EVERY_SECONDS = DAY_SECONDS
PLACES = ("datasets", "files", "jobs", "runs")


class Notes(Protocol):
    """Who keeps notes of the jobs that were submitted, and can ask which of them live."""

    def alive_keys(self) -> Collection[str]:
        """Name the jobs that wait or run."""
        ...

    def old_notes(self, *, before: float, runs: Collection[str]) -> Sequence[Path]:
        """List the files about jobs that do not live, of other runs than those, unchanged since a moment."""
        ...


@dataclass(frozen=True, slots=True)
class Amount:
    """How much lies in one folder of a home; a file with several names is counted once."""

    place: str
    files: int
    size_bytes: int


class Pruning:
    """Looks once a day; with `say` it only says what it would remove."""

    def __init__(
        self,
        home: Path,
        *,
        keep_days: int,
        notes: Notes | None = None,
        say: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._keep_seconds = keep_days * DAY_SECONDS
        self._notes = notes
        self._say = say
        self._now = now
        self._clock = clock
        self._next_look = float("-inf")

    def attend(self, desired: Desired) -> tuple[str, ...]:
        """Do what is due and say what was done. Raises Unavailable when the cluster does not answer, or OSError."""
        if self._clock() < self._next_look:
            return ()
        before = self._now() - self._keep_seconds
        wanted = {run.id for run in desired.runs}
        alive = {key.rpartition(":")[0] for key in self._notes.alive_keys()} if self._notes else set()
        freed = 0
        if alive <= wanted:  # of a job whose run the portal does not name, nobody knows what it reads
            for paths in (
                _old_datasets(self._home, desired.runs, before),
                _old_files(self._home, desired.runs, before),
            ):
                freed += self._remove(paths)
        if self._notes:
            freed += self._remove(self._notes.old_notes(before=before, runs=wanted))
        self._next_look = self._clock() + EVERY_SECONDS
        return (f"removed {format_bytes(freed)} that no run needs any more",) if freed and not self._say else ()

    def _remove(self, paths: Iterable[Path]) -> int:
        freed = 0
        for path in paths:
            freed += sum(status.st_size for status in _look(path) if status.st_nlink == 1)
            if self._say:
                self._say(f"remove {path}")
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        return freed


def measure(home: Path) -> tuple[Amount, ...]:
    """Say how much lies in each folder of a home that grows."""
    seen: set[tuple[int, int]] = set()
    amounts = []
    for place in PLACES:
        named = {(status.st_dev, status.st_ino): status.st_size for status in _look(home / place)}
        found = {name: size_bytes for name, size_bytes in named.items() if name not in seen}
        seen.update(found)
        amounts.append(Amount(place, len(found), sum(found.values())))
    return tuple(amounts)


def _old_datasets(home: Path, runs: Sequence[DesiredRun], before: float) -> Iterator[Path]:
    needed = {dataset_folder(home, run.inputs) for run in runs if _is_safe(run)}
    yield from (path for path in dataset_folders(home) if path not in needed and path.stat().st_mtime < before)


def _old_files(home: Path, runs: Sequence[DesiredRun], before: float) -> Iterator[Path]:
    """Find cached files that no dataset folder shows and no run waits for; half received ones too."""
    needed = {entry.digest.removeprefix("sha256:") for run in runs for entry in run.inputs}
    for path in cached_files(home):
        status = path.stat()
        digest = path.name.removeprefix(".").removesuffix(".part")
        if status.st_nlink == 1 and status.st_mtime < before and digest not in needed:
            yield path


def _is_safe(run: DesiredRun) -> bool:
    try:
        dataset_folder(Path(), run.inputs)
    except InvalidInput:  # such a run is refused, so it has no folder
        return False
    return True


def _look(place: Path) -> Iterator[os.stat_result]:
    """Look at each file at a place; what vanishes meanwhile is left out."""
    walk = os.walk(place) if place.is_dir() else [("", [], [str(place)])]
    for folder, _folders, names in walk:
        for name in names:
            with suppress(FileNotFoundError):
                yield os.lstat(Path(folder) / name)
