"""What the operator is told: causes as long as they hold, events for a day, each change once."""

import httpx
from tests.fakes.portal import FakePortal, Problem

from kifabrik.core.findings import Finding, Severity
from kifabrik.site.client import PortalClient
from kifabrik.site.notices import AGAIN_SECONDS, EVENT_SECONDS, Notices

LIGHT = Finding("site.light", Severity.INFO, "light")
HEAVY = Finding("site.heavy", Severity.SERIOUS, "heavy")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make(portal: FakePortal) -> tuple[Notices, Clock]:
    clock = Clock()
    client = PortalClient("http://127.0.0.1", "secret", portal.transport(), pause=lambda seconds: None)
    return Notices(client, clock=clock), clock


def test_list_is_posted_when_it_changes_and_once_an_hour() -> None:
    portal = FakePortal()
    notices, clock = make(portal)
    notices.replace("a", [LIGHT])
    notices.replace("b", [HEAVY, LIGHT])

    assert [notices.post(at="2026-11-24T12:00:00Z") for _ in range(2)] == [True, False]
    assert portal.findings == [HEAVY, LIGHT]
    clock.now += AGAIN_SECONDS
    assert notices.post(at="2026-11-24T13:00:00Z")
    notices.replace("b", [])
    assert notices.post(at="2026-11-24T13:00:00Z")
    assert portal.findings == [LIGHT]


def test_first_empty_list_is_posted_because_an_earlier_agent_may_have_left_some() -> None:
    portal = FakePortal()
    portal.findings = [HEAVY]
    notices, _ = make(portal)

    assert notices.post(at="2026-11-24T12:00:00Z")
    assert portal.findings == []


def test_event_is_told_for_a_day() -> None:
    portal = FakePortal()
    notices, clock = make(portal)
    notices.add(HEAVY)

    assert notices.open_findings() == (HEAVY,)
    clock.now += EVENT_SECONDS
    assert notices.open_findings() == ()


def test_portal_without_a_place_for_findings_is_no_trouble() -> None:
    portal = FakePortal()

    def refuse(request: httpx.Request) -> None:
        raise Problem(404, "not-found", "There is no such page.")

    notices, _ = make(portal)
    portal.handle = lambda request: Problem(404, "not-found", "No such page.").answer  # type: ignore[method-assign]
    notices, _ = make(portal)

    assert notices.post(at="2026-11-24T12:00:00Z")
