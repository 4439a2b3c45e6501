"""Jobs as they should go: end, output, time limit, cancel, order, measures."""

import os
import time
from pathlib import Path

import psutil
import pytest
from tests.cluster.patience import wait, wait_for_end

from kifabrik.cluster.executor import Executor
from kifabrik.cluster.jobs import JobRef, JobState
from kifabrik.cluster.local import LocalExecutor
from kifabrik.core.errors import InvalidInput, NotFound

SLEEP = "import time; open('begun', 'w').close(); time.sleep(60)"


def test_job_that_ends_well_leaves_output_and_usage(executor: LocalExecutor, job, tmp_path: Path) -> None:
    spec = job("run-a", "import os, sys; print('out', os.getcwd()); print('err', file=sys.stderr)")

    ref = executor.submit(spec)
    report = wait_for_end(executor, ref)

    assert (report.state, report.exit_code, report.reason) == (JobState.SUCCEEDED, 0, "")
    assert report.log_path is not None
    assert sorted(report.log_path.read_text().splitlines()) == ["err", f"out {spec.folder}"]
    usage = executor.usage(ref)
    assert (usage.key, usage.job_id, usage.devices, usage.gpu_seconds) == ("run-a:1", ref.job_id, 1, 1)
    assert usage.started_at is not None
    assert usage.ended_at is not None


def test_failing_command_reports_its_exit_code(executor: LocalExecutor, job) -> None:
    report = wait_for_end(executor, executor.submit(job("run-a", "raise SystemExit(7)")))

    assert (report.state, report.exit_code) == (JobState.FAILED, 7)
    assert report.reason == "the command ended with exit code 7"


def test_command_that_saved_and_stopped_asks_for_another_attempt(executor: LocalExecutor, job) -> None:
    report = wait_for_end(executor, executor.submit(job("run-a", "raise SystemExit(75)")))

    assert (report.state, report.exit_code) == (JobState.KILLED, 75)
    assert report.reason == "it was told to stop, and saved what it had"


def test_command_that_does_not_exist_is_a_failure_in_words(executor: LocalExecutor, job) -> None:
    ref = executor.submit(job("run-a", "", command=("/no/such/program",)))
    report = wait_for_end(executor, ref)

    assert (report.state, report.exit_code) == (JobState.FAILED, 127)
    assert report.reason == "the command could not be started: No such file or directory"
    assert executor.usage(ref).gpu_seconds == 0


def test_memory_and_processor_time_of_the_whole_tree_are_measured(executor: LocalExecutor, job) -> None:
    inner = "x = bytearray(150_000_000)\nimport time\nwhile time.process_time() < 0.6: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"

    ref = executor.submit(job("run-a", code))
    wait_for_end(executor, ref)

    usage = executor.usage(ref)
    assert 150_000_000 < usage.peak_memory_bytes < 300_000_000
    assert 0.6 <= usage.cpu_seconds < 3


def test_time_limit_ends_all_processes_of_a_job_that_ignores_signals(executor: LocalExecutor, job, tmp_path) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "open('child', 'w').write(str(child.pid)); time.sleep(60)"
    )

    ref = executor.submit(job("run-a", code, time_limit_seconds=1, grace_seconds=1))
    report = wait_for_end(executor, ref)

    assert (report.state, report.exit_code) == (JobState.TIMED_OUT, 137)
    assert report.reason == "it reached its time limit of 1 s"
    assert executor.usage(ref).gpu_seconds in {3, 4}
    assert not psutil.pid_exists(int((tmp_path / "run-a" / "child").read_text()))


def test_job_gets_time_to_save_before_it_is_killed(executor: LocalExecutor, job, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def save(*_): open('saved', 'w').close(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, save); open('begun', 'w').close(); time.sleep(60)"
    )
    ref = executor.submit(job("run-a", code, grace_seconds=10))
    wait((tmp_path / "run-a" / "begun").exists)

    executor.cancel(ref)
    report = wait_for_end(executor, ref)

    assert (report.state, report.reason) == (JobState.CANCELLED, "cancelled")
    assert (tmp_path / "run-a" / "saved").exists()


def test_cancelling_an_ended_job_changes_nothing(executor: LocalExecutor, job) -> None:
    ref = executor.submit(job("run-a", "pass"))
    before = wait_for_end(executor, ref)

    executor.cancel(ref)

    assert executor.poll([ref])[ref] == before


def test_jobs_wait_for_a_device_and_start_in_order(executor: LocalExecutor, job, tmp_path: Path) -> None:
    first = executor.submit(job("run-a", SLEEP))
    wait((tmp_path / "run-a" / "begun").exists)
    second = executor.submit(job("run-b", "pass"))
    third = executor.submit(job("run-c", "pass"))
    time.sleep(0.3)
    states = [report.state for report in executor.poll([first, second, third]).values()]
    assert states == [JobState.RUNNING, JobState.WAITING, JobState.WAITING]

    executor.cancel(third)
    assert executor.poll([third])[third].state is JobState.CANCELLED
    assert executor.usage(third).gpu_seconds == 0
    executor.cancel(first)
    report = wait_for_end(executor, second)

    assert report.state is JobState.SUCCEEDED
    assert str(report.started_at) >= str(executor.poll([first])[first].ended_at)


def test_devices_bound_what_runs_at_once(tmp_path: Path, job) -> None:
    executor = LocalExecutor(tmp_path / "state", devices=3)
    names = ["run-a", "run-b", "run-c"]
    refs = [executor.submit(job(name, SLEEP, devices=2 if name == "run-b" else 1)) for name in names]
    wait((tmp_path / "run-a" / "begun").exists)
    wait((tmp_path / "run-b" / "begun").exists)

    states = [report.state for report in executor.poll(refs).values()]

    assert states == [JobState.RUNNING, JobState.RUNNING, JobState.WAITING]
    for ref in reversed(refs):
        executor.cancel(ref)
    for ref in refs:
        assert wait_for_end(executor, ref).state is JobState.CANCELLED
    assert executor.usage(refs[1]).gpu_seconds >= executor.usage(refs[0]).gpu_seconds


def test_no_secret_of_the_agent_reaches_a_job(executor: LocalExecutor, job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIFABRIK_SITE_TOKEN", "secret")
    code = "import os; print({k: v for k, v in os.environ.items() if 'KIFABRIK' in k})"

    report = wait_for_end(executor, executor.submit(job("run-a", code, environment={"KIFABRIK_RUN": "run-a"})))

    assert report.log_path is not None
    assert report.log_path.read_text() == "{'KIFABRIK_RUN': 'run-a'}\n"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"devices": 2}, "asks for 2 devices and this cluster has 1"),
        ({"devices": 0}, "asks for 0 devices"),
        ({"time_limit_seconds": 0}, "at least one second"),
        ({"command": ()}, "no command"),
        ({"key": "../run-a:1"}, "'<run>:<attempt>'"),
        ({"key": "run-b:1"}, "of its own run"),
    ],
)
def test_job_that_can_never_run_is_refused(executor: LocalExecutor, job, tmp_path, changes, words) -> None:
    with pytest.raises(InvalidInput, match=words.replace("(", r"\(")):
        executor.submit(job("run-a", "pass", **changes))

    assert list((tmp_path / "state" / "jobs").iterdir()) == []


def test_unknown_job_is_lost_to_poll_and_not_found_to_others(executor: LocalExecutor) -> None:
    ref = JobRef(cluster="local", job_id="run-x.1", submitted_at="2026-01-01", key="run-x:1")

    assert executor.find("run-x:1") is None
    assert executor.poll([ref])[ref].state is JobState.LOST
    with pytest.raises(NotFound, match="no such job"):
        executor.usage(ref)


def test_reference_of_an_earlier_job_of_that_name_is_not_this_job(executor: LocalExecutor, job) -> None:
    ref = executor.submit(job("run-a", "pass"))
    stale = JobRef(cluster=ref.cluster, job_id=ref.job_id, submitted_at="2020-01-01", key=ref.key)

    assert executor.poll([stale])[stale].state is JobState.LOST


def test_local_executor_is_an_executor(executor: LocalExecutor) -> None:
    one: Executor = executor

    assert one.poll([]) == {}
    assert os.getpid() not in {int(pid) for pid in executor._children}


def test_interrupted_job_saves_ends_as_killed_and_its_next_attempt_runs(executor: LocalExecutor, job) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(75)))\n"
        "open('begun', 'w').close(); time.sleep(60)"
    )
    spec = job("run-a", code)
    ref = executor.submit(spec)
    wait((spec.folder / "begun").exists)

    count = executor.interrupt()

    report = executor.poll([ref])[ref]
    assert (count, report.state) == (1, JobState.KILLED)
    assert report.log_path is not None
    assert report.log_path.read_text() == "saved\n"
    assert executor.interrupt() == 0
    second = executor.submit(job("run-a", "pass", attempt=2))
    assert wait_for_end(executor, second).state is JobState.SUCCEEDED
