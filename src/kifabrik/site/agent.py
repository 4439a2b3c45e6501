"""The loop of the site agent: pull what should be, make it so, report what is. Outbound only; no database of its own.

Knows when to look and when to wait; `tending.py` knows what a run needs.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from kifabrik.cluster.executor import Executor
from kifabrik.cluster.jobs import ENDED
from kifabrik.core import files
from kifabrik.core.errors import Conflict, KifabrikError, Unavailable
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import Desired, read_desired
from kifabrik.site.tending import Command, Jobs, Tending, walk_command

BUSY_SECONDS = 1.5
IDLE_SECONDS = 4.0
PAUSE_SECONDS_MAX = 60.0

log = logging.getLogger("kifabrik.site")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What one round saw and did; `troubles` are sentences, one for each run that could not be moved on."""

    runs: int
    alive: int
    deeds: tuple[str, ...]
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Patience:
    """A run in trouble is left alone for a while, longer each time."""

    times: int
    until: float


class Agent:
    """One agent for one home folder. Raises Conflict if another agent works there already."""

    def __init__(
        self,
        client: PortalClient,
        executor: Executor,
        home: Path,
        now: Callable[[], datetime],
        *,
        command: Command = walk_command,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        home = home.absolute()
        self._lock = _hold(home)
        self._client = client
        self._executor = executor
        self._tending = Tending(client=client, executor=executor, home=home, now=now, command=command)
        self._clock = clock
        self._patience: dict[str, _Patience] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let another agent have the home folder; jobs go on."""
        os.close(self._lock)

    def step(self) -> StepReport:
        """Do one round. Raises Unavailable or Refused if the portal cannot be asked at all."""
        desired = read_desired(self._client.get("/site/desired"))
        jobs = self._look(desired)
        deeds: list[str] = []
        troubles: list[str] = []
        for run in desired.runs:
            if self._is_left_alone(run.id):
                continue
            try:
                done = self._tending.tend(run, jobs[run.id])
            except KifabrikError as error:
                if isinstance(error, Unavailable) and error.code == "portal-silent":
                    raise
                troubles.append(f"{run.id}: {error}")
                self._be_patient(run.id)
                log.warning("run=%s trouble code=%s %s", run.id, error.code, error)
            else:
                self._patience.pop(run.id, None)
                deeds.extend(f"{run.id}: {deed}" for deed in done)
                for deed in done:
                    log.info("run=%s %s", run.id, deed)
        self._tending.forget_all_but(set(jobs))
        alive = sum(job.state not in ENDED for attempts in jobs.values() for job in attempts.values())
        return StepReport(runs=len(desired.runs), alive=alive, deeds=tuple(deeds), troubles=tuple(troubles))

    def loop(self, stop: threading.Event) -> None:
        """Do rounds until told to stop; a portal that is away for hours only makes the pauses longer."""
        silent_rounds = 0
        while not stop.is_set():
            try:
                report = self.step()
            except KifabrikError as error:
                silent_rounds += 1
                log.warning("portal trouble code=%s rounds=%s %s", error.code, silent_rounds, error)
                self._keep_jobs_moving()
                stop.wait(_pause_seconds(silent_rounds))
            else:
                if silent_rounds:
                    log.info("portal answers again after rounds=%s", silent_rounds)
                silent_rounds = 0
                stop.wait(BUSY_SECONDS if report.alive or report.deeds else IDLE_SECONDS)

    def _look(self, desired: Desired) -> Mapping[str, Jobs]:
        """Ask the cluster once for all jobs of all wanted runs."""
        refs = {run.id: self._tending.find_jobs(run) for run in desired.runs}
        reports = self._executor.poll([ref for attempts in refs.values() for ref in attempts.values()])
        return {run: {number: reports[ref] for number, ref in attempts.items()} for run, attempts in refs.items()}

    def _keep_jobs_moving(self) -> None:
        try:
            self._executor.poll(())
        except KifabrikError as error:
            log.warning("cluster trouble code=%s %s", error.code, error)

    def _is_left_alone(self, run_id: str) -> bool:
        patience = self._patience.get(run_id)
        return patience is not None and self._clock() < patience.until

    def _be_patient(self, run_id: str) -> None:
        known = self._patience.get(run_id)
        times = known.times + 1 if known else 1
        self._patience[run_id] = _Patience(times, self._clock() + _pause_seconds(times))


def _pause_seconds(times: int) -> float:
    return min(PAUSE_SECONDS_MAX, 2.0 ** min(times, 10))


def _hold(home: Path) -> int:
    """Hold the home folder; the kernel lets go when the agent dies, however it dies."""
    with files.explain_disk_errors(home):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(home / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        message = "another site agent works in this folder."
        raise Conflict(message, where=str(home), remedy="Stop it first, or choose another --home.") from error
    return handle
