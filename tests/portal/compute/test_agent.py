"""The real agent, the real local executor and the real portal in one process: a run from wish to booked usage."""

import sys
import time
from datetime import UTC, datetime

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from tests.portal.compute.factories import (
    NOW,
    make_evaluation,
    make_events,
    make_manifest,
    make_place,
    site_token,
    start_run,
)

from kifabrik.cluster.local import LocalExecutor
from kifabrik.core.digests import digest_bytes
from kifabrik.ledger.books import check_invariants
from kifabrik.portal.compute.queries.budgets import balance_of, read_transfers
from kifabrik.portal.compute.queries.files import held_by
from kifabrik.portal.compute.services import runs
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient

pytestmark = pytest.mark.django_db
PATIENCE_SECONDS = 60
WEIGHTS = b"the weights"


@pytest.fixture
def place():
    today = datetime.now(UTC).date()
    return make_place(starts_on=today.replace(day=1), ends_on=today.replace(year=today.year + 1, day=1))


@pytest.fixture(autouse=True)
def _keep_connection():
    """The portal answers inside the test's transaction, so the end of a request must not close the connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def make_agent(place, tmp_path):
    """Make agents for one home; `command` is what a job does instead of the walk."""
    made = []

    def make(command) -> Agent:
        client = PortalClient(
            "http://127.0.0.1",
            site_token(place),
            transport=httpx.WSGITransport(app=get_wsgi_application()),
            pause=lambda _: None,
        )
        home = tmp_path / "site"
        made.append(Agent(client, LocalExecutor(home / "jobs"), home, lambda: datetime.now(UTC), command=command))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


def step_until(agent: Agent, run, states) -> None:
    """Let the agent do rounds until the run stands in one of the states."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        report = agent.step()
        run.refresh_from_db()
        if run.state in states:
            return
        time.sleep(0.1)
    raise AssertionError(f"the run stays {run.state}: {report}")


def prepare_results(run, folder):
    """Write what a walk leaves, so that a job only has to copy it."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_bytes(WEIGHTS)
    make_manifest(run).write(folder / "manifest.json")
    make_evaluation(run).write(folder / "evaluation.json")
    events = make_events({"kind": "attempt"}, {"kind": "sample", "step": "pretraining", "message": "words"})
    (folder / "events.jsonl").write_bytes(b"".join(event.as_json() + b"\n" for event in events))


def test_a_run_goes_from_wish_to_released_bytes(place, make_agent, tmp_path) -> None:
    run = start_run(place, now=datetime.now(UTC))
    results = tmp_path / "results"
    prepare_results(run, results)
    code = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    agent = make_agent(lambda _run, _recipe, folder, _dataset: (sys.executable, "-c", code, str(results), str(folder)))

    step_until(agent, run, {"succeeded", "failed"})

    assert (run.state, run.reason) == ("succeeded", "")
    assert run.events.count() == 2
    assert held_by(place.organisation, [digest_bytes(WEIGHTS)]) == {digest_bytes(WEIGHTS): len(WEIGHTS)}
    booked = balance_of(place.allocation.pk)
    assert booked.reserved == 0
    assert booked.consumed == run.usage.get().gpu_seconds > 0
    assert check_invariants(read_transfers(place.allocation.pk)) == ()
    assert agent.step().runs == 0


def test_a_cancelled_run_stops_and_what_it_used_is_booked(place, make_agent) -> None:
    run = start_run(place, now=datetime.now(UTC))
    agent = make_agent(lambda *_: (sys.executable, "-c", "import time; time.sleep(60)"))
    step_until(agent, run, {"running"})

    runs.cancel(by=place.manager, run=run, now=NOW)
    step_until(agent, run, {"cancelled"})

    booked = balance_of(place.allocation.pk)
    assert (booked.reserved, run.usage.count()) == (0, 1)
    assert 0 < booked.consumed < 60


def test_a_failing_run_says_why_and_books(place, make_agent) -> None:
    run = start_run(place, now=datetime.now(UTC))
    agent = make_agent(lambda *_: (sys.executable, "-c", "import sys; print('no such tokenizer'); sys.exit(3)"))

    step_until(agent, run, {"failed"})

    assert "no such tokenizer" in run.reason
    assert balance_of(place.allocation.pk).reserved == 0


def test_a_run_the_budget_no_longer_holds_is_refused(place, make_agent) -> None:
    run = start_run(place, now=datetime.now(UTC))
    run.reserved_gpu_seconds = 10**9
    run.save()

    step_until(make_agent(lambda *_: (sys.executable, "-c", "")), run, {"refused"})

    assert "budget" in run.reason
    assert balance_of(place.allocation.pk).reserved == 0
