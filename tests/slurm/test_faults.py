"""What happens to jobs when parts of the cluster are killed, pre-empted, full or in doubt."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slurm.patience import wait, wait_for_ends, wait_for_state, wait_until_saved
from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.jobs import ENDED, JobRef, JobState
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.core.errors import Unavailable

WORKLOAD = (sys.executable, "-m", "tests.slurm.workload")


def test_job_lost_right_after_its_submission_is_noticed_and_tried_again(
    executor: SlurmExecutor, job, profile, slurm, cluster: PrivateCluster, tmp_path: Path
) -> None:
    """slurmctld saves its state some seconds late; a number it had given away, it then gives away again."""
    held = profile.model_copy(update={"sbatch_options": ("--hold",)})
    holding = SlurmExecutor(held, state_folder=tmp_path / "state", slurm=slurm)
    for attempt in range(1, 9):  # a save may come in between all the same
        wait_until_saved(cluster)
        lost = holding.submit(job(f"x{attempt}", "pass"))
        cluster.kill("slurmctld")
        cluster.restart("slurmctld")
        if not _state(cluster, lost.job_id):
            break
    stranger = cluster.run("sbatch", "--parsable", "--hold", "--account=spare", "--wrap=true").stdout.strip()
    assert stranger == lost.job_id

    report = executor.poll([lost])[lost]

    assert report.state is JobState.LOST
    assert "does not know it" in report.reason
    usage = executor.usage(lost)
    assert (usage.gpu_seconds, usage.ended_at) == (0, report.ended_at)
    assert executor.find(lost.key) == lost
    executor.cancel(lost)  # must not hit the stranger
    assert _state(cluster, stranger) == "PENDING"
    cluster.run("scancel", "--account=spare")
    again = executor.submit(job(f"x{attempt}", "pass", attempt=2))
    assert wait_for_ends(executor, [again])[again].state is JobState.SUCCEEDED


def test_controller_killed_later_harms_no_job(executor, job, cluster: PrivateCluster, tmp_path: Path) -> None:
    ref = executor.submit(job("x", command=WORKLOAD))
    wait((tmp_path / "x" / "count").exists, what="the work to begin")
    wait_until_saved(cluster)

    cluster.kill("slurmctld")
    cluster.restart("slurmctld")

    _require_unharmed(executor, ref, tmp_path / "x")


def test_job_that_slurm_starts_a_second_time_goes_on_where_it_stopped_and_says_so(
    executor: SlurmExecutor, job, profile, slurm, cluster: PrivateCluster, tmp_path: Path
) -> None:
    """slurmctld is killed after the job was saved as waiting and before its start was: it starts the job again."""
    held = profile.model_copy(update={"sbatch_options": ("--hold",)})
    ref = SlurmExecutor(held, state_folder=tmp_path / "state", slurm=slurm).submit(job("x", command=WORKLOAD))
    wait_until_saved(cluster)
    state, log = cluster.folder / "state", tmp_path / "x" / "job-1.log"
    shutil.copytree(state, tmp_path / "saved")
    cluster.run("scontrol", "release", ref.job_id)
    wait((tmp_path / "x" / "count").exists, what="the work to begin")
    assert executor.poll([ref])[ref].reason == ""

    cluster.kill("slurmctld")
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "saved", state)
    cluster.restart("slurmctld")
    assert executor.poll([ref])[ref].state is JobState.WAITING
    # The controller ends the first copy on its node, which then refuses a start of the same second ("credential
    # revoked"): Slurm counts in whole seconds here.
    time.sleep(3)
    cluster.run("scontrol", "release", ref.job_id)
    wait(lambda: log.read_text().count("begins at") == 2, what="the second start")

    assert "second time" in wait_for_state(executor, ref, JobState.RUNNING).reason
    assert "kifabrik: the cluster starts this job a second time" in log.read_text()
    executor.cancel(ref)
    assert wait_for_ends(executor, [ref])[ref].state is JobState.CANCELLED


def test_start_that_its_node_refuses_so_soon_after_the_first_one_deserves_another_attempt(
    executor: SlurmExecutor, job, profile, slurm, cluster: PrivateCluster, tmp_path: Path
) -> None:
    """As above, but the second start comes within a second of the end of the first copy: "credential revoked"."""
    later = profile.model_copy(update={"sbatch_options": ("--begin=now+12", "--nodelist=n1")})
    state, saved = cluster.folder / "state", tmp_path / "saved"
    for attempt in range(1, 7):  # the second start may come a second later all the same
        name = f"x{attempt}"
        ref = SlurmExecutor(later, state_folder=tmp_path / "state", slurm=slurm).submit(job(name, command=WORKLOAD))
        wait_until_saved(cluster)
        shutil.rmtree(saved, ignore_errors=True)
        shutil.copytree(state, saved)
        wait((tmp_path / name / "count").exists, what="the work to begin")
        cluster.kill("slurmctld")
        shutil.rmtree(state)
        shutil.copytree(saved, state)
        cluster.restart("slurmctld")
        wait(lambda ref=ref: executor.poll([ref])[ref].state is not JobState.WAITING, what="the second start")
        report = executor.poll([ref])[ref]
        if report.state in ENDED:
            break
        executor.cancel(ref)

    assert report.state is JobState.KILLED
    assert "did not let it begin again" in report.reason
    failed = executor.submit(job("fails", "import sys; sys.exit(1)"))
    assert wait_for_ends(executor, [failed])[failed].state is JobState.FAILED


def test_accounting_away_is_unavailable_and_catches_up(executor: SlurmExecutor, job, cluster: PrivateCluster) -> None:
    running = executor.submit(job("x", command=WORKLOAD))
    ending = executor.submit(job("y", "import time; time.sleep(1)"))
    wait_for_state(executor, running, JobState.RUNNING)
    cluster.kill("slurmdbd")
    try:
        assert executor.poll([running])[running].state is JobState.RUNNING
        wait(lambda: _state(cluster, ending.job_id) == "COMPLETED", what="a job to end")
        with pytest.raises(Unavailable):
            executor.poll([ending])
        with pytest.raises(Unavailable):
            executor.usage(ending)
    finally:
        cluster.restart("slurmdbd")

    assert wait_for_ends(executor, [ending])[ending].state is JobState.SUCCEEDED
    assert executor.usage(ending).gpu_seconds >= 1


def test_killed_node_daemon_harms_no_job(executor, job, cluster: PrivateCluster, tmp_path: Path) -> None:
    ref = executor.submit(job("x", command=WORKLOAD))
    wait((tmp_path / "x" / "count").exists, what="the work to begin")
    node = cluster.run("squeue", "-h", "-j", ref.job_id, "-o", "%N").stdout.strip()

    cluster.kill(f"slurmd-{node}")
    cluster.restart(f"slurmd-{node}")

    _require_unharmed(executor, ref, tmp_path / "x")


def test_pre_empted_job_saves_goes_back_into_the_queue_and_resumes(
    executor: SlurmExecutor, job, profile, slurm, cluster: PrivateCluster, tmp_path: Path
) -> None:
    def with_quality(qos: str) -> SlurmExecutor:
        chosen = profile.model_copy(update={"qos": qos, "sbatch_options": ("--nodelist=n1",)})
        return SlurmExecutor(chosen, state_folder=tmp_path / "state", slurm=slurm)

    low, high = with_quality("low"), with_quality("high")
    ref = low.submit(job("low", command=WORKLOAD, devices=4))
    wait_for_state(low, ref, JobState.RUNNING)
    wait((tmp_path / "low" / "count").exists, what="the work to begin")

    urgent = high.submit(job("high", "pass", devices=4))

    assert wait_for_ends(high, [urgent])[urgent].state is JobState.SUCCEEDED
    wait(lambda: (tmp_path / "low" / "job-1.log").read_text().count("begins at") == 2, what="the second start")
    (tmp_path / "low" / "enough").touch()
    assert wait_for_ends(low, [ref])[ref].state is JobState.SUCCEEDED
    words = (tmp_path / "low" / "job-1.log").read_text().splitlines()
    begins = [int(line.split()[-1]) for line in words if line.startswith("begins at")]
    saves = [int(line.split()[-1]) for line in words if line.startswith("saved at")]
    assert begins == [0, *saves]
    assert "kifabrik: asked to save and stop (pre-emption)" in words
    answer = cluster.run("sacct", "-DXnP", "--noconvert", "-j", ref.job_id, "-o", "elapsedraw").stdout.split()
    assert len(answer) == 2
    assert low.usage(ref).gpu_seconds == 4 * sum(map(int, answer))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own that is almost full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_in_the_run_folder_fails_the_job_and_not_its_account(
    executor: SlurmExecutor, job, small_disk: Path
) -> None:
    code = "import pathlib; pathlib.Path('big').write_bytes(bytes(1_000_000))"

    ref = executor.submit(job("x", code, folder=small_disk / "run"))
    report = wait_for_ends(executor, [ref])[ref]

    assert report.state is JobState.FAILED
    assert executor.usage(ref).ended_at is not None


def _state(cluster: PrivateCluster, job_id: str) -> str:
    return cluster.run("squeue", "-h", "--states=all", "-j", job_id, "-o", "%T", check=False).stdout.strip()


def _require_unharmed(executor: SlurmExecutor, ref: JobRef, folder: Path) -> None:
    """Say that a job runs, still counts, began once, and hears a cancel."""
    assert executor.poll([ref])[ref].state is JobState.RUNNING
    seen = (folder / "count").read_text()
    wait(lambda: (folder / "count").read_text() not in ("", seen), what="the work to go on")
    executor.cancel(ref)
    assert wait_for_ends(executor, [ref])[ref].state is JobState.CANCELLED
    assert (folder / "job-1.log").read_text().count("begins at") == 1
