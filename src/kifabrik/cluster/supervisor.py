"""The process that watches one local job: `python -m kifabrik.cluster.supervisor JOBFOLDER`. Knows no run, no portal.

It outlives whoever submitted the job, starts the command in a process group of its own, holds it to its time limit,
measures it, and writes down how it ended. The executor gives it the job's lock as file number 3; the kernel frees the
lock when the supervisor dies, and kills the command with it. Standard library and psutil, for a fast start.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

import psutil

from kifabrik.cluster import processes
from kifabrik.cluster.job_folder import NOTHING_CONSUMED, Beat, Ended, JobFolder, Started, log_path, moment
from kifabrik.cluster.jobs import JobState
from kifabrik.core.errors import Unavailable
from kifabrik.core.quantities import format_duration

HELD_LOCK = 3
TICK_SECONDS = 0.1
SAMPLE_SECONDS = 0.5
BEAT_SECONDS = 2.0
_CANNOT_START = 127


class Sampler:
    """Adds up time, CPU seconds and memory of a process and all below it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begin = time.monotonic()
        self._cpu_seconds: dict[tuple[int, float], float] = {}
        self._peak_memory_bytes = 0

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._begin

    def look(self) -> Beat:
        """Measure now. CPU seconds of a process that ended count as last seen; memory is the sum of resident sizes."""
        memory_bytes = 0
        for process in self.family():
            with suppress(psutil.Error), process.oneshot():
                times, name = process.cpu_times(), (process.pid, process.create_time())
                self._cpu_seconds[name] = times.user + times.system
                memory_bytes += process.memory_info().rss
        self._peak_memory_bytes = max(self._peak_memory_bytes, memory_bytes)
        return self._beat(sum(self._cpu_seconds.values()))

    def last(self) -> Beat:
        """Measure after the end: the kernel's own account of all that was waited for, where it says more."""
        account = resource.getrusage(resource.RUSAGE_CHILDREN)
        unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in kibibytes everywhere but there
        self._peak_memory_bytes = max(self._peak_memory_bytes, account.ru_maxrss * unit)
        return self._beat(max(account.ru_utime + account.ru_stime, sum(self._cpu_seconds.values())))

    def family(self) -> list[psutil.Process]:
        """List the process, all below it, and what the supervisor adopted from it."""
        own = psutil.Process()
        with suppress(psutil.Error):
            return list(own.children(recursive=True))
        return []

    def _beat(self, cpu_seconds: float) -> Beat:
        return Beat(
            at=moment(),
            elapsed_seconds=round(self.elapsed_seconds, 3),
            cpu_seconds=round(cpu_seconds, 3),
            peak_memory_bytes=self._peak_memory_bytes,
        )


class Supervisor:
    """Runs one job from its claim to its end."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._spec = folder.read_claim().spec
        self._told_to_stop = False
        self._ending: tuple[JobState, str] | None = None
        self._kill_at = 0.0

    def run(self) -> None:
        """Start the command, watch it, record the end; a job that ended or was cancelled before is not started."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if self._folder.read_ended() is not None:
            return
        if self._folder.is_cancelled():
            self._record(JobState.CANCELLED, None, "cancelled before it started", NOTHING_CONSUMED)
            return
        self._folder.write_intent()
        processes.adopt_orphans()
        try:
            command = self._start()
        except OSError as error:
            reason = f"the command could not be started: {error.strerror or error}"
            self._record(JobState.FAILED, _CANNOT_START, reason, replace(NOTHING_CONSUMED, at=moment()))
            return
        sampler = Sampler(command.pid)
        self._note_start(command.pid)
        self._watch(command.pid, sampler)
        self._finish(command, sampler)

    def _hear_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True

    def _start(self) -> subprocess.Popen[bytes]:
        parent = os.getpid()
        path = log_path(self._spec)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            return subprocess.Popen(  # to run what it is given is its purpose; no shell is between
                self._spec.command,
                cwd=self._spec.folder,
                env={**os.environ, **self._spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: processes.die_with_parent(parent),  # noqa: PLW1509  # this process has one thread
            )

    def _note_start(self, pid: int) -> None:
        mark = processes.mark_of(pid) or processes.ProcessMark(pid, "over before it was looked at")
        try:
            self._folder.write_started(Started(mark=mark, at=moment()))
        except (Unavailable, OSError):
            processes.kill_group(mark)  # a command that nobody could find again must not run
            self._ending = JobState.KILLED, "its start could not be written down: the disk is full or gone"

    def _watch(self, pid: int, sampler: Sampler) -> None:
        next_sample = next_beat = 0.0
        while not _has_exited(pid):
            now = time.monotonic()
            if self._ending is None:
                self._ending = self._wish(sampler)
                if self._ending is not None:
                    self._kill_at = now + self._spec.grace_seconds
                    _signal_group(pid, signal.SIGTERM)
                    _signal_group(pid, signal.SIGCONT)
            elif now >= self._kill_at:
                _signal_group(pid, signal.SIGKILL)
            if now >= next_sample:
                beat = sampler.look()
                next_sample = now + SAMPLE_SECONDS
                if now >= next_beat and not self._is_forgotten():
                    with suppress(Unavailable, OSError):  # a full disk must not end the job; the next beat may fit
                        self._folder.write_beat(beat)
                    next_beat = now + BEAT_SECONDS
            time.sleep(TICK_SECONDS)

    def _wish(self, sampler: Sampler) -> tuple[JobState, str] | None:
        limit = self._spec.time_limit_seconds
        if self._folder.is_cancelled():
            return JobState.CANCELLED, "cancelled"
        if self._folder.is_interrupted():
            return JobState.KILLED, "stopped with this machine's services"
        if sampler.elapsed_seconds >= limit:
            return JobState.TIMED_OUT, f"it reached its time limit of {format_duration(limit)}"
        if self._told_to_stop:
            return JobState.KILLED, "the machine told its jobs to stop"
        if self._is_forgotten():
            return JobState.LOST, "its folder was removed"
        return None

    def _is_forgotten(self) -> bool:
        return not (self._folder.path / "job.json").exists()

    def _finish(self, command: subprocess.Popen[bytes], sampler: Sampler) -> None:
        _signal_group(command.pid, signal.SIGKILL)  # its number is still taken: it was not waited for yet
        exit_code = command.wait()
        _end_leftovers(sampler)
        state, reason = self._ending or _describe(exit_code)
        self._record(state, exit_code if exit_code >= 0 else 128 - exit_code, reason, sampler.last())

    def _record(self, state: JobState, exit_code: int | None, reason: str, consumed: Beat) -> None:
        ended = Ended(state=state, at=moment(), exit_code=exit_code, reason=reason, consumed=consumed)
        while not self._is_forgotten():
            try:
                self._folder.write_ended(ended)
            except (Unavailable, OSError):
                time.sleep(1)  # the disk is full: hold the job until the end can be kept, or usage would be lost
            else:
                return


def _has_exited(pid: int) -> bool:
    """Ask without waiting for it, so that its number stays taken until its group is gone."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _end_leftovers(sampler: Sampler) -> None:
    """Kill and wait for what left the process group, so that nothing of a job outlives it."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for process in sampler.family():
            with suppress(psutil.Error):
                process.kill()
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(TICK_SECONDS)
        except ChildProcessError:
            return


def _describe(exit_code: int) -> tuple[JobState, str]:
    if exit_code == 0:
        return JobState.SUCCEEDED, ""
    if exit_code == os.EX_TEMPFAIL:
        return JobState.KILLED, "it was told to stop, and saved what it had"
    if exit_code > 0:
        return JobState.FAILED, f"the command ended with exit code {exit_code}"
    names = {number.value: number.name for number in signal.Signals}
    return JobState.KILLED, f"a signal ended it from outside: {names.get(-exit_code, -exit_code)}"


def main(arguments: list[str]) -> int:
    """Watch the job of the given folder; the lock must come along as file number 3."""
    try:
        os.set_inheritable(HELD_LOCK, False)  # noqa: FBT003  # takes no keyword
    except OSError:
        sys.stderr.write("This is started by the local executor, with the job's lock in hand.\n")
        return 2
    Supervisor(JobFolder(Path(arguments[0]))).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
