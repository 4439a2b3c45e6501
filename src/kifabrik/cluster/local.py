"""Runs jobs on this machine as real separate processes; all state is files, so any process may ask at any time.

Knows jobs, not runs. A job belongs to whoever holds its lock: its supervisor while it lives, else whoever moves it on.
Jobs start in the order of submission as devices become free.
"""

import fcntl
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path
from threading import Lock
from time import monotonic, sleep, time_ns

from kifabrik.cluster import processes
from kifabrik.cluster.job_folder import (
    NOTHING_CONSUMED,
    Claim,
    Ended,
    JobFolder,
    folder_name,
    log_path,
    moment,
)
from kifabrik.cluster.jobs import JobRef, JobReport, JobSpec, JobState, check_spec
from kifabrik.cluster.supervisor import HELD_LOCK
from kifabrik.core import files
from kifabrik.core.errors import NotFound
from kifabrik.records.usage_record import UsageRecord

CLUSTER = "local"


class LocalExecutor:
    """An Executor for one machine with `devices` devices; any number of them may share one state folder."""

    def __init__(self, state_folder: Path, *, devices: int = 1) -> None:
        self._jobs = state_folder.absolute() / "jobs"
        self._devices = devices
        self._claims: dict[str, Claim] = {}  # a claim never changes
        self._over: set[str] = set()  # nor does an end
        self._children: set[int] = set()
        self._one_thread = Lock()
        with files.explain_disk_errors(state_folder):
            self._jobs.mkdir(parents=True, exist_ok=True)

    def submit(self, job: JobSpec) -> JobRef:
        """Claim the key, then start what may start. Raises InvalidInput for a job that can never run here."""
        check_spec(job, devices_max=self._devices)
        folder = JobFolder.claim(self._jobs, Claim(spec=job, submitted_at=moment(), order=time_ns()))
        self._claims.pop(folder.path.name, None)  # should somebody have emptied the state folder meanwhile
        self._over.discard(folder.path.name)
        self._move_on()
        return self._ref(folder)

    def find(self, key: str) -> JobRef | None:
        """Find the job of a key, or None if there never was one in this state folder."""
        folder = JobFolder(self._jobs / folder_name(key))
        return self._ref(folder) if (folder.path / "job.json").exists() else None

    def poll(self, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
        """Start waiting jobs, notice dead supervisors, and say where the given jobs stand."""
        self._move_on()
        return {ref: self._report(ref) for ref in refs}

    def cancel(self, ref: JobRef) -> None:
        """Ask for the end: SIGTERM, a time of grace, SIGKILL to all its processes. A waiting job ends at once."""
        folder = self._folder(ref)
        if folder.read_ended() is None:
            folder.write_cancel()
            self._move_on()

    def interrupt(self, *, wait_seconds: float = 15.0) -> int:
        """Ask all running jobs to save and stop, as before a shutdown, and wait for it; returns how many there were.

        They end as KILLED, so that whoever submitted them starts another attempt when it is back.
        """
        running = [folder for folder in self._unfinished() if folder.read_started() is not None]
        for folder in running:
            folder.write_interrupt()
        limit = monotonic() + wait_seconds
        while any(folder.read_ended() is None for folder in running) and monotonic() < limit:
            sleep(0.1)
        return len(running)

    def usage(self, ref: JobRef) -> UsageRecord:
        """Say what a job consumed: devices x elapsed seconds, rounded up once. Raises NotFound."""
        folder = self._folder(ref)
        claim, started, ended = self._claim(folder), folder.read_started(), folder.read_ended()
        consumed = ended.consumed if ended else folder.read_beat()
        return UsageRecord(
            key=claim.spec.key,
            run_id=claim.spec.run_id,
            attempt=claim.spec.attempt,
            cluster=CLUSTER,
            job_id=folder.path.name,
            submitted_at=claim.submitted_at,
            started_at=started.at if started else None,
            ended_at=ended.at if ended else None,
            devices=claim.spec.devices,
            gpu_seconds=ceil(claim.spec.devices * consumed.elapsed_seconds),
            cpu_seconds=consumed.cpu_seconds,
            peak_memory_bytes=consumed.peak_memory_bytes,
            exit_code=ended.exit_code if ended else None,
            source="local-executor",
        )

    def _report(self, ref: JobRef) -> JobReport:
        try:
            folder = self._folder(ref)
        except NotFound:
            return JobReport(ref=ref, state=JobState.LOST, reason="there is no record of this job any more")
        started, ended = folder.read_started(), folder.read_ended()
        state = ended.state if ended else JobState.RUNNING if started else JobState.WAITING
        return JobReport(
            ref=ref,
            state=state,
            started_at=started.at if started else None,
            ended_at=ended.at if ended else None,
            exit_code=ended.exit_code if ended else None,
            reason=ended.reason if ended else "",
            log_path=log_path(self._claim(folder).spec),
        )

    def _move_on(self) -> None:
        """Go through the jobs that did not end, oldest first: end the orphaned, start what fits."""
        with self._one_at_a_time():
            self._reap()
            folders = self._unfinished()
            free = self._devices
            waiting: list[JobFolder] = []
            for folder in folders:
                held = folder.lock()
                if held is None:
                    free -= self._claim(folder).spec.devices
                    continue
                try:
                    if not self._end_if_over(folder):
                        waiting.append(folder)
                finally:
                    os.close(held)
            for folder in waiting:
                free -= self._claim(folder).spec.devices
                if free < 0:
                    break  # strictly in order, so that a large job is not overtaken for ever
                self._start(folder)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Let one thread of one process hand out devices; the kernel frees the lock of a killed one."""
        with self._one_thread, files.explain_disk_errors(self._jobs):
            handle = os.open(self._jobs.parent / "devices.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    def _unfinished(self) -> list[JobFolder]:
        found = []
        for entry in os.scandir(self._jobs):
            if entry.name.startswith(".") or entry.name in self._over:
                continue
            folder = JobFolder(Path(entry.path))
            if folder.read_ended() is not None:
                self._over.add(entry.name)
            elif (folder.path / "job.json").exists():
                found.append(folder)
        return sorted(found, key=lambda folder: (self._claim(folder).order, folder.path.name))

    def _end_if_over(self, folder: JobFolder) -> bool:
        """Write the end of a job that nobody holds, if it began or was cancelled; the caller holds its lock."""
        if folder.read_ended() is not None:
            return True
        if folder.is_intended():
            folder.write_ended(_lost(folder))
            return True
        if folder.is_cancelled():
            reason = "cancelled before it started"
            at = moment()
            folder.write_ended(
                Ended(state=JobState.CANCELLED, at=at, exit_code=None, reason=reason, consumed=NOTHING_CONSUMED)
            )
            return True
        return False

    def _start(self, folder: JobFolder) -> None:
        """Start a supervisor and hand it the lock, so that at no moment the job is nobody's."""
        held = folder.lock()
        if held is None:
            return
        log = os.open(folder.path / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._children.add(
                os.posix_spawn(
                    sys.executable,
                    [sys.executable, "-m", "kifabrik.cluster.supervisor", str(folder.path)],
                    _environment_without_secrets(),
                    file_actions=[
                        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                        (os.POSIX_SPAWN_DUP2, log, 1),
                        (os.POSIX_SPAWN_DUP2, log, 2),
                        (os.POSIX_SPAWN_DUP2, held, HELD_LOCK),
                    ],
                    setsid=True,
                )
            )
        finally:
            os.close(log)
            os.close(held)

    def _reap(self) -> None:
        """Wait for ended supervisors of ours, so that they do not stay as zombies."""
        for pid in tuple(self._children):
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._children.discard(pid)

    def _folder(self, ref: JobRef) -> JobFolder:
        folder = JobFolder(self._jobs / folder_name(ref.key))
        if not (folder.path / "job.json").exists() or self._ref(folder) != ref:
            raise NotFound("this machine has no such job.", where=ref.key)
        return folder

    def _claim(self, folder: JobFolder) -> Claim:
        claim = self._claims.get(folder.path.name)
        if claim is None:
            claim = self._claims[folder.path.name] = folder.read_claim()
        return claim

    def _ref(self, folder: JobFolder) -> JobRef:
        claim = self._claim(folder)
        return JobRef(cluster=CLUSTER, job_id=folder.path.name, submitted_at=claim.submitted_at, key=claim.spec.key)


def _lost(folder: JobFolder) -> Ended:
    """Judge a job whose supervisor died: end what is left of it; it consumed what was measured last."""
    started, beat = folder.read_started(), folder.read_beat()
    if started is not None:
        processes.kill_group(started.mark)
    at = beat.at or (started.at if started else moment())
    return Ended(
        state=JobState.LOST, at=at, exit_code=None, reason="the process that watched it is gone", consumed=beat
    )


def _environment_without_secrets() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("KIFABRIK_")}
