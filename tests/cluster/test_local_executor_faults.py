"""Jobs when something dies: command, supervisor, submitter at every step, the disk, the machine."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from tests.cluster.patience import wait, wait_for_end

from kifabrik.cluster.job_folder import Claim, JobFolder, Started
from kifabrik.cluster.jobs import JobState
from kifabrik.cluster.local import LocalExecutor
from kifabrik.cluster.processes import ProcessMark, is_alive, mark_of
from kifabrik.core import files
from kifabrik.core.errors import Unavailable

SLEEP = "import os, time; open('begun', 'w').write(str(os.getpid())); time.sleep(60)"
COUNT = "open('count', 'a').write('x'); import time; time.sleep(0.3)"


def supervisor_of(pid: int) -> psutil.Process:
    parent = psutil.Process(pid).parent()
    assert parent is not None
    assert "kifabrik.cluster.supervisor" in parent.cmdline()
    return parent


def begun(folder: Path) -> int:
    wait(lambda: (folder / "begun").exists() and (folder / "begun").read_text() != "")
    return int((folder / "begun").read_text())


def test_job_killed_from_outside_says_so(executor: LocalExecutor, job, tmp_path: Path) -> None:
    ref = executor.submit(job("run-a", SLEEP))

    os.kill(begun(tmp_path / "run-a"), signal.SIGKILL)
    report = wait_for_end(executor, ref)

    assert (report.state, report.exit_code) == (JobState.KILLED, 137)
    assert report.reason == "a signal ended it from outside: SIGKILL"


def test_killed_supervisor_takes_the_job_along_and_is_noticed(executor: LocalExecutor, job, tmp_path: Path) -> None:
    ref = executor.submit(job("run-a", SLEEP))
    pid = begun(tmp_path / "run-a")
    folder = JobFolder(tmp_path / "state" / "jobs" / ref.job_id)
    wait(lambda: folder.read_beat().at != "")
    wait(lambda: executor.usage(ref).gpu_seconds >= 1)

    supervisor_of(pid).kill()
    report = wait_for_end(executor, ref)

    assert (report.state, report.exit_code) == (JobState.LOST, None)
    assert report.ended_at == folder.read_beat().at
    assert executor.usage(ref).gpu_seconds >= 1
    wait(lambda: mark_of(pid) is None)


def test_what_a_lost_job_left_running_is_ended(executor: LocalExecutor, job, tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    ref = executor.submit(job("run-a", code))
    child = begun(tmp_path / "run-a")
    command = psutil.Process(child).parent()
    assert command is not None

    supervisor_of(command.pid).kill()
    wait_for_end(executor, ref)

    wait(lambda: mark_of(command.pid) is None)


def test_supervisor_told_to_stop_ends_its_job_and_says_so(executor: LocalExecutor, job, tmp_path: Path) -> None:
    ref = executor.submit(job("run-a", SLEEP))

    supervisor_of(begun(tmp_path / "run-a")).terminate()
    report = wait_for_end(executor, ref)

    assert (report.state, report.reason) == (JobState.KILLED, "the machine told its jobs to stop")


@pytest.mark.parametrize("starter", ["threads", "processes"])
def test_eight_submitters_of_one_key_make_one_job(executor: LocalExecutor, job, tmp_path: Path, starter: str) -> None:
    spec = job("run-a", COUNT)
    refs = []
    if starter == "threads":
        others = [LocalExecutor(tmp_path / "state") for _ in range(4)] + [executor] * 4
        threads = [threading.Thread(target=lambda one=one: refs.append(one.submit(spec))) for one in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for other in others:
            wait(lambda other=other: other.poll([]) == {} and not other._unfinished())
    else:
        for process in [submitter(tmp_path, spec) for _ in range(8)]:
            assert process.wait() == 0
        refs.append(executor.find(spec.key))

    report = wait_for_end(executor, refs[0])

    assert report.state is JobState.SUCCEEDED
    assert len(set(refs)) == 1
    assert (tmp_path / "run-a" / "count").read_text() == "x"


SUBMIT = """
import os, signal, sys
from pathlib import Path
from kifabrik.cluster import job_folder, local
from kifabrik.cluster.jobs import JobSpec
state, folder, point, code = sys.argv[1:]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def patched(holder, name, before):
    real = getattr(holder, name)
    def call(*arguments, **named):
        if before: die()
        result = real(*arguments, **named)
        die()
    setattr(holder, name, call)

if point == "before-claim": patched(job_folder.files, "write_text", True)
if point == "half-claimed": patched(job_folder.files, "write_text", False)
if point == "claimed": patched(Path, "rename", False)
if point == "before-start": patched(os, "posix_spawn", True)
if point == "started": patched(os, "posix_spawn", False)
executor = local.LocalExecutor(Path(state))
executor.submit(JobSpec(key="run-a:1", run_id="run-a", attempt=1, command=(sys.executable, "-c", code),
    folder=Path(folder), devices=1, time_limit_seconds=60))
"""


def submitter(tmp_path: Path, spec, point: str = "") -> subprocess.Popen[bytes]:
    arguments = [str(tmp_path / "state"), str(spec.folder), point, COUNT]
    return subprocess.Popen([sys.executable, "-c", SUBMIT, *arguments])


@pytest.mark.parametrize("point", ["before-claim", "half-claimed", "claimed", "before-start", "started"])
def test_submitter_killed_at_any_step_and_started_again_makes_one_job(executor, job, tmp_path: Path, point) -> None:
    spec = job("run-a", COUNT)
    assert submitter(tmp_path, spec, point).wait() == -signal.SIGKILL

    ref = executor.submit(spec)
    report = wait_for_end(executor, ref)

    assert report.state is JobState.SUCCEEDED
    assert (tmp_path / "run-a" / "count").read_text() == "x"


def test_waiting_job_of_a_dead_submitter_is_started_by_the_next_poll(executor, job, tmp_path: Path) -> None:
    spec = job("run-a", COUNT)
    JobFolder.claim(tmp_path / "state" / "jobs", Claim(spec=spec, submitted_at="2026-01-01T00:00:00Z", order=1))

    ref = executor.find("run-a:1")

    assert wait_for_end(executor, ref).state is JobState.SUCCEEDED


def test_job_whose_supervisor_died_before_the_command_is_lost_with_no_usage(executor, job, tmp_path: Path) -> None:
    spec = job("run-a", COUNT)
    jobs = tmp_path / "state" / "jobs"
    JobFolder.claim(jobs, Claim(spec=spec, submitted_at="2026-01-01T00:00:00Z", order=1)).write_intent()

    ref = executor.find("run-a:1")
    report = executor.poll([ref])[ref]

    assert report.state is JobState.LOST
    assert executor.usage(ref).gpu_seconds == 0
    assert not (tmp_path / "run-a" / "count").exists()


@pytest.mark.parametrize("started", ["other-boot:1", "same-boot-other-start"])
def test_stranger_with_the_process_number_of_a_lost_job_lives_on(executor, job, tmp_path: Path, started) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as stranger:
        mark = mark_of(stranger.pid)
        assert mark is not None
        if started == "same-boot-other-start":
            started = mark.started + "0"
        jobs = tmp_path / "state" / "jobs"
        claim = Claim(spec=job("run-a", "pass"), submitted_at="2026-01-01T00:00:00Z", order=1)
        folder = JobFolder.claim(jobs, claim)
        folder.write_intent()
        folder.write_started(Started(mark=ProcessMark(stranger.pid, started), at="2026-01-01T00:00:01Z"))
        ref = executor.find("run-a:1")

        report = executor.poll([ref])[ref]

        assert report.state is JobState.LOST
        assert is_alive(mark)
        stranger.kill()


def test_job_whose_folder_was_removed_is_ended_and_not_written_again(executor, job, tmp_path: Path) -> None:
    ref = executor.submit(job("run-a", SLEEP))
    pid = begun(tmp_path / "run-a")

    shutil.rmtree(tmp_path / "state" / "jobs" / ref.job_id)

    assert executor.poll([ref])[ref].state is JobState.LOST
    wait(lambda: mark_of(pid) is None)
    wait(lambda: executor._reap() is None and not executor._children)
    assert list((tmp_path / "state" / "jobs").iterdir()) == []


def test_full_disk_at_submission_is_one_sentence_and_leaves_no_job(executor, job, tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(Unavailable, match="the disk is full"):
            executor.submit(job("run-a", COUNT))
    assert executor.find("run-a:1") is None

    report = wait_for_end(executor, executor.submit(job("run-a", COUNT)))

    assert report.state is JobState.SUCCEEDED


FULL_DISK = """
import os, sys
from pathlib import Path
from kifabrik.cluster import supervisor
from kifabrik.core import files
held, folder, flag = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
real = files.os.fsync
def fsync(handle):
    if flag.exists(): raise OSError(28, "No space left on device")
    real(handle)
os.dup2(held, supervisor.HELD_LOCK)
if held != supervisor.HELD_LOCK: os.close(held)
files.os.fsync = fsync
sys.exit(supervisor.main([folder]))
"""


def test_full_disk_at_the_end_keeps_the_job_until_its_end_can_be_written(executor, job, tmp_path: Path) -> None:
    flag = tmp_path / "full"
    started = str(tmp_path / "state" / "jobs" / "run-a.1" / "started.json")
    fill_disk = f"import os\nwhile not os.path.exists({started!r}): pass\nopen({str(flag)!r}, 'w').close()"
    spec = job("run-a", fill_disk)
    claim = Claim(spec=spec, submitted_at="2026-01-01T00:00:00Z", order=1)
    folder = JobFolder.claim(tmp_path / "state" / "jobs", claim)
    held = folder.lock()
    assert held is not None
    command = [sys.executable, "-c", FULL_DISK, str(held), str(folder.path), str(flag)]
    with subprocess.Popen(command, pass_fds=(held,)) as supervisor:
        os.close(held)
        wait(flag.exists)
        ref = executor.find("run-a:1")
        assert executor.poll([ref])[ref].state is JobState.RUNNING

        flag.unlink()
        report = wait_for_end(executor, ref)

        assert (report.state, supervisor.wait()) == (JobState.SUCCEEDED, 0)


def test_supervisor_started_by_hand_explains_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kifabrik.cluster.supervisor", str(tmp_path)]

    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (2, "")
    assert "started by the local executor" in result.stderr
