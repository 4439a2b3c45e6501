"""Bringing accounting to the portal: changed jobs only, a cursor that passes nothing, bad rows left out."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
from tests.fakes.portal import FakePortal, Problem

from kifabrik.cluster.slurm.accounting import RUNAWAY
from kifabrik.cluster.slurm.accounting_import import Controller
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import Unavailable
from kifabrik.records import AccountedJob
from kifabrik.site.accounting import AccountingImport
from kifabrik.site.client import PortalClient
from kifabrik.site.notices import Notices

BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Cluster:
    """A cluster's accounting in memory, and its controller's clock."""

    def __init__(self) -> None:
        self.jobs: dict[str, AccountedJob] = {}
        self.now = BEGIN
        self.undelivered = 0

    def controller(self) -> Controller:
        return Controller(self.now, "1", self.undelivered)

    def add(self, number: str, **changes: object) -> None:
        facts = {
            "cluster": "c",
            "job_id": number,
            "submitted_at": BEGIN.isoformat(),
            "account": "kf-one",
            "state": "COMPLETED",
            "started_at": BEGIN.isoformat(),
            "ended_at": self.now.isoformat(),
            "gpu_seconds": 10,
        }
        self.jobs[number] = AccountedJob.model_validate({**facts, **changes})

    def read(self, accounts: Sequence[str]) -> Iterator[AccountedJob]:
        yield from [job for job in self.jobs.values() if job.account in accounts]

    def read_numbers(self, numbers: Sequence[str]) -> Iterator[AccountedJob]:
        yield from [self.jobs[number] for number in numbers if number in self.jobs]

    def find_changed(self, *, since: datetime, prefix: str) -> dict[str, str]:
        return {
            number: job.account
            for number, job in self.jobs.items()
            if job.account.startswith(prefix)
            and (job.ended_at is None or datetime.fromisoformat(job.ended_at) >= since)
        }


class Office:
    def __init__(self) -> None:
        self.cluster = Cluster()
        self.portal = FakePortal()
        self.posts: list[dict[str, object]] = []
        self.clock = 0.0
        self.portal.before = self._remember
        self.imports = self.make()

    def make(self) -> AccountingImport:
        client = PortalClient("http://127.0.0.1", "secret", self.portal.transport(), pause=lambda seconds: None)
        self.notices = Notices(client)
        return AccountingImport(
            client=client,
            accounting=self.cluster,  # type: ignore[arg-type]
            profile=SiteProfile(executor="slurm", cluster="c"),
            notices=self.notices,
            clock=lambda: self.clock,
        )

    def look(self, *, minutes: float = 1.0, asked: Sequence[str] = ()) -> frozenset[str]:
        self.cluster.now += timedelta(minutes=minutes)
        self.clock += 60 * minutes
        return self.imports.look(
            self.cluster.controller(),
            accounts=["kf-one", "kf-two"],
            accounting_since=self.portal.accounted_until,
            asked=asked,
        )

    def _remember(self, request: httpx.Request) -> None:
        if request.url.path.endswith("/site/accounting"):
            self.posts.append(orjson.loads(request.read()))


@pytest.fixture
def office() -> Office:
    return Office()


def test_history_is_sent_in_pieces_and_only_the_last_moves_the_cursor(office: Office) -> None:
    for number in range(2500):
        office.cluster.add(str(number))

    office.look()

    assert [len(post["rows"]) for post in office.posts] == [1000, 1000, 500]  # type: ignore[arg-type]
    assert [post["until"] for post in office.posts[:2]] == ["1970-01-02T00:00:00+00:00"] * 2
    assert office.portal.accounted_until == office.cluster.now.isoformat()
    assert office.imports.totals == {"kf-one": 25_000, "kf-two": 0}


def test_only_what_changed_is_sent_again(office: Office) -> None:
    office.look()
    office.cluster.add("1")

    assert office.look() == {"kf-one"}
    posts = len(office.posts)
    assert office.look() == frozenset()
    assert len(office.posts) == posts


def test_running_job_is_sent_now_and_then_and_its_end_at_once(office: Office) -> None:
    office.look()
    sent = []
    for gpu_seconds in range(60, 660, 60):
        office.cluster.add("1", state="RUNNING", ended_at=None, gpu_seconds=gpu_seconds)
        before = len(office.posts)
        office.look()
        sent.append(len(office.posts) > before)
    office.cluster.add("1", gpu_seconds=700)
    office.look()

    assert sent == [True, False, False, False, False, True, False, False, False, False]
    assert office.imports.busy == frozenset()
    assert [job.gpu_seconds for job in office.portal.accounted.values()] == [700]


def test_end_that_lies_before_the_cursor_is_not_missed(office: Office) -> None:
    office.look()
    office.cluster.add("1", state="RUNNING", ended_at=None)
    office.look()
    ended_at = office.cluster.now.isoformat()
    office.look(minutes=60)  # slurmdbd hears of the end only an hour later
    office.cluster.add("1", ended_at=ended_at, gpu_seconds=99)

    office.look()

    assert [job.gpu_seconds for job in office.portal.accounted.values()] == [99]


def test_cursor_waits_for_records_that_the_controller_has_not_delivered(office: Office) -> None:
    office.look()
    cursor = office.portal.accounted_until
    office.cluster.undelivered = 3
    office.cluster.add("1")
    office.look()
    assert office.portal.accounted_until == cursor
    office.cluster.undelivered = 0
    office.cluster.add("2")

    office.look()

    assert office.portal.accounted_until == office.cluster.now.isoformat()


def test_killed_agent_goes_on_from_the_portals_cursor(office: Office) -> None:
    office.cluster.add("1")
    office.look()
    office.imports = office.make()
    office.cluster.add("2")

    office.look(minutes=30)

    assert len(office.portal.accounted) == 2
    assert [row["job_id"] for row in office.posts[-1]["rows"]] == ["1", "2"]  # type: ignore[index, attr-defined]


def test_portal_that_is_away_loses_nothing(office: Office) -> None:
    office.look()
    office.cluster.add("1")

    def refuse(request: httpx.Request) -> None:
        raise httpx.ConnectError("away")

    office.portal.before = refuse
    with pytest.raises(Unavailable):
        office.look()
    office.portal.before = office._remember
    office.look(minutes=300)

    assert len(office.portal.accounted) == 1


def test_row_that_the_portal_does_not_take_holds_up_no_other(office: Office) -> None:
    office.look()
    for number in range(7):
        office.cluster.add(str(number))
    take = office.portal._accounting

    def be_picky(body: dict[str, list[dict[str, str]]]) -> dict[str, object]:
        if any(row["job_id"] == "3" for row in body["rows"]):
            raise Problem(422, "invalid-input", "This row is strange.")
        return take(body)

    office.portal._accounting = be_picky  # type: ignore[method-assign, assignment]
    office.look()

    assert sorted(job.job_id for job in office.portal.accounted.values()) == list("012456")
    assert [(finding.code, finding.where) for finding in office.notices.open_findings()] == [
        ("site.job-not-accepted", "job 3")
    ]


def test_prefix_of_a_site_is_the_portals_again(office: Office) -> None:
    office.imports._prefix = "lumi-"
    office.cluster.add("1", account="lumi-one")

    office.imports.look(office.cluster.controller(), accounts=["lumi-one"], accounting_since=None)

    assert [job.account for job in office.portal.accounted.values()] == ["kf-one"]


def test_runaway_and_doubled_attempt_are_findings(office: Office) -> None:
    office.look()
    office.cluster.add("1", state=RUNAWAY, ended_at=None, gpu_seconds=0, key="run-a:1")
    office.cluster.add("2", key="run-a:1")

    office.look()

    codes = {finding.code: finding.where for finding in office.notices.open_findings()}
    assert codes == {"site.runaway-job": "job 1", "site.attempt-started-twice": "run-a:1"}
    assert office.imports.busy == frozenset()


def test_job_whose_end_was_set_back_to_its_start_is_told_when_the_portal_asks(office: Office) -> None:
    """The fix of a runaway gives it an end long ago, at which no look for changes comes by."""
    office.cluster.add("1", state=RUNAWAY, ended_at=None, gpu_seconds=0)
    office.look()
    office.cluster.add("1", ended_at=(BEGIN - timedelta(hours=1)).isoformat(), gpu_seconds=0)
    office.look(minutes=60)
    assert [job.state for job in office.portal.accounted.values()] == [RUNAWAY]

    office.look(asked=["1", "of-another-cluster"])

    assert [job.state for job in office.portal.accounted.values()] == ["COMPLETED"]


def test_what_the_portal_asks_about_is_told_again_if_it_has_ended(office: Office) -> None:
    """A portal that was set back to an older backup knows less than it was told."""
    office.look()
    office.cluster.add("1")
    office.cluster.add("2", state="RUNNING", ended_at=None)
    office.look()
    office.portal.accounted.clear()

    office.look(asked=["1", "2"])

    assert [job.job_id for job in office.portal.accounted.values()] == ["1"]


def test_sums_are_of_now_or_not_given(office: Office) -> None:
    office.look()
    office.cluster.add("1", state="RUNNING", ended_at=None, gpu_seconds=5)
    office.look()
    assert office.imports.refresh_totals(["kf-one"], is_full=False) == {"kf-one"}
    assert office.imports.totals["kf-one"] == 5
    office.cluster.add("1", state="RUNNING", ended_at=None, gpu_seconds=6)

    assert office.imports.refresh_totals(["kf-one", "kf-two"], is_full=True) == {"kf-one", "kf-two"}
    assert office.imports.totals == {"kf-one": 6, "kf-two": 0}
