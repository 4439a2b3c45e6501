"""The agent killed at every boundary, before and after each request and call to the cluster, then started again."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from tests.fakes import walk
from tests.fakes.cluster import ENDLESS, FAILURE, KILLED, LOST, QUICK_SUCCESS, SUCCESS, Script, ScriptedExecutor
from tests.fakes.portal import FakePortal, FakeRun

from kifabrik.records.run_state import FINAL, RunState
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient

FILES = {"behaviour": b"steps 1", "card.json": b"{}"}


class Killed(BaseException):
    """What kill -9 is to a test: nothing catches it."""


class Boundaries:
    """Counts boundaries and kills at the chosen ones."""

    def __init__(self, kill_at: set[int]) -> None:
        self.kill_at = kill_at
        self.passed = 0

    def cross(self, _request: httpx.Request | None = None) -> None:
        self.passed += 1
        if self.passed in self.kill_at:
            raise Killed


def play(home: Path, scripts: Sequence[Script], kill_at: set[int], *, stop_after: int = 0):
    """Play one story with kills; returns the run, the portal, the executor and how many boundaries there were."""
    portal = FakePortal()
    run = portal.request_run("run-a", FILES)
    executor = ScriptedExecutor(home, scripts)
    boundaries = Boundaries(kill_at)
    portal.before = portal.after = boundaries.cross
    executor.boundary = boundaries.cross
    for _round in range(60):
        client = PortalClient("http://127.0.0.1", "secret", portal.transport(), pause=lambda seconds: None)
        with Agent(client, executor, home, lambda: datetime.now(UTC)) as agent:
            try:
                agent.step()
            except Killed:
                continue
        if stop_after and executor.starts >= stop_after:
            run.wanted = "stop"
        if run.state in FINAL and not portal._is_wanted(run):
            return run, portal, executor, boundaries.passed
    raise AssertionError("the run never ends")


def check(run: FakeRun, portal: FakePortal, executor: ScriptedExecutor, *, state: RunState, attempts: int) -> None:
    assert (run.state, executor.starts) == (state, attempts)
    assert sorted(portal.usage) == [f"run-a:{number}" for number in range(1, attempts + 1)]
    assert portal.posted == dict.fromkeys(portal.usage, 7)
    assert portal.open_reservations == set()
    assert sorted(run.events) == list(range(1, attempts + 1))
    assert (run.manifest is not None) == (state is RunState.SUCCEEDED)
    assert run.states.count(f"{state}:{attempts}") == 1


STORIES = [
    pytest.param((SUCCESS,), RunState.SUCCEEDED, 0, id="success"),
    pytest.param((QUICK_SUCCESS,), RunState.SUCCEEDED, 0, id="success-before-anybody-looks"),
    pytest.param((LOST, SUCCESS), RunState.SUCCEEDED, 0, id="lost-then-success"),
    pytest.param((KILLED, LOST, KILLED), RunState.FAILED, 0, id="killed-three-times"),
    pytest.param((FAILURE,), RunState.FAILED, 0, id="failure"),
    pytest.param((ENDLESS,), RunState.CANCELLED, 1, id="stopped"),
    pytest.param((LOST, ENDLESS), RunState.CANCELLED, 2, id="stopped-in-the-second-attempt"),
]


@pytest.mark.parametrize(("scripts", "state", "stop_after"), STORIES)
def test_agent_killed_at_any_boundary_changes_nothing(tmp_path: Path, scripts, state, stop_after: int) -> None:
    for kill_at in itertools.count(0):  # boundary 0 is never crossed: the undisturbed story
        home = tmp_path / str(kill_at)
        run, portal, executor, boundaries = play(home, scripts, {kill_at}, stop_after=stop_after)
        check(run, portal, executor, state=state, attempts=len(scripts))
        if kill_at > boundaries:
            break

    assert kill_at > 10


@pytest.mark.parametrize("seed", range(30))
def test_agent_killed_again_and_again_changes_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    scripts, state, stop_after = chance.choice(STORIES).values
    kill_at = {chance.randrange(1, 60) for _ in range(8)}

    run, portal, executor, _ = play(tmp_path, scripts, kill_at, stop_after=stop_after)

    check(run, portal, executor, state=state, attempts=len(scripts))


PATIENCE_SECONDS = 60  # generous: a busy machine starts a Python in seconds
AGENT = """
import sys, threading
from datetime import UTC, datetime
from pathlib import Path
from kifabrik.cluster.local import LocalExecutor
from kifabrik.site import agent
from kifabrik.site.client import PortalClient
home, port, walk = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
agent.BUSY_SECONDS = agent.IDLE_SECONDS = 0.02
def command(run, recipe, folder, dataset):
    options = ("--folder", str(folder), "--dataset", str(dataset), "--run-id", run.id)
    return (sys.executable, walk, str(recipe), *options)
client = PortalClient(f"http://127.0.0.1:{port}", "secret")
one = agent.Agent(client, LocalExecutor(home / "jobs", devices=2), home, lambda: datetime.now(UTC), command=command)
one.loop(threading.Event())
"""


@contextmanager
def door(portal: FakePortal) -> Iterator[int]:
    """Let a portal in memory answer on a real port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = portal.handle(httpx.Request(self.command, f"http://127.0.0.1{self.path}",
                headers=dict(self.headers), content=body))  # fmt: skip
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.send_header("content-type", answer.headers.get("content-type", ""))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_HEAD = answer  # noqa: N815  # the library asks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the agent was killed

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_agent_process_killed_with_signal_nine_many_times_runs_each_run_once(tmp_path: Path) -> None:
    portal = FakePortal()
    runs = [portal.request_run(f"run-{name}", {"behaviour": b"steps 8"}) for name in "abc"]
    chance = random.Random(7)

    def is_over() -> bool:
        return all(run.state in FINAL for run in runs)

    with door(portal) as port:
        arguments = [sys.executable, "-c", AGENT, str(tmp_path), str(port), str(Path(walk.__file__))]
        until = time.monotonic() + PATIENCE_SECONDS
        kills = 0
        while not is_over():
            enough = len(portal.calls) + (chance.randrange(4, 20) if kills < 5 else 10_000)
            with subprocess.Popen(arguments) as agent:
                while len(portal.calls) < enough and time.monotonic() < until and not is_over():
                    time.sleep(0.005)
                os.kill(agent.pid, signal.SIGKILL)
                kills += 1
            assert time.monotonic() < until

    assert kills >= 3
    for run in runs:
        assert (run.state, len((tmp_path / "runs" / run.id / "starts").read_text())) == (RunState.SUCCEEDED, 1)
        assert sorted(run.events) == list(range(1, 9))
    assert sorted(portal.usage) == ["run-a:1", "run-b:1", "run-c:1"]
    assert portal.open_reservations == set()
