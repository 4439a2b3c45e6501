"""The job script: its text, and what it does under a plain bash where no scheduler is near."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cluster.patience import wait

from kifabrik.cluster.jobs import JobSpec
from kifabrik.cluster.slurm.layout import check_job
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.cluster.slurm.script import ArraySpec, job_script, log_name
from kifabrik.core.errors import InvalidInput

SITE = SiteProfile(executor="slurm", cluster="alps", devices_per_node=4, nodes_max=8)
LISTEN = """
import os, sys, time
print("begun", flush=True)
while not os.path.exists(os.environ["KIFABRIK_STOP_FILE"]): time.sleep(0.02)
raise SystemExit(75)
"""


def make(folder: Path = Path("/runs/a"), **changes: object) -> JobSpec:
    values = {
        "key": "a:1",
        "run_id": "a",
        "attempt": 1,
        "command": ("python", "-m", "kifabrik", "run"),
        "folder": folder,
        "devices": 2,
        "time_limit_seconds": 3600,
        "grace_seconds": 1,
    }
    return JobSpec(**{**values, **changes})  # type: ignore[arg-type]


def options(text: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")]


def test_options_say_what_the_job_needs() -> None:
    site = SITE.model_copy(
        update={
            "partition": "gpu",
            "qos": "normal",
            "gres": "gpu:h100",
            "cpus_per_device": 16,
            "memory_per_device": "60G",
            "sbatch_options": ("--exclusive",),
        }
    )

    found = options(job_script(make(account="kf-1", nodes=2, devices=8, processes_per_node=4), site))

    assert found == [
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=64",
        "--gres=gpu:h100:4",
        "--mem=240G",
        "--time=60",
        "--signal=B:USR1@300",
        "--requeue",
        "--open-mode=append",
        "--partition=gpu",
        "--account=kf-1",
        "--qos=normal",
        "--exclusive",
    ]


def test_site_without_accelerators_asks_for_processors_only() -> None:
    found = options(job_script(make(), SITE.model_copy(update={"tres": "cpu"})))

    assert "--cpus-per-task=2" in found
    assert not [option for option in found if "gres" in option]


def test_time_limit_is_rounded_up_to_minutes_and_the_warning_fits_into_it() -> None:
    assert {"--time=2", "--signal=B:USR1@30"} <= set(options(job_script(make(time_limit_seconds=61), SITE)))


def test_one_node_needs_no_srun_and_several_meet_at_the_first() -> None:
    assert "srun" not in job_script(make(), SITE)
    assert "kifabrik.workbench.together --nodes 1 --processes-per-node 2" in job_script(
        make(processes_per_node=2), SITE
    )
    spread = job_script(make(nodes=2, devices=4), SITE)
    assert "srun --nodes=2 --ntasks=2 --ntasks-per-node=1" in spread
    assert '--rendezvous "$KIFABRIK_MEET"' in spread
    assert "--local-address" not in spread


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("hostname", 'address_of() { echo "$(echo "$1")"; }'),
        ("hostname+i", 'address_of() { echo "$(echo "$1")i"; }'),
        ("node-address", "NodeAddr"),
    ],
)
def test_rule_of_the_site_says_how_the_first_node_is_reached(rule: str, expected: str) -> None:
    site = SITE.model_copy(update={"master_address": rule})

    text = job_script(make(nodes=2, devices=2), site)

    assert expected in text
    assert ('--local-address "$(address_of "$SLURMD_NODENAME")"' in text) == (rule != "hostname")


def test_launchers_start_the_command_in_their_image() -> None:
    apptainer = SITE.model_copy(update={"launcher": "apptainer", "image": "/img a.sif", "mounts": ("/data",)})
    pyxis = SITE.model_copy(update={"launcher": "pyxis", "image": "nvcr.io/pytorch", "python": "python3"})

    assert (
        "apptainer exec --nv --bind /runs/a --bind /data --pwd /runs/a '/img a.sif' python -m kifabrik run &"
        in job_script(make(), apptainer)
    )
    text = job_script(make(), pyxis)
    assert "srun --nodes=1 --ntasks=1 " in text
    assert "--container-image=nvcr.io/pytorch --container-mounts=/runs/a:/runs/a --container-workdir=/runs/a" in text
    assert "python3 -m kifabrik run &" in text


def test_tasks_of_an_array_have_their_number_and_their_own_log_and_stop_file() -> None:
    spec = make(command=("work", "--shard=$SLURM_ARRAY_TASK_ID", "$HOME"))

    text = job_script(spec, SITE, array=ArraySpec(size=10, throttle=3))

    assert "--array=0-9%3" in options(text)
    assert """work '--shard='"$SLURM_ARRAY_TASK_ID"'' '$HOME' &""" in text
    assert 'KIFABRIK_STOP_FILE=/runs/a/stop-1"-$SLURM_ARRAY_TASK_ID"' in text
    assert (log_name(spec), log_name(spec, ArraySpec(2))) == ("job-1.log", "job-1-%a.log")
    assert "'--shard=$SLURM_ARRAY_TASK_ID'" in job_script(spec, SITE)


@settings(deadline=None, max_examples=50)  # a busy machine starts bash slowly
@given(st.text(st.characters(blacklist_characters="\0\r", blacklist_categories=["Cs"]), max_size=40))
def test_no_word_escapes_its_quotes(word: str) -> None:
    text = job_script(make(command=("true", word), environment={"WORD": word}), SITE)

    head = text[: text.index("\n\n")]
    assert options(head) == options(job_script(make(command=("true",)), SITE))
    assert subprocess.run(["bash", "-n"], input=text.encode(), check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "change",
    [
        {"account": "x --uid=0"},
        {"account": "x\n#SBATCH --uid=0"},
        {"folder": Path("/tmp/two\nlines")},
        {"folder": Path("/tmp/back\\slash")},
        {"folder": Path("relative")},
        {"environment": {"A=1;B": "x"}},
        {"environment": {"A": "x\r"}},
        {"command": ("a\rb",)},
        {"command": ("a\0b",)},
        {"command": ()},
        {"key": "x; id:1", "run_id": "x; id"},
        {"nodes": 9, "devices": 9},
        {"nodes": 0},
        {"devices": 5},
        {"nodes": 2, "devices": 3},
    ],
)
def test_what_cannot_go_into_a_script_is_refused_in_words(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        check_job(make(**change), SITE)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("raise SystemExit(75)", 75),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_exit_code_is_that_of_the_command(tmp_path: Path, code: str, expected: int) -> None:
    assert _run(make(tmp_path, command=(sys.executable, "-c", code))).wait(60) == expected


def test_time_limit_warns_first_and_then_ends_what_does_not_listen(tmp_path: Path) -> None:
    listening = make(tmp_path, command=(sys.executable, "-c", LISTEN), time_limit_seconds=4)
    (tmp_path / "deaf").mkdir()
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print('begun', flush=True); time.sleep(600)"
    deaf = make(tmp_path / "deaf", command=(sys.executable, "-c", ignore), time_limit_seconds=1)

    processes = [_run(listening), _run(deaf)]

    assert [process.wait(60) for process in processes] == [124, 124]
    assert "asked to save and stop (time-limit)" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(("number", "word"), [(signal.SIGUSR1, "pre-emption"), (signal.SIGTERM, "end")])
def test_warning_becomes_a_stop_file_and_saved_work_asks_for_another_attempt(tmp_path, number, word) -> None:
    """No scheduler is here to put the job back, so it ends with the code that asks for another attempt."""
    process = _run(make(tmp_path, command=(sys.executable, "-c", LISTEN)))
    wait(lambda: "begun" in (tmp_path / "log").read_text())

    process.send_signal(number)

    assert process.wait(60) == 75
    assert f"asked to save and stop ({word})" in (tmp_path / "log").read_text()


def test_work_that_says_saved_in_a_file_counts_as_saved_whatever_its_exit_code(tmp_path: Path) -> None:
    code = LISTEN.replace("raise SystemExit(75)", "open(os.environ['KIFABRIK_STOP_FILE'] + '.saved', 'w'); sys.exit(1)")
    process = _run(make(tmp_path, command=(sys.executable, "-c", code)))
    wait(lambda: "begun" in (tmp_path / "log").read_text())

    process.send_signal(signal.SIGUSR1)

    assert process.wait(60) == 75


def test_stop_file_of_an_earlier_start_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "stop-1").touch()
    code = "import os; raise SystemExit(os.path.exists(os.environ['KIFABRIK_STOP_FILE']))"

    assert _run(make(tmp_path, command=(sys.executable, "-c", code))).wait(60) == 0


def test_time_before_a_pre_emption_counts(tmp_path: Path) -> None:
    (tmp_path / "stop-1.clock").write_text("3600\n")
    spent = make(tmp_path, command=(sys.executable, "-c", LISTEN), time_limit_seconds=3600)

    assert _run(spent).wait(60) == 124


def test_clock_that_is_no_number_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "stop-1.clock").write_text("a[$(touch pwned)]\n")

    assert _run(make(tmp_path, command=("true",))).wait(60) == 0
    assert not (tmp_path / "pwned").exists()


def test_scratch_folder_is_made_and_wiped(tmp_path: Path) -> None:
    site = SITE.model_copy(update={"scratch": str(tmp_path / "scr atch")})
    (tmp_path / "scr atch").mkdir()
    code = "import os; open(os.path.join(os.environ['TMPDIR'], 'x'), 'w'); print(os.environ['TMPDIR'])"

    assert _run(make(tmp_path, command=(sys.executable, "-c", code)), site).wait(60) == 0

    assert (tmp_path / "log").read_text().startswith(str(tmp_path / "scr atch" / "kifabrik-"))
    assert list((tmp_path / "scr atch").iterdir()) == []


def _run(spec: JobSpec, site: SiteProfile = SITE) -> subprocess.Popen[bytes]:
    script = spec.folder / "script"
    script.write_text(job_script(spec, site))
    with (spec.folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["bash", str(script)], stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin", "SLURM_JOB_ID": "0"}
        )
