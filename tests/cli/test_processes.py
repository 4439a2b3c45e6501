"""Processes are kept running side by side and end together."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kifabrik.cli import processes
from kifabrik.cli.processes import Keeper

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path)
    yield keeper
    keeper.end()


def read_pid(keeper: Keeper, name: str) -> int:
    return int((keeper.folder / f"{name}.pid").read_text())


def watch_until(keeper: Keeper, condition) -> list[str]:
    news = []
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        news += keeper.watch()
        time.sleep(0.02)
    return news


def test_a_killed_process_starts_again_and_says_so(keeper: Keeper) -> None:
    keeper.add("sleeper", SLEEP, {})
    first = read_pid(keeper, "sleeper")

    os.kill(first, signal.SIGKILL)
    news = watch_until(keeper, lambda: read_pid(keeper, "sleeper") != first)

    assert len(news) == 1
    assert news[0].startswith("sleeper ended with -9; it starts again in 1 s")
    assert psutil.pid_exists(read_pid(keeper, "sleeper"))


def test_the_pause_grows_for_a_process_that_dies_at_once(keeper: Keeper) -> None:
    keeper.add("broken", [sys.executable, "-c", "raise SystemExit(3)"], {})

    news = watch_until(keeper, lambda: keeper.kept[0].starts == 3)

    assert [line.split(" starts again in ")[1].split(" s")[0] for line in news[:2]] == ["1", "2"]


def test_the_end_ends_everything(keeper: Keeper) -> None:
    for name in ("one", "two"):
        keeper.add(name, SLEEP, {})
    pids = [read_pid(keeper, name) for name in ("one", "two")]

    keeper.end()

    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert list(keeper.folder.glob("*.pid")) == []


def test_a_process_that_does_not_listen_is_killed(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    keeper.add("deaf", [sys.executable, "-c", deaf], {})
    watch_until(keeper, lambda: "deaf" in (keeper.folder / "deaf.log").read_text())
    pid = read_pid(keeper, "deaf")

    keeper.end()

    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_nothing_outlives_a_killed_keeper(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from kifabrik.cli.processes import Keeper;"
        f"Keeper(Path({str(tmp_path)!r})).add('sleeper', {SLEEP!r}, {{}}); time.sleep(60)"
    )
    parent = Keeper(tmp_path / "parent")
    parent.add("keeper", [sys.executable, "-c", code], {})
    watch_until(parent, (tmp_path / "sleeper.pid").exists)
    child = int((tmp_path / "sleeper.pid").read_text())

    os.kill(read_pid(parent, "keeper"), signal.SIGKILL)
    watch_until(Keeper(tmp_path / "none"), lambda: not psutil.pid_exists(child))

    parent.end()
