"""An agent with a real local executor and a portal in memory."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.portal import FakePortal

from kifabrik.cluster.jobs import ENDED
from kifabrik.cluster.local import LocalExecutor
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import DesiredRun

WALK = Path(__file__).parents[1] / "fakes" / "walk.py"
PATIENCE_SECONDS = 20


def fake_walk(run: DesiredRun, recipe: Path, folder: Path, dataset: Path) -> tuple[str, ...]:
    options = ("--folder", str(folder), "--dataset", str(dataset), "--run-id", run.id)
    return (sys.executable, str(WALK), str(recipe), *options)


class Workplace:
    """A site: one home folder, in which agents come and go."""

    def __init__(self, home: Path, portal: FakePortal) -> None:
        self.home = home
        self.portal = portal
        self.executor = LocalExecutor(home / "jobs", devices=2)

    def client(self) -> PortalClient:
        return PortalClient("http://127.0.0.1", "secret", self.portal.transport(), pause=lambda seconds: None)

    def agent(self) -> Agent:
        return Agent(
            self.client(), self.executor, self.home, lambda: datetime.now(UTC), command=fake_walk, clock=lambda: 0.0
        )

    def work_until(self, condition: Callable[[], bool]) -> None:
        with self.agent() as agent:
            until = time.monotonic() + PATIENCE_SECONDS
            while not condition():
                assert time.monotonic() < until, "waited too long"
                agent.step()
                time.sleep(0.03)

    def starts(self, run_id: str) -> int:
        path = self.home / "runs" / run_id / "starts"
        return len(path.read_text()) if path.exists() else 0

    def close(self) -> None:
        names = [path.name for path in (self.home / "jobs" / "jobs").iterdir() if not path.name.startswith(".")]
        refs = [ref for name in names if (ref := self.executor.find(":".join(name.rsplit(".", 1))))]
        until = time.monotonic() + PATIENCE_SECONDS
        while any(report.state not in ENDED for report in self.executor.poll(refs).values()):
            assert time.monotonic() < until, "waited too long"
            for ref in refs:
                self.executor.cancel(ref)
            time.sleep(0.05)


@pytest.fixture
def portal() -> FakePortal:
    return FakePortal()


@pytest.fixture
def workplace(tmp_path: Path, portal: FakePortal) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path / "site", portal)
    yield workplace
    workplace.close()
