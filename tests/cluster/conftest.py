"""A local executor in a temporary folder, and small jobs for it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cluster.patience import wait

from kifabrik.cluster.jobs import ENDED, JobSpec
from kifabrik.cluster.local import LocalExecutor


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    executor = LocalExecutor(tmp_path / "state")
    yield executor
    leave_nothing(executor, tmp_path / "state")


def leave_nothing(executor: LocalExecutor, state: Path) -> None:
    names = [path.name.replace(".", ":") for path in (state / "jobs").iterdir() if not path.name.startswith(".")]
    refs = [ref for ref in map(executor.find, names) if ref]
    for ref in refs:
        executor.cancel(ref)
    wait(lambda: all(report.state in ENDED for report in executor.poll(refs).values()))


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., JobSpec]:
    def make(name: str, code: str, *, attempt: int = 1, **changes: object) -> JobSpec:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        values = {
            "key": f"{name}:{attempt}",
            "run_id": name,
            "attempt": attempt,
            "command": (sys.executable, "-c", code),
            "folder": folder,
            "devices": 1,
            "time_limit_seconds": 60,
            "grace_seconds": 1,
        }
        return JobSpec(**{**values, **changes})  # type: ignore[arg-type]

    return make
