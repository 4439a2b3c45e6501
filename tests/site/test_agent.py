"""The agent's rounds: begin, report, retry, stop, refuse, bring home."""

import shutil
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest
from tests.fakes.portal import FakePortal, FakeRun
from tests.site.conftest import Workplace

from kifabrik.core.errors import Conflict, Refused, Unavailable
from kifabrik.records.run_state import RunState
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient

QUICK = {"behaviour": b"steps 3", "card.json": b"{}"}
HANG = {"behaviour": b"steps 1 hang"}


def is_over(run: FakeRun) -> bool:
    return run.state in {"succeeded", "failed", "cancelled", "timed-out", "refused"}


def test_run_goes_from_wish_to_outputs(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK)

    workplace.work_until(lambda: is_over(run))

    assert run.state is RunState.SUCCEEDED
    assert run.states[0] == "submitted:1"
    assert run.states[-1] == "succeeded:1"
    assert sorted(run.events) == [1, 2, 3]
    assert {entry["path"] for entry in run.outputs} >= {"model/model.safetensors", "manifest.json", "job-1.log"}
    assert run.manifest is not None
    assert run.manifest["recipe_digest"] == run.recipe.digest()
    usage = portal.usage["run-a:1"]
    assert (usage.devices, usage.exit_code, portal.posted) == (1, 0, {"run-a:1": usage.gpu_seconds})
    assert (workplace.starts("run-a"), portal.open_reservations) == (1, set())


def test_usage_and_outputs_are_there_before_the_final_state(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK)

    workplace.work_until(lambda: is_over(run))

    verbs = [call.rsplit("/", 1)[1] for call in portal.calls if "/site/runs/" in call]
    assert verbs[-1] == "state"
    assert verbs.index("usage") < verbs.index("outputs") < len(verbs) - 1


def test_dataset_is_staged_read_only_once_for_two_runs(workplace: Workplace, portal: FakePortal) -> None:
    first, second = portal.request_run("run-a", QUICK), portal.request_run("run-b", QUICK)

    workplace.work_until(lambda: is_over(first) and is_over(second))

    gets = [call for call in portal.calls if call.startswith("GET /files/")]
    assert len(gets) == 2
    folders = list((workplace.home / "datasets").iterdir())
    assert len(folders) == 1
    assert (folders[0] / "behaviour").stat().st_mode & 0o222 == 0


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (b"steps 1 fail the dataset is too small", "the dataset is too small (the command ended with exit code 2)"),
        (b"steps 1 complain no words", "no words (the command ended with exit code 1)"),
        (
            b"steps 1 unfinished",
            "it ended well, but its papers are not in order: manifest.json does not say that the run is finished",
        ),
    ],
)
def test_failed_run_says_why_and_is_not_tried_again(workplace, portal, behaviour: bytes, reason: str) -> None:
    run = portal.request_run("run-a", {"behaviour": behaviour})

    workplace.work_until(lambda: is_over(run))

    assert (run.state, run.reason) == (RunState.FAILED, reason)
    assert (run.manifest, workplace.starts("run-a")) == (None, 1)
    assert "job-1.log" in {entry["path"] for entry in run.outputs}


def test_killed_job_is_resumed_by_a_second_attempt(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", {"behaviour": b"steps 3 once-killed"})
    portal.budget = 100  # holds a second attempt only once the first one is settled

    workplace.work_until(lambda: is_over(run))

    assert run.state is RunState.SUCCEEDED
    assert [state for state in run.states if state.startswith("submitted")] == ["submitted:1", "submitted:2"]
    assert (sorted(run.events), sorted(portal.usage)) == ([1, 2, 3], ["run-a:1", "run-a:2"])
    assert portal.usage["run-a:1"].exit_code == 137
    assert portal.open_reservations == set()


def test_job_that_is_always_killed_fails_after_three_attempts(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", {"behaviour": b"steps 1 killed"})

    workplace.work_until(lambda: is_over(run))

    assert run.state is RunState.FAILED
    assert run.reason == "all 3 attempts were lost; the last one: a signal ended it from outside: SIGKILL"
    assert (workplace.starts("run-a"), sorted(portal.usage)) == (3, ["run-a:1", "run-a:2", "run-a:3"])


def test_lost_job_without_budget_for_another_attempt_fails(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", {"behaviour": b"steps 1 killed"}, time_limit_seconds=6000)
    portal.budget = 6000

    workplace.work_until(lambda: is_over(run))

    assert run.state is RunState.FAILED
    assert run.reason == "attempt 1 was lost. The budget does not hold another attempt."
    assert (sorted(portal.usage), portal.open_reservations) == (["run-a:1"], set())


def test_killed_supervisor_means_another_attempt(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", HANG)
    begun = workplace.home / "runs" / "run-a" / "begun"
    workplace.work_until(lambda: begun.exists() and begun.read_text() != "")

    supervisor = psutil.Process(int(begun.read_text())).parent()
    assert supervisor is not None
    supervisor.kill()
    workplace.work_until(lambda: workplace.starts("run-a") == 2 and run.state_attempt == 2)
    run.wanted = "stop"
    workplace.work_until(lambda: is_over(run))

    assert (run.state, run.reason) == (RunState.CANCELLED, "cancelled")
    assert (sorted(portal.usage), workplace.starts("run-a")) == (["run-a:1", "run-a:2"], 2)


def test_time_limit_is_final(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", HANG, time_limit_seconds=1)

    workplace.work_until(lambda: is_over(run))

    assert (run.state, run.reason) == (RunState.TIMED_OUT, "it reached its time limit of 1 s")
    assert (workplace.starts("run-a"), portal.usage["run-a:1"].gpu_seconds) == (1, portal.posted["run-a:1"])


def test_run_that_should_stop_before_it_began_never_begins(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK)
    portal.reserved["run-a:1"], run.attempts, run.wanted = 60, 1, "stop"  # an agent was killed after it reserved

    workplace.work_until(lambda: is_over(run))

    assert (run.state, workplace.starts("run-a")) == (RunState.CANCELLED, 0)
    assert (portal.open_reservations, portal.usage["run-a:1"].gpu_seconds) == (set(), 0)


def test_run_beyond_the_budget_is_refused_with_the_portals_reason(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK, time_limit_seconds=10_001)

    workplace.work_until(lambda: is_over(run))

    assert (run.state, run.reason) == (RunState.REFUSED, "The budget does not hold another attempt.")
    assert (workplace.starts("run-a"), portal.usage) == (0, {})


def test_run_that_asks_for_more_devices_than_the_site_has_is_refused(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK, devices=3)

    workplace.work_until(lambda: is_over(run))

    assert run.state is RunState.REFUSED
    assert "asks for 3 devices and this cluster has 2" in run.reason
    assert portal.open_reservations == set()


def test_damaged_input_troubles_one_run_and_no_other(workplace: Workplace, portal: FakePortal) -> None:
    broken = portal.request_run("run-a", {"behaviour": b"steps 1", "more": b"more"})
    portal.files[broken.inputs[1]["digest"]] = b"something else"
    run = portal.request_run("run-b", QUICK)

    workplace.work_until(lambda: is_over(run))

    with workplace.agent() as agent:
        report = agent.step()
    assert (run.state, broken.state) == (RunState.SUCCEEDED, RunState.REQUESTED)
    assert len(report.troubles) == 1
    assert "the file keeps arriving broken" in report.troubles[0]


def test_input_that_would_leave_its_folder_is_refused(workplace: Workplace, portal: FakePortal, tmp_path: Path) -> None:
    run = portal.request_run("run-a", {"../../escaped": b"x"})

    workplace.work_until(lambda: is_over(run))

    assert (run.state, run.reason) == (
        RunState.REFUSED,
        "../../escaped: the dataset has a file with an unsafe or doubled name.",
    )
    assert not list(tmp_path.rglob("escaped"))


def test_outputs_that_the_portal_does_not_accept_fail_the_run(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK)

    def forget_weights(request: httpx.Request) -> None:
        if request.url.path.endswith("/outputs"):
            portal.files = {digest: data for digest, data in portal.files.items() if data != b"weights" * 1000}

    portal.before = forget_weights
    workplace.work_until(lambda: is_over(run))

    assert run.state is RunState.FAILED
    assert "the portal did not accept what the run left: model/model.safetensors is not in the store." in run.reason


def test_events_written_while_running_arrive_while_running(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", {"behaviour": b"steps 2 hang"})

    workplace.work_until(lambda: len(run.events) == 2 and run.state is RunState.RUNNING)


def test_portal_that_forgot_events_gets_them_again(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", {"behaviour": b"steps 3 hang"})
    with workplace.agent() as agent:
        while len(run.events) < 3:
            agent.step()

        del run.events[2]
        del run.events[3]
        agent.step()

    assert sorted(run.events) == [1, 2, 3]


def test_run_begun_from_another_home_is_left_alone_until_people_decide(
    workplace: Workplace, portal: FakePortal
) -> None:
    run = portal.request_run("run-a", QUICK, state=RunState.RUNNING, attempts=1, state_attempt=1)
    portal.reserved["run-a:1"] = 60
    with workplace.agent() as agent:
        report = agent.step()
    assert report.troubles[0].startswith("run-a: run-a: this run was begun from another home folder")
    assert run.state is RunState.RUNNING

    run.wanted = "stop"
    workplace.work_until(lambda: is_over(run))

    assert (run.state, portal.open_reservations) == (RunState.CANCELLED, set())


def test_succeeded_run_without_papers_gets_them(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", QUICK)
    workplace.work_until(lambda: is_over(run))
    run.manifest, run.evaluation, run.outputs = None, None, []

    workplace.work_until(lambda: run.manifest is not None)

    assert run.states[-1] == "succeeded:1"
    assert len(run.outputs) >= 5


def test_second_agent_in_one_home_is_refused_until_the_first_is_gone(workplace: Workplace) -> None:
    with workplace.agent(), pytest.raises(Conflict, match="another site agent works in this folder"):
        workplace.agent()
    workplace.agent().close()


def test_wrong_token_is_said_in_words(workplace: Workplace, portal: FakePortal) -> None:
    portal.token = "another"

    with workplace.agent() as agent, pytest.raises(Refused, match="Sign in first"):
        agent.step()


def test_portal_of_another_version_is_said_in_words(workplace: Workplace) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"site": "laptop"}))
    client = PortalClient("http://127.0.0.1", "secret", transport)

    with (
        Agent(client, workplace.executor, workplace.home, lambda: None) as agent,
        pytest.raises(Unavailable, match="cannot be read"),
    ):
        agent.step()


def test_loop_outlives_a_portal_that_is_away_and_goes_on(workplace: Workplace, portal: FakePortal, monkeypatch) -> None:
    run = portal.request_run("run-a", QUICK)
    stop = threading.Event()
    pauses: list[float] = []
    away = {"calls": 0}

    def be_away(request: httpx.Request) -> None:
        away["calls"] += 1
        if 3 < away["calls"] < 60:
            raise httpx.ConnectError("connection refused")
        if is_over(run):
            stop.set()

    portal.before = be_away
    monkeypatch.setattr(stop, "wait", lambda seconds: pauses.append(seconds) or threading.Event().wait(0.05))
    with workplace.agent() as agent:
        agent.loop(stop)

    assert run.state is RunState.SUCCEEDED
    assert workplace.starts("run-a") == 1
    assert max(pauses) == 60.0
    assert {2.0, 4.0, 8.0, 16.0, 32.0} < set(pauses)


def test_job_goes_on_while_no_agent_is_there(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", {"behaviour": b"steps 10"})
    workplace.work_until(lambda: run.state is RunState.RUNNING)
    for _ in range(100):
        if (workplace.home / "runs" / "run-a" / "manifest.json").exists():
            break
        threading.Event().wait(0.05)

    workplace.work_until(lambda: is_over(run))

    assert (run.state, workplace.starts("run-a"), len(run.events)) == (RunState.SUCCEEDED, 1, 10)


def test_lost_job_records_do_not_start_a_second_job(workplace: Workplace, portal: FakePortal) -> None:
    run = portal.request_run("run-a", HANG)
    begun = workplace.home / "runs" / "run-a" / "begun"
    workplace.work_until(lambda: begun.exists() and begun.read_text() != "" and run.state is RunState.RUNNING)

    pid = int(begun.read_text())
    shutil.rmtree(workplace.home / "jobs" / "jobs" / "run-a.1")
    with workplace.agent() as agent:
        report = agent.step()

    assert len(report.troubles) == 1
    assert workplace.starts("run-a") == 1
    until = time.monotonic() + 10
    while psutil.pid_exists(pid):  # its supervisor notices that the folder is gone
        assert time.monotonic() < until
        time.sleep(0.05)
