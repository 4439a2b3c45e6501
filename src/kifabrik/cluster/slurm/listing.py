"""Asks queue and accounting for many jobs in one command each, and reads the rows. Knows no meaning of states.

A job is a number; the tasks of a job array have numbers of their own and share the array's. Moments are seconds since
1970, 0 where there is none.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kifabrik.cluster.slurm.accounting import count_tres, make_separator, split_records
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.naming import Mark, read_mark

HISTORY_SECONDS = 60 * 86_400
_QUEUE_FORMAT = "%A|%F|%T|%V|%S|%e|%r|%j|%k"  # what may hold the separator comes last
_QUEUE_FIELDS = 8
_PAST_FIELDS = (
    *("JobIDRaw", "JobID", "State", "ExitCode", "Submit", "Start", "End", "ElapsedRaw", "TimelimitRaw"),
    *("AllocTRES", "TotalCPU", "MaxRSS", "JobName", "Comment", "Cluster"),  # users cannot write the last one
)
_IDS_A_CALL = 500


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job or a task as the controller knows it; jobs that ended stay there for some minutes."""

    number: str
    job_id: str  # the array's number for a task
    state: str
    submitted: int
    started: int
    ends: int
    reason: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class PastJob:
    """One start of a job, a task or a step as accounting knows it; steps have a point in their number."""

    number: str
    job_id: str
    state: str
    exit_code: int
    signal: int
    submitted: int
    started: int
    ended: int
    elapsed_seconds: int
    limit_minutes: int
    devices: int
    cpu_seconds: float
    peak_memory_bytes: int
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A job of ours that was seen somewhere: enough to find it again."""

    job_id: str
    submitted_at: str


class Listing:
    """What queue and accounting say of one user's jobs; the queue's answer is kept for those who can wait."""

    def __init__(self, slurm: Slurm, *, user: str, tres: str) -> None:
        self._slurm = slurm
        self._user = user
        self._tres = tres
        self._queue: dict[str, list[QueuedJob]] = {}
        self._queue_keys: dict[str, str] = {}
        self._queue_at = float("-inf")
        self._past: dict[str, Sighting] | None = None

    def queue(self, *, max_age_seconds: float = 0.0) -> Mapping[str, Sequence[QueuedJob]]:
        """Give the jobs that the controller knows by their number; an answer of that age is good enough."""
        if time.monotonic() - self._queue_at > max_age_seconds:
            asked_at = time.monotonic()
            options = ("--noheader", "--states=all", f"--user={self._user}", f"--format={_QUEUE_FORMAT}")
            queue: dict[str, list[QueuedJob]] = {}
            for job in read_queue(self._slurm.read("squeue", *options)):
                queue.setdefault(job.job_id, []).append(job)
            keys = {job.mark.key: job_id for job_id, jobs in queue.items() for job in jobs if job.mark}
            self._queue, self._queue_keys, self._queue_at = queue, keys, asked_at
        return self._queue

    def find_queued(self, key: str, *, max_age_seconds: float) -> Sighting | None:
        """Find a key in the queue."""
        queue = self.queue(max_age_seconds=max_age_seconds)
        job_id = self._queue_keys.get(key)
        return _sighting(queue[job_id]) if job_id else None

    def find_past(self, key: str, *, is_fresh: bool) -> Sighting | None:
        """Find a key in accounting: in an answer of now, or in the one of when this was first asked."""
        if is_fresh:
            return _read_sightings(self._ask_past(f"--name=kf-{key}", _history())).get(key)
        if self._past is None:
            self._past = _read_sightings(self._ask_past(_history()))
        return self._past.get(key)

    def past(self, job_ids: Iterable[str], *, with_steps: bool = False) -> dict[str, list[PastJob]]:
        """Ask accounting for jobs by number: all their starts, and the rows of their steps too if wanted."""
        wanted = sorted(set(job_ids))
        found: dict[str, list[PastJob]] = {job_id: [] for job_id in wanted}
        shape = ("--duplicates",) if with_steps else ("--duplicates", "--allocations")
        for at in range(0, len(wanted), _IDS_A_CALL):
            for job in self._ask_past(f"--jobs={','.join(wanted[at : at + _IDS_A_CALL])}", *shape):
                found.setdefault(job.job_id, []).append(job)
        return found

    def _ask_past(self, *options: str) -> Iterator[PastJob]:
        separator = make_separator()
        common = ("--noheader", "--parsable2", "--noconvert", f"--delimiter={separator}", f"--user={self._user}")
        shape = () if any(option.startswith("--jobs") for option in options) else ("--allocations", "--duplicates")
        lines = self._slurm.stream("sacct", *common, *shape, f"--format={','.join(_PAST_FIELDS)}", *options)
        for record in split_records(lines, separator=separator, fields=len(_PAST_FIELDS)):
            yield _read_past(record, tres=self._tres)


def read_queue(lines: Iterable[str]) -> Iterator[QueuedJob]:
    """Read squeue's rows; a row that a stranger's name tore apart is none of ours and left out."""
    for line in lines:
        words = line.split("|", _QUEUE_FIELDS - 1)
        if len(words) == _QUEUE_FIELDS and words[0].isdecimal():
            number, job_id, state, submitted, started, ends, reason, words_of_user = words
            name, _bar, comment = words_of_user.partition("|")
            moments = _seconds(submitted), _seconds(started), _seconds(ends)
            yield QueuedJob(number, job_id, state, *moments, reason, read_mark(name, comment))


def _read_past(record: Sequence[str], *, tres: str) -> PastJob:
    values = dict(zip(_PAST_FIELDS, record, strict=True))
    code, _colon, number = values["ExitCode"].partition(":")
    return PastJob(
        number=values["JobIDRaw"],
        job_id=values["JobID"].partition(".")[0].partition("_")[0].partition("+")[0],
        state=values["State"],
        exit_code=_whole(code),
        signal=_whole(number),
        submitted=_seconds(values["Submit"]),
        started=_seconds(values["Start"]),
        ended=_seconds(values["End"]),
        elapsed_seconds=_whole(values["ElapsedRaw"]),
        limit_minutes=_whole(values["TimelimitRaw"]),
        devices=count_tres(values["AllocTRES"], tres),
        cpu_seconds=read_duration(values["TotalCPU"]),
        peak_memory_bytes=read_size(values["MaxRSS"]),
        mark=read_mark(values["JobName"], values["Comment"]),
    )


def _read_sightings(jobs: Iterable[PastJob]) -> dict[str, Sighting]:
    """Take the newest job of each key."""
    newest: dict[str, PastJob] = {}
    for job in jobs:
        if job.mark and (job.mark.key not in newest or newest[job.mark.key].submitted <= job.submitted):
            newest[job.mark.key] = job
    return {key: _sighting([job]) for key, job in newest.items()}


def _sighting(jobs: Sequence[QueuedJob | PastJob]) -> Sighting:
    """Take the moment from the comment; a cluster that keeps none gives its own, which holds until a requeue."""
    first = min(jobs, key=lambda job: job.submitted)
    said = first.mark.submitted_at if first.mark else ""
    return Sighting(first.job_id, said or as_moment(first.submitted) or "")


def as_moment(seconds: int) -> str | None:
    """Write a moment as ISO 8601 in UTC; None where there is none."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds)) if seconds else None


def read_duration(text: str) -> float:
    """Read Slurm's `1-02:03:04` or `03:04.567` in seconds; 0.0 for anything else."""
    days, dash, rest = text.rpartition("-")
    try:
        total = 0.0
        for part in rest.split(":"):
            total = total * 60 + float(part)
        return total + 86_400 * int(days) if dash else total
    except ValueError:
        return 0.0


def read_size(text: str) -> int:
    """Read Slurm's `154320K` or `1.5G` in bytes; 0 for anything else."""
    factor = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}.get(text[-1:], 1)
    try:
        return int(float(text.rstrip("KMGTP")) * factor)
    except (ValueError, OverflowError):
        return 0


def _history() -> str:
    return f"--starttime=now-{HISTORY_SECONDS}"


def _seconds(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
