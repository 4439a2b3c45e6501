"""The words of a cluster: what a job is, how it is named, where it stands. Standard library only, for a fast start.

Knows no scheduler: the local executor and Slurm both speak these shapes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kifabrik.core.errors import InvalidInput

KEY_PATTERN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}:[1-9][0-9]{0,5}$")
GRACE_SECONDS = 10


class JobState(StrEnum):
    """Where a job stands; all but the first two are final and never change again."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the command ended by itself with another exit code than 0
    CANCELLED = "cancelled"  # somebody asked us to end it
    TIMED_OUT = "timed-out"  # it reached its time limit
    KILLED = "killed"  # a signal that we did not send: out of memory, machine going down, kill -9
    LOST = "lost"  # whoever watched it is gone, and nobody can say how it ended


ENDED = frozenset(JobState) - {JobState.WAITING, JobState.RUNNING}
DESERVES_ANOTHER_ATTEMPT = frozenset({JobState.KILLED, JobState.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job to run. `key` is `<run>:<attempt>`: the same key twice is the same job, whatever else is asked.

    `environment` is added to the environment of the executor, from which every `KIFABRIK_` variable is taken first, so
    that no secret of the agent reaches a job. `grace_seconds` lie between SIGTERM and SIGKILL. `devices` counts all
    nodes together; `account` is the cluster account that pays, where a cluster has accounts. With more than one node,
    or more than one process a node, the command is a Python module (`python -m ...`) that torchrun starts everywhere.
    """

    key: str
    run_id: str
    attempt: int
    command: tuple[str, ...]
    folder: Path
    devices: int
    time_limit_seconds: int
    environment: Mapping[str, str] = field(default_factory=dict)
    grace_seconds: int = GRACE_SECONDS
    nodes: int = 1
    processes_per_node: int = 1
    account: str = ""


@dataclass(frozen=True, slots=True)
class JobRef:
    """The identity of a job: all four fields, because schedulers hand out a job number twice."""

    cluster: str
    job_id: str
    submitted_at: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """What is known of a job now; `exit_code` is 128 + signal number when a signal ended it. Moments are UTC."""

    ref: JobRef
    state: JobState
    started_at: str | None = None
    ended_at: str | None = None
    exit_code: int | None = None
    reason: str = ""
    log_path: Path | None = None


def check_spec(spec: JobSpec, *, devices_max: int) -> None:
    """Raise InvalidInput if a job can never run on a cluster with `devices_max` devices."""
    if not KEY_PATTERN.match(spec.key) or spec.key != f"{spec.run_id}:{spec.attempt}":
        raise InvalidInput("a job's key must be '<run>:<attempt>' of its own run and attempt.", where=spec.key)
    if not spec.command:
        raise InvalidInput("the job has no command.", where=spec.key)
    if spec.time_limit_seconds < 1:
        raise InvalidInput("the time limit must be at least one second.", where=spec.key)
    if not 1 <= spec.devices <= devices_max:
        raise InvalidInput(
            f"the job asks for {spec.devices} devices and this cluster has {devices_max}.",
            where=spec.key,
            remedy=f"Ask for 1 to {devices_max}.",
        )
