"""The loop of the site agent: pull what should be, make it so, report what is. Outbound only; no database of its own.

Knows when to look and when to wait; `tending.py` knows what a run needs.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from kifabrik.cluster.executor import Executor
from kifabrik.cluster.jobs import ENDED
from kifabrik.core import files
from kifabrik.core.errors import Conflict, KifabrikError, Refused, Unavailable
from kifabrik.core.findings import Finding, Severity
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import Desired, DesiredRun, read_desired
from kifabrik.site.notices import Notices
from kifabrik.site.pruning import Pruning
from kifabrik.site.tending import Command, Jobs, Preparing, Tending, walk_command

BUSY_SECONDS = 1.5
IDLE_SECONDS = 4.0
PAUSE_SECONDS_MAX = 60.0
SAID_AGAIN_ROUNDS = 60  # a trouble that stays is said once an hour
_DUTY = "the cluster's accounts and accounting"
_PRUNING = "the home folder"
_ELSEWHERE = "another site agent works for this cluster with the same prefix of accounts, in another home folder."

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


class Duty(Protocol):
    """What a site needs beside its runs, on a cluster that has accounts."""

    @property
    def allocations_known(self) -> str:
        """Name the state of the allocations that is known."""
        ...

    def attend(self, desired: Desired) -> tuple[str, ...]:
        """Do what is due and say what was done; raises errors of portal and cluster."""
        ...


class Agent:
    """One agent for one home folder. Raises Conflict if another agent works there already.

    A rehearsal holds no lock: it changes nothing, so it may look over the shoulder of the agent that works.
    """

    def __init__(
        self,
        client: PortalClient,
        executor: Executor,
        home: Path,
        now: Callable[[], datetime],
        *,
        command: Command = walk_command,
        clock: Callable[[], float] = time.monotonic,
        duty: Duty | None = None,
        pruning: Pruning | None = None,
        notices: Notices | None = None,
        find_account: Callable[[str], str | None] = str,
        staging: Preparing | None = None,
        locks: Sequence[Path] = (),
        is_rehearsal: bool = False,
        renew_token: Callable[[], None] | None = None,
    ) -> None:
        home = home.absolute()
        self._locks: list[int] = []
        if not is_rehearsal:
            self._hold_all([home / "agent.lock", *locks])
        self._client = client
        self._executor = executor
        self._duty = duty
        self._pruning = pruning
        self._notices = notices or Notices(client, clock=clock)
        self._tending = Tending(
            client=client,
            executor=executor,
            home=home,
            now=now,
            command=command,
            notices=self._notices,
            staging=staging,
            find_account=find_account,
            clock=clock,
        )
        self._clock = clock
        self._renew_token = renew_token
        self._troubles: dict[str, Finding] = {}
        self._patience: dict[str, _Patience] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let another agent have the home folder; jobs go on."""
        while self._locks:
            os.close(self._locks.pop())

    def _hold_all(self, paths: Iterable[Path]) -> None:
        try:
            for path in paths:
                self._locks.append(_hold(path))
        except BaseException:
            self.close()
            raise

    def step(self) -> StepReport:
        """Do one round. Raises Unavailable or Refused if the portal cannot be asked at all."""
        known = {"allocations_known": self._duty.allocations_known} if self._duty else {}
        desired = read_desired(self._client.get("/site/desired", **known))
        deeds: list[str] = []
        troubles: list[str] = []
        if self._duty is not None:  # first, because a job needs its account
            duty = self._duty
            self._try(_DUTY, lambda: duty.attend(desired), deeds, troubles)
        jobs = self._look(desired)
        for run in desired.runs:
            self._try(run.id, lambda run=run: self._tending.tend(run, jobs[run.id]), deeds, troubles)  # type: ignore[misc]
        self._tending.forget_all_but(set(jobs))
        if self._pruning is not None:  # last, because all that is needed was fetched by then
            pruning = self._pruning
            self._try(_PRUNING, lambda: pruning.attend(desired), deeds, troubles)
        self._forget_old_troubles(desired.runs)
        self._notices.post(at=desired.now)
        alive = sum(job.state not in ENDED for attempts in jobs.values() for job in attempts.values())
        return StepReport(runs=len(desired.runs), alive=alive, deeds=tuple(deeds), troubles=tuple(troubles))

    def loop(self, stop: threading.Event) -> None:
        """Do rounds until told to stop; a portal that is away for hours only makes the pauses longer."""
        silent_rounds = 0
        said = ""
        while not stop.is_set():
            try:
                report = self.step()
            except KifabrikError as error:
                silent_rounds += 1
                if str(error) != said or silent_rounds % SAID_AGAIN_ROUNDS == 0:
                    log.warning("portal trouble code=%s rounds=%s %s", error.code, silent_rounds, _explain(error))
                said = str(error)
                self._keep_jobs_moving()
                stop.wait(PAUSE_SECONDS_MAX if isinstance(error, Refused) else _pause_seconds(silent_rounds))
                self._take_new_token()
            else:
                if silent_rounds:
                    log.info("portal answers again after rounds=%s", silent_rounds)
                silent_rounds, said = 0, ""
                stop.wait(BUSY_SECONDS if report.alive or report.deeds else IDLE_SECONDS)

    def _try(self, about: str, action: Callable[[], tuple[str, ...]], deeds: list[str], troubles: list[str]) -> None:
        """Do one thing of a round; its trouble holds up nothing else, and it is left alone for a while."""
        if self._is_left_alone(about):
            return
        try:
            done = action()
        except (KifabrikError, OSError) as raised:
            error = _as_trouble(raised)
            if isinstance(error, Unavailable) and error.code == "portal-silent":
                raise error from raised
            troubles.append(f"{about}: {error}")
            self._be_patient(about)
            self._troubles[about] = Finding("site.trouble", Severity.SERIOUS, error.message, about, error.remedy)
            log.warning("about=%s trouble code=%s %s", about, error.code, error)
        else:
            self._patience.pop(about, None)
            self._troubles.pop(about, None)
            deeds.extend(f"{about}: {deed}" for deed in done)
            for deed in done:
                log.info("about=%s %s", about, deed)

    def _forget_old_troubles(self, runs: Iterable[DesiredRun]) -> None:
        """A run that is no longer wanted troubles nobody."""
        wanted = {_DUTY, _PRUNING, *(run.id for run in runs)}
        self._troubles = {about: finding for about, finding in self._troubles.items() if about in wanted}
        self._notices.replace("troubles", self._troubles.values())

    def _look(self, desired: Desired) -> Mapping[str, Jobs]:
        """Ask the cluster once for all jobs of all wanted runs."""
        refs = {run.id: self._tending.find_jobs(run) for run in desired.runs}
        reports = self._executor.poll([ref for attempts in refs.values() for ref in attempts.values()])
        return {run: {number: reports[ref] for number, ref in attempts.items()} for run, attempts in refs.items()}

    def _take_new_token(self) -> None:
        """Read the token again: the operator may have replaced one that had expired."""
        if self._renew_token is not None:
            with suppress(KifabrikError, OSError):  # what is wrong with it was said at the start, and is said by doctor
                self._renew_token()

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


def _as_trouble(error: KifabrikError | OSError) -> KifabrikError:
    """Put an error of the disk into one sentence; an error of the house is one already."""
    if isinstance(error, KifabrikError):
        return error
    path = Path(str(error.filename or ""))
    return files.describe_disk_error(error, path) or Unavailable(
        f"{error.strerror or error}.", where=str(path), remedy="Look at that place on the site's disk.", code="disk"
    )


def _explain(error: KifabrikError) -> str:
    """Say what an operator has to do about a token that is no longer accepted."""
    if isinstance(error, Refused):
        return (
            "The portal refuses this agent's token: it is wrong, revoked or expired, or another site's. Make a new one "
            "on the site's page of the portal and put it into the token file; the agent takes it from there within a "
            f"minute. Jobs go on. ({error})"
        )
    return str(error)


def _pause_seconds(times: int) -> float:
    return min(PAUSE_SECONDS_MAX, 2.0 ** min(times, 10))


def _hold(path: Path) -> int:
    """Hold a lock; the kernel lets go when the agent dies, however it dies."""
    with files.explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        where = str(path.parent) if path.name == "agent.lock" else str(path)
        message = "another site agent works in this folder." if path.name == "agent.lock" else _ELSEWHERE
        raise Conflict(message, where=where, remedy="Stop it first.") from error
    return handle
