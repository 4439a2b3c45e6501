"""Jobs on a real Slurm as they should go: ends, limits, cancels, arrays, dependencies, several nodes, usage."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slurm.patience import wait, wait_for_ends, wait_for_state
from tests.slurm.private_cluster import PrivateCluster

from kifabrik.cluster.jobs import JobRef, JobState
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.executor import SlurmExecutor
from kifabrik.cluster.slurm.script import ArraySpec
from kifabrik.core.errors import InvalidInput, NotFound, Unavailable

WORKLOAD = (sys.executable, "-m", "tests.slurm.workload")


def test_every_end_is_told_in_its_words(executor: SlurmExecutor, job, tmp_path: Path) -> None:
    code = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'].count(','), os.getcwd())"
    expected = {
        executor.submit(job("well", code, devices=2)): (JobState.SUCCEEDED, 0, ""),
        executor.submit(job("badly", "raise SystemExit(7)")): (
            JobState.FAILED,
            7,
            "the command ended with exit code 7",
        ),
        executor.submit(job("saved", "raise SystemExit(75)")): (
            JobState.KILLED,
            75,
            "it was told to stop, and saved what it had",
        ),
        executor.submit(job("signalled", "import os; os.kill(os.getpid(), 9)")): (
            JobState.KILLED,
            137,
            "a signal ended it from outside: SIGKILL",
        ),
        executor.submit(job("nothing", command=("/no/such/program",))): (
            JobState.FAILED,
            127,
            "the command could not be started; its log says why",
        ),
        executor.submit(job("deaf", "import time; time.sleep(600)", time_limit_seconds=2)): (
            JobState.TIMED_OUT,
            124,
            "it reached its time limit",
        ),
        executor.submit(job("heard", command=WORKLOAD, time_limit_seconds=12)): (
            JobState.TIMED_OUT,
            124,
            "it reached its time limit",
        ),
    }

    reports = wait_for_ends(executor, expected)

    assert {ref.key: (r.state, r.exit_code, r.reason) for ref, r in reports.items()} == {
        ref.key: values for ref, values in expected.items()
    }
    assert all(report.started_at and report.ended_at for report in reports.values())
    assert (tmp_path / "well" / "job-1.log").read_text().splitlines() == [f"1 {tmp_path / 'well'}"]
    assert "No such file" in (tmp_path / "nothing" / "job-1.log").read_text()
    assert "saved at" in (tmp_path / "heard" / "job-1.log").read_text()


def test_names_that_want_to_be_commands_stay_names(executor: SlurmExecutor, job, tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s $(touch pwned) "100 %j" `id`'
    words = ("a'b\"$(touch pwned)\n#SBATCH --account=nosuch\n`touch pwned`;", "$SLURM_ARRAY_TASK_ID")
    code = "import os, sys; print(sys.argv[1:], os.environ['HOSTILE'])"
    spec = job("x", folder=folder, command=(sys.executable, "-c", code, *words), environment={"HOSTILE": "';id;"})

    report = wait_for_ends(executor, [executor.submit(spec)]).popitem()[1]

    assert report.state is JobState.SUCCEEDED
    assert report.log_path == folder / "job-1.log"
    assert report.log_path.read_text() == f"{list(words)} ';id;\n"
    assert list(tmp_path.rglob("pwned")) == []


def test_policy_refusals_are_told_in_slurms_words_and_may_be_tried_again(executor: SlurmExecutor, job, account) -> None:
    with pytest.raises(InvalidInput, match="Invalid account"):
        executor.submit(job("x", "pass", account="nosuch"))

    ref = executor.submit(job("x", "pass"))

    assert wait_for_ends(executor, [ref])[ref].state is JobState.SUCCEEDED


def test_cancelled_job_that_saves_is_not_put_back_into_the_queue(executor: SlurmExecutor, job) -> None:
    ref = executor.submit(job("x", command=WORKLOAD))
    waiting = executor.submit(job("y", "pass"), after=[ref])
    wait_for_state(executor, ref, JobState.RUNNING)

    executor.cancel(ref)
    executor.cancel(ref)

    reports = wait_for_ends(executor, [ref, waiting])
    assert (reports[ref].state, reports[ref].exit_code) == (JobState.CANCELLED, None)
    assert reports[waiting].state is JobState.CANCELLED
    executor.cancel(ref)  # an ended job stays as it is
    assert executor.poll([ref])[ref] == reports[ref]


def test_job_waits_for_another_and_for_all_tasks_of_an_array(executor: SlurmExecutor, job, tmp_path: Path) -> None:
    code = "import sys, time; print(sys.argv[1]); open(sys.argv[1], 'w').close()"
    tasks = job("tasks", command=(sys.executable, "-c", code, "shard-$SLURM_ARRAY_TASK_ID"))
    code = "import os; print(sorted(name for name in os.listdir('../tasks') if name.startswith('shard')))"

    array = executor.submit_array(tasks, ArraySpec(size=5, throttle=2))
    after = executor.submit(job("after", code), after=[array])

    reports = wait_for_ends(executor, [array, after])
    assert (reports[array].state, reports[array].exit_code) == (JobState.SUCCEEDED, 0)
    assert (tmp_path / "after" / "job-1.log").read_text() == f"{[f'shard-{n}' for n in range(5)]}\n"
    assert (tmp_path / "tasks" / "job-1-3.log").read_text() == "shard-3\n"
    assert executor.find(tasks.key) == array
    assert executor.submit_array(tasks, ArraySpec(size=5, throttle=2)) == array


def test_array_ends_as_its_worst_task_and_is_cancelled_as_a_whole(executor: SlurmExecutor, job, cluster) -> None:
    code = "import os; raise SystemExit(os.environ['SLURM_ARRAY_TASK_ID'] == '2')"
    array = executor.submit_array(job("bad", code), ArraySpec(size=4))
    endless = executor.submit_array(job("endless", command=WORKLOAD), ArraySpec(size=3, throttle=1))
    wait_for_state(executor, endless, JobState.RUNNING)
    executor.cancel(endless)

    reports = wait_for_ends(executor, [array, endless])

    assert reports[array].state is JobState.FAILED
    assert reports[array].reason == "1 of 4 tasks: the command ended with exit code 1"
    assert reports[endless].state is JobState.CANCELLED
    assert executor.usage(array).gpu_seconds == _by_hand(cluster, array)


def test_processes_of_two_nodes_meet(executor: SlurmExecutor, job, tmp_path: Path) -> None:
    spec = job("both", command=(sys.executable, "-m", "tests.slurm.meeting"), devices=4, nodes=2, processes_per_node=2)

    report = wait_for_ends(executor, [executor.submit(spec)]).popitem()[1]

    assert report.state is JobState.SUCCEEDED, (tmp_path / "both" / "job-1.log").read_text()
    found = sorted((tmp_path / "both" / f"rank-{rank}").read_text() for rank in range(4))
    assert found == ["4 n1", "4 n1", "4 n2", "4 n2"]


def test_usage_is_what_accounting_says_to_the_second(executor: SlurmExecutor, job, cluster: PrivateCluster) -> None:
    code = "x = bytearray(200_000_000)\nimport time\ntime.sleep(8)"
    ref = executor.submit(job("x", code, devices=2))
    wait_for_state(executor, ref, JobState.RUNNING)
    assert executor.usage(ref).ended_at is None

    wait_for_ends(executor, [ref])
    usage = executor.usage(ref)

    assert (usage.key, usage.devices, usage.exit_code, usage.source) == (ref.key, 2, 0, "sacct")
    assert usage.gpu_seconds == _by_hand(cluster, ref) >= 14
    assert usage.ended_at is not None
    assert 200_000_000 < usage.peak_memory_bytes < 400_000_000
    with pytest.raises(NotFound):
        executor.usage(JobRef(ref.cluster, "999999", ref.submitted_at, ref.key))


def test_job_over_budget_is_held_with_a_reason_until_there_is_more(executor, job, cluster, account) -> None:
    cluster.run("sacctmgr", "-iQ", "modify", "account", account, "set", "GrpTRESMins=gres/gpu=1")
    ref = executor.submit(job("x", "pass", devices=2))
    wait(lambda: "budget" in executor.poll([ref])[ref].reason, what="the job to be held")

    assert executor.poll([ref])[ref].state is JobState.WAITING
    assert "(AssocGrpGRESMinutes)" in executor.poll([ref])[ref].reason
    cluster.run("sacctmgr", "-iQ", "modify", "account", account, "set", "GrpTRESMins=gres/gpu=100")

    assert wait_for_ends(executor, [ref])[ref].state is JobState.SUCCEEDED


def test_paused_account_takes_no_job_now(executor: SlurmExecutor, job, cluster, account) -> None:
    cluster.run("sacctmgr", "-iQ", "modify", "account", account, "set", "GrpSubmitJobs=0")
    with pytest.raises(Unavailable, match="takes no more jobs"):
        executor.submit(job("x", "pass"))
    cluster.run("sacctmgr", "-iQ", "modify", "account", account, "set", "GrpSubmitJobs=-1")

    ref = executor.submit(job("x", "pass"))
    assert wait_for_ends(executor, [ref])[ref].state is JobState.SUCCEEDED


class Counting(Slurm):
    """Notes which commands were started to read."""

    asked: list[str]

    def read(self, program: str, *options: str, known_failures: str = "") -> list[str]:
        self.asked.append(program)
        return super().read(program, *options, known_failures=known_failures)

    def stream(self, program: str, *options: str) -> Iterator[str]:
        self.asked.append(program)
        return super().stream(program, *options)


def test_one_look_at_many_jobs_is_one_question(job, profile, cluster: PrivateCluster, tmp_path: Path, account) -> None:
    slurm = Counting(environment=cluster.environment)
    slurm.asked = []
    held = profile.model_copy(update={"sbatch_options": ("--hold",)})
    executor = SlurmExecutor(held, state_folder=tmp_path / "state", slurm=slurm)
    jobs = [job(f"x{number}", "pass") for number in range(15)]
    for each in jobs:
        executor.submit(each)
    assert slurm.asked == ["squeue", "sacct"]  # both once, before the first one
    slurm.asked.clear()

    refs = [executor.find(each.key) for each in jobs]
    assert [executor.find(each.key.replace(":1", ":2")) for each in jobs] == [None] * 15
    assert {report.state for report in executor.poll(refs).values()} == {JobState.WAITING}
    assert slurm.asked == ["squeue"]

    slurm.write("scancel", f"--account={account}")
    slurm.asked.clear()
    wait(lambda: {report.state for report in executor.poll(refs).values()} == {JobState.CANCELLED}, what="cancels")
    assert slurm.asked[:2] == ["squeue", "sacct"]
    slurm.asked.clear()
    executor.poll(refs)
    assert slurm.asked == []  # an end is not asked for again
    assert [executor.usage(ref).gpu_seconds for ref in refs] == [0] * 15
    assert slurm.asked == ["sacct"]


def _by_hand(cluster: PrivateCluster, ref: JobRef) -> int:
    total = 0
    answer = cluster.run("sacct", "-DXnP", "--noconvert", "-j", ref.job_id, "-o", "elapsedraw,alloctres").stdout
    for line in answer.splitlines():
        seconds, allocated = line.split("|")
        pairs = dict(pair.split("=") for pair in allocated.split(",") if pair)
        total += int(seconds) * int(pairs.get("gres/gpu", 0))
    return total
