"""The portal in memory that the agent is tested against answers as the real site API does, request by request."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from tests.fakes.cluster import ENDLESS, FAILURE, KILLED, LOST, QUICK_SUCCESS, SUCCESS, ScriptedExecutor
from tests.fakes.portal import FakePortal
from tests.portal.compute import factories
from tests.portal.people.factories import make_token

from kifabrik.core.digests import digest_listing
from kifabrik.portal.compute.models import LedgerTransfer, Run, Usage
from kifabrik.portal.compute.queries.files import path_of
from kifabrik.portal.people.permissions import Scope
from kifabrik.records.run_state import FINAL, RunState
from kifabrik.site.agent import Agent
from kifabrik.site.client import PortalClient

pytestmark = pytest.mark.django_db

DATA = b"a shard of text"
COMPARED = (
    "id", "wanted", "state", "attempts", "recipe", "dataset_digest", "inputs", "time_limit_seconds", "devices",
    "events_known",
)  # fmt: skip


class Killed(BaseException):
    """Kill -9 of the agent."""


class BothPortals:
    """Sends each request to the real API and to the fake, compares the answers, and gives the real one."""

    def __init__(self, django: Client, fake: FakePortal) -> None:
        self.django = django
        self.fake = fake
        self.differences: list[str] = []
        self.requests = 0
        self.kill_at = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        real = self._ask_django(request)
        fake = self.fake.handle(request)
        self._compare(request, real, fake)
        self.requests += 1
        if self.requests == self.kill_at:
            raise Killed
        return real

    def _ask_django(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length"}}
        answer = self.django.generic(
            request.method,
            request.url.raw_path.decode(),
            request.content,
            content_type=request.headers.get("content-type", "application/octet-stream"),
            headers=headers,
        )
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return httpx.Response(answer.status_code, content=content, headers={"content-type": answer["content-type"]})

    def _compare(self, request: httpx.Request, real: httpx.Response, fake: httpx.Response) -> None:
        what = f"{request.method} {request.url.path}"
        if real.status_code != fake.status_code:
            self.differences.append(f"{what}: {real.status_code} {real.text[:300]} / {fake.status_code} {fake.text}")
        elif what.endswith("/site/desired"):
            ours, theirs = ([{key: run[key] for key in COMPARED} for run in json.loads(answer.text)["runs"]]
                for answer in (fake, real))  # fmt: skip
            if ours != theirs:
                self.differences.append(f"{what}: {theirs} / {ours}")
        elif what.startswith("GET /api/v1/files/") and real.content != fake.content:
            self.differences.append(f"{what}: other bytes")
        elif what.endswith("/events") and real.json() != fake.json():
            self.differences.append(f"{what}: {real.text} / {fake.text}")


@pytest.fixture
def place(home):
    return factories.make_place(gpu_seconds=5000, now=timezone.now(), starts_on=None)


def start_story(place, django: Client, *, seconds: int = 900) -> tuple[Run, BothPortals]:
    """Request one run in both portals, with the same budget behind it."""
    listing = factories.make_inputs(place.organisation, place.manager, DATA)
    digest = digest_listing({entry["path"]: entry["digest"] for entry in listing})
    run = factories.start_run(place, seconds=seconds, now=timezone.now(), recipe=factories.make_recipe(dataset=digest))
    secret = make_token(place.operator, scopes=[Scope.SITE], site_code=place.site.code)
    fake = FakePortal(token=secret, budget_gpu_seconds=5000)
    fake.request_run(
        run.pk,
        {entry["path"]: path_of(entry["digest"]).read_bytes() for entry in run.inputs},
        recipe=factories.make_recipe(dataset=digest),
        dataset_digest=run.dataset_digest,
        time_limit_seconds=run.time_limit_seconds,
        inputs=run.inputs,
    )
    return run, BothPortals(django, fake)


def play(home: Path, both: BothPortals, run: Run, executor: ScriptedExecutor, *, stop_after: int = 0) -> None:
    """Let agents come, be killed and come again until neither portal wants anything more."""
    for _round in range(40):
        transport = httpx.MockTransport(both.handle)
        client = PortalClient("http://127.0.0.1", both.fake.token, transport, pause=lambda seconds: None)
        with Agent(client, executor, home, lambda: datetime.now(UTC)) as agent:
            try:
                report = agent.step()
            except Killed:
                continue
        if stop_after and executor.starts >= stop_after:
            Run.objects.filter(pk=run.pk).update(wanted="stop")
            both.fake.runs[run.pk].wanted = "stop"
        run.refresh_from_db()
        if RunState(run.state) in FINAL and report.runs == 0:
            return
    raise AssertionError("the run never ends")


STORIES = [
    pytest.param((SUCCESS,), RunState.SUCCEEDED, 0, id="success"),
    pytest.param((QUICK_SUCCESS,), RunState.SUCCEEDED, 0, id="success-before-anybody-looks"),
    pytest.param((KILLED, SUCCESS), RunState.SUCCEEDED, 0, id="killed-then-success"),
    pytest.param((LOST, LOST, LOST), RunState.FAILED, 0, id="lost-three-times"),
    pytest.param((FAILURE,), RunState.FAILED, 0, id="failure"),
    pytest.param((ENDLESS,), RunState.CANCELLED, 1, id="stopped"),
]


@pytest.mark.parametrize("kill_at", [0, 3, 4, 5, 6, 8, 11])
@pytest.mark.parametrize(("scripts", "state", "stop_after"), STORIES)
def test_fake_and_real_portal_tell_the_same_story(place, client, tmp_path, scripts, state, stop_after, kill_at) -> None:
    run, both = start_story(place, client)
    both.kill_at = kill_at
    executor = ScriptedExecutor(tmp_path / "site", scripts)

    play(tmp_path / "site", both, run, executor, stop_after=stop_after)

    fake = both.fake.runs[run.pk]
    assert both.differences == []
    assert (run.state, run.attempts, executor.starts) == (state, len(scripts), len(scripts))
    assert (fake.state, fake.reason, fake.job_id) == (run.state, run.reason, run.job_id)
    booked = {usage.key: usage.gpu_seconds for usage in Usage.objects.all()}
    assert booked == {key: record.gpu_seconds for key, record in both.fake.usage.items()}
    assert booked == {f"{run.pk}:{number}": 7 for number in range(1, len(scripts) + 1)}
    assert (run.manifest, run.evaluation) == (fake.manifest, fake.evaluation)
    assert (run.manifest is not None) == (state is RunState.SUCCEEDED)
    assert {entry["path"] for entry in run.outputs} == {entry["path"] for entry in fake.outputs}
    assert run.events.count() == len(fake.events) == len(scripts)


def test_both_refuse_what_the_budget_does_not_hold(place, client, tmp_path: Path) -> None:
    run, both = start_story(place, client, seconds=3000)
    second, both_second = start_story(place, client, seconds=2000)
    both.fake.runs |= both_second.fake.runs
    both.fake.files |= both_second.fake.files
    # Between the request and the reservation the budget shrank, as when an overdraft was booked meanwhile.
    LedgerTransfer.objects.filter(kind="grant").update(gpu_seconds=4000)
    both.fake.budget = 4000
    executor = ScriptedExecutor(tmp_path / "site", [SUCCESS])
    executor.scripts = [ENDLESS]

    transport = httpx.MockTransport(both.handle)
    client = PortalClient("http://127.0.0.1", both.fake.token, transport, pause=lambda seconds: None)
    make_token(place.operator, scopes=[Scope.SITE], site_code=place.site.code)
    with Agent(client, executor, tmp_path / "site", lambda: datetime.now(UTC)) as agent:
        agent.step()

    run.refresh_from_db()
    second.refresh_from_db()
    assert [difference for difference in both.differences if "409" not in difference] == []
    assert (run.state, second.state) == ("submitted", "refused")
    assert both.fake.runs[second.pk].state == "refused"
