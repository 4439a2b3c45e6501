"""Kill -9 of portal, agent and job in the middle of training: the run ends once, in the model of an undisturbed run."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kifabrik.workbench import recipes

pytestmark = pytest.mark.slow
SOURCES = [
    "ast.py",
    "calendar.py",
    "cmd.py",
    "csv.py",
    "heapq.py",
    "locale.py",
    "pprint.py",
    "shelve.py",
    "textwrap.py",
]
PRETRAINING_STEPS, FINE_TUNING_STEPS = 1500, 60


def kifabrik(*words: str, home: Path, **kinds) -> subprocess.Popen[str]:
    environment = {**os.environ, "KIFABRIK_HOME": str(home), "KIFABRIK_DATABASE_URL": ""}
    command = [sys.executable, "-m", "kifabrik", *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], object], *, seconds: float = 180, what: str, watched=None) -> object:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if found := condition():
            return found
        if watched is not None and watched.poll() is not None:
            raise AssertionError(f"the demo ended before {what}")
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in SOURCES:
        shutil.copy(Path(sysconfig.get_path("stdlib")) / name, folder)
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    text = recipes.find("step-boxed-test").read_text()
    text = text.replace("steps: 60", f"steps: {PRETRAINING_STEPS}").replace("steps: 30", f"steps: {FINE_TUNING_STEPS}")
    path = tmp_path / "recipe.yaml"
    path.write_text(text.replace("checkpoint_every_steps: 10", "checkpoint_every_steps: 25"))
    return path


def read_model_digest(manifest: Path) -> str:
    record = json.loads(manifest.read_text())
    assert record["finished"] is True
    return str(record["model"]["model_digest"])


def find_job(home: Path) -> psutil.Process | None:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "--run-id" in words and any(str(home) in word for word in words):
            return process
    return None


def count_progress(home: Path) -> int:
    files = list((home / "site").rglob("events.jsonl"))
    return files[0].read_text().count('"checkpoint"') if files else 0


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_killed_processes_change_neither_the_model_nor_the_books(texts: Path, recipe: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    demo = kifabrik("demo", "--once", "--port", str(port), "--data", str(texts), "--recipe", str(recipe), home=home)
    try:
        wait_until(lambda: count_progress(home) >= 2, what="the first checkpoints", watched=demo)
        for victim in ("portal", "agent"):
            kill(int((home / "processes" / f"{victim}.pid").read_text()))
            before = count_progress(home)
            wait_until(lambda before=before: count_progress(home) > before, what=f"life after {victim}", watched=demo)
        job = wait_until(lambda: find_job(home), what="the job", watched=demo)
        kill(job.pid)
        wait_until(lambda: demo.poll() is not None, what="the end of the walk")
    finally:
        demo.kill()
        output = demo.communicate()[0]
        sys.stdout.write(output)  # pytest shows it if the test fails

    manifests = list((home / "site").rglob("manifest.json"))
    assert len(manifests) == 1, output
    assert json.loads(manifests[0].read_text())["finished"] is True, output
    disturbed = read_model_digest(manifests[0])
    assert json.loads(manifests[0].read_text())["attempts"] >= 2
    assert disturbed == train_undisturbed(home, recipe, tmp_path / "undisturbed")
    check_books(home / "portal.sqlite3")


def train_undisturbed(home: Path, recipe: Path, folder: Path) -> str:
    dataset = home / "demo" / "dataset"
    # The finding that the demo's applicant accepted in the portal has to be accepted here as well.
    codes = [row["code"] for row in json.loads((dataset / "card.json").read_text())["findings"]]
    accepted = [word for code in codes for word in ("--accept", code)]
    words = ("run", str(recipe), "--dataset", str(dataset), "--folder", str(folder), *accepted)
    process = kifabrik(*words, home=home)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return read_model_digest(folder / "manifest.json")


def check_books(database: Path) -> None:
    books = sqlite3.connect(database)
    (state, attempts), *others = books.execute("select state, attempts from compute_run").fetchall()
    assert (state, others) == ("succeeded", [])
    assert attempts >= 2
    kinds = dict(books.execute("select kind, count(*) from compute_ledgertransfer group by kind").fetchall())
    assert kinds["grant"] == 1
    assert kinds["reserve"] == attempts
    (used,) = books.execute("select sum(gpu_seconds) from compute_usage").fetchone()
    posted = "select sum(gpu_seconds) from compute_ledgertransfer where kind = 'post'"
    assert books.execute(posted).fetchone() == (used,)
    settled = "select count(distinct reservation_id) from compute_ledgertransfer where kind in ('post', 'void')"
    assert books.execute(settled).fetchone() == (attempts,)
    books.close()
