"""The loop: a portal that refuses or is away is said once, jobs move on, and a new token is taken up."""

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.cluster import SUCCESS, ScriptedExecutor
from tests.fakes.portal import FakePortal

from kifabrik.site import agent as agents
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient


class Rounds(threading.Event):
    """Ends the loop after some waits; `between` happens in each."""

    def __init__(self, rounds: int, between=lambda number: None) -> None:
        super().__init__()
        self.left = rounds
        self.waited: list[float] = []
        self.between = between

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        self.between(len(self.waited))
        if len(self.waited) >= self.left:
            self.set()
        return self.is_set()


def test_expired_token_is_said_once_and_a_new_one_is_taken_up(tmp_path: Path, caplog) -> None:
    portal = FakePortal(token="new")
    client = PortalClient("http://127.0.0.1", "old", portal.transport(), pause=lambda seconds: None)
    token = ["old"]
    rounds = Rounds(6, between=lambda number: token.__setitem__(0, "new" if number >= 4 else "old"))
    with (
        caplog.at_level(logging.INFO, "kifabrik.site"),
        Agent(client, ScriptedExecutor(tmp_path, [SUCCESS]), tmp_path, lambda: datetime.now(UTC),
            renew_token=lambda: client.use_token(token[0])) as agent,
    ):  # fmt: skip
        agent.loop(rounds)

    said = [record.getMessage() for record in caplog.records]
    assert rounds.waited == [agents.PAUSE_SECONDS_MAX] * 4 + [agents.IDLE_SECONDS] * 2
    assert len([words for words in said if "refuses this agent's token" in words]) == 1
    assert said[-1] == "portal answers again after rounds=4"


def test_disk_error_is_a_trouble_of_its_run_and_not_the_end(tmp_path: Path) -> None:
    portal = FakePortal()
    broken = portal.request_run("run-a", {"behaviour": b"steps 1"})
    well = portal.request_run("run-b", {"behaviour": b"steps 1"})
    client = PortalClient("http://127.0.0.1", "secret", portal.transport(), pause=lambda seconds: None)
    (tmp_path / "runs" / "run-a").mkdir(parents=True)
    (tmp_path / "runs" / "run-a" / "events.jsonl").mkdir()  # reading it is an error of the disk
    with Agent(client, ScriptedExecutor(tmp_path, [SUCCESS]), tmp_path, lambda: datetime.now(UTC),
            clock=lambda: 0.0) as agent:  # fmt: skip
        report = agent.step()
        findings = {finding.where: finding.code for finding in portal.findings}
        portal.runs.pop(broken.id)
        agent.step()

    assert len(report.troubles) == 1
    assert report.deeds == (f"{well.id}: submitted attempt=1 job={well.id}:1",)
    assert findings == {broken.id: "site.trouble"}
    assert portal.findings == []


@pytest.mark.parametrize("away", [True, False])
def test_pauses_grow_while_the_portal_is_away(tmp_path: Path, away: bool) -> None:
    portal = FakePortal()
    client = PortalClient("http://127.0.0.1", "secret", portal.transport(), pause=lambda seconds: None)
    if away:
        import httpx

        def refuse(request: object) -> None:
            raise httpx.ConnectError("away")

        portal.before = refuse
    rounds = Rounds(8)
    with Agent(client, ScriptedExecutor(tmp_path, []), tmp_path, lambda: datetime.now(UTC)) as agent:
        agent.loop(rounds)

    assert rounds.waited == ([2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0] if away else [agents.IDLE_SECONDS] * 8)
