"""Waiting for a cluster, but not for ever; a busy machine may take its time."""

import time
from collections.abc import Callable, Iterable, Mapping

from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.jobs import ENDED, JobRef, JobReport, JobState
from kifabrik.cluster.slurm.executor import SlurmExecutor

PATIENCE_SECONDS = 180


def wait(condition: Callable[[], bool], *, what: str = "it") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, f"waited too long for {what}"
        time.sleep(0.2)


def wait_for_ends(executor: SlurmExecutor, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
    chosen = tuple(refs)
    wait(lambda: all(report.state in ENDED for report in executor.poll(chosen).values()), what="jobs to end")
    return executor.poll(chosen)


def wait_for_state(executor: SlurmExecutor, ref: JobRef, state: JobState) -> JobReport:
    wait(lambda: executor.poll([ref])[ref].state is state, what=f"{ref.key} to be {state}")
    return executor.poll([ref])[ref]


def wait_until_saved(cluster: PrivateCluster) -> None:
    """Make a change, and wait until the controller has written it and all before it to disk."""
    begun_at = time.time_ns()
    cluster.run("sbatch", "--hold", "--account=spare", "--wrap=true")
    state = cluster.folder / "state" / "job_state"
    wait(lambda: state.exists() and state.stat().st_mtime_ns > begun_at, what="a save")
