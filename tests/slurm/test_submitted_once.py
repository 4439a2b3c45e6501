"""A key is submitted once, whoever is killed when and however many try."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.slurm.patience import wait, wait_until_saved
from tests.slurm.private_cluster import PrivateCluster
from tests.slurm.submitter import AFTER_LOOKING, BEFORE_NOTING, write_task

from kifabrik.cluster.jobs import JobSpec, JobState
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.core.errors import Unavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def begin(cluster: PrivateCluster, profile, tmp_path: Path):
    """Start a submitter in a process of its own."""

    def start(spec: JobSpec, *moment: str) -> subprocess.Popen[str]:
        task = tmp_path / "task.json"
        write_task(task, spec, profile, tmp_path / "state")
        return subprocess.Popen(
            [sys.executable, "-m", "tests.slurm.submitter", str(task), *moment],
            cwd=ROOT,
            env={**os.environ, **cluster.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


def test_many_submitters_make_one_job(executor: SlurmExecutor, job, begin, cluster: PrivateCluster) -> None:
    spec = job("x", "pass")

    submitters = [begin(spec) for _ in range(8)]
    numbers = [process.communicate()[0].strip() for process in submitters]

    assert [process.returncode for process in submitters] == [0] * 8
    assert set(numbers) == {executor.submit(spec).job_id}
    assert len(_jobs_of(cluster, spec)) == 1


def test_killed_between_answer_and_note_is_found_again(executor: SlurmExecutor, job, begin, cluster) -> None:
    spec = job("x", "pass")
    killed = begin(spec, BEFORE_NOTING)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert len(_jobs_of(cluster, spec)) == 1

    found = executor.find(spec.key)
    ref = executor.submit(spec)

    assert found == ref
    assert _jobs_of(cluster, spec) == [ref.job_id]
    assert executor.poll([ref])[ref].log_path == spec.folder / "job-1.log"


def test_lost_state_folder_is_made_up_for_by_the_cluster(executor, job, profile, slurm, tmp_path, cluster) -> None:
    spec = job("x", "pass")
    ref = executor.submit(spec)
    newcomer = SlurmExecutor(profile, state_folder=tmp_path / "other", slurm=slurm)

    assert newcomer.find(spec.key) == ref
    assert newcomer.submit(spec) == ref
    assert _jobs_of(cluster, spec) == [ref.job_id]
    assert newcomer.find(spec.key.replace(":1", ":2")) is None


def test_sbatch_that_outlives_its_killed_submitter_still_holds_the_key(
    executor: SlurmExecutor, job, begin, cluster: PrivateCluster, tmp_path: Path
) -> None:
    """sbatch waits for a controller that is away, and succeeds after whoever started it is gone."""
    spec = job("x", "pass")
    submitter = begin(spec, AFTER_LOOKING)
    assert submitter.stdout.readline() == "looked\n"
    cluster.kill("slurmctld")
    try:
        submitter.stdin.write("go on\n")
        submitter.stdin.flush()
        wait(lambda: _is_held(tmp_path / "state"), what="sbatch to start")
        submitter.kill()
        submitter.communicate()
    finally:
        cluster.restart("slurmctld")

    ref = executor.submit(spec)  # waits for that sbatch, then finds its job

    assert _jobs_of(cluster, spec) == [ref.job_id]


def test_controller_away_is_unavailable_and_nothing_is_lost(executor, job, profile, cluster, tmp_path) -> None:
    ref = executor.submit(job("x", "import time; time.sleep(600)"))
    impatient = SlurmExecutor(
        profile,
        state_folder=tmp_path / "state",
        slurm=Slurm(environment=cluster.environment, timeout_seconds=2),
    )
    wait_until_saved(cluster)
    cluster.kill("slurmctld")
    try:
        assert impatient.find(ref.key) == ref
        for attempt in (
            lambda: impatient.submit(job("y", "pass")),
            lambda: impatient.poll([ref]),
            lambda: impatient.cancel(ref),
        ):
            with pytest.raises(Unavailable):
                attempt()
    finally:
        cluster.restart("slurmctld")

    assert executor.poll([ref])[ref].state in (JobState.WAITING, JobState.RUNNING)


def _jobs_of(cluster: PrivateCluster, spec: JobSpec) -> list[str]:
    options = ("-h", "--states=all", f"--name=kf-{spec.key}", "-o", "%A")
    return cluster.run("squeue", *options).stdout.split()


def _is_held(state: Path) -> bool:
    """Say whether an sbatch runs that holds a key of this state folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_sbatch = (process / "comm").read_text() == "sbatch\n"
            if is_sbatch and any(str(entry.readlink()).startswith(str(state)) for entry in (process / "fd").iterdir()):
                return True
        except OSError:
            continue
    return False
