"""Pages and programs around the life of an allocation: words, rights, forms with faults, tables to download."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.portal.compute.factories import HOUR, NOW, account, make_job, make_place, make_site, reserve, start_run, use
from tests.portal.compute.test_api import program_of
from tests.portal.compute.test_pages import read
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.findings import Finding, Severity
from kifabrik.portal.compute.models import ClusterUser, ExtensionRequest
from kifabrik.portal.compute.queries.budgets import balance_of
from kifabrik.portal.compute.queries.needs import needs
from kifabrik.portal.compute.services import findings
from kifabrik.portal.compute.services.reconciliation import make_daily
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db
REPORT = "We trained two models on the public corpus and need the time to compare a third one with them. " * 2


@pytest.fixture
def place():
    return make_place(gpu_seconds=10 * HOUR)


@pytest.fixture
def where(place):
    return f"/allocations/{place.allocation.pk}"


def test_a_budget_is_told_in_the_units_of_the_machine(client) -> None:
    make_site("leo", unit="GPU", system_code="leonardo-booster", devices=8)
    place = make_place(code="leo", system_code="leonardo-booster", gpu_seconds=1248 * HOUR)

    page = read(client, place.manager, f"/allocations/{place.allocation.pk}/")

    assert "That is 312 node-hours on this machine." in page
    assert "Left on this machine" in page
    assert "Left on this machine: 312 node-hours" in read(client, place.manager, "/allocations/")
    api = program_of(client, place.manager).get(f"/allocations/{place.allocation.pk}").json()
    assert api["left_on_machine"] == {"amount": 312.0, "unit": "node-hour"}


def test_a_machine_that_counts_as_we_do_needs_no_other_words(client, place, where) -> None:
    assert "on this machine" not in read(client, place.manager, f"{where}/")
    assert program_of(client, place.manager).get(where).json()["left_on_machine"] is None


def test_the_page_foretells_in_plain_words(client, place, where) -> None:
    account(place, make_job(place, gpu_seconds=HOUR), now=NOW)

    page = read(client, place.manager, f"{where}/")

    assert "would use up everything by the end" in page
    assert "Books and accounting agree to the second." in page
    assert "used by a job that no run started" in page
    forecast = program_of(client, place.manager).get(f"{where}/forecast").json()
    assert (forecast["left"], forecast["ends_on"]) == (9 * HOUR, "2027-01-31")


def test_a_manager_hands_hours_back_from_the_page(client, place, where) -> None:
    client.force_login(place.manager)

    wrong = client.post(f"{where}/hand-back/", {"hours": "11", "reason": "we need less time"})
    assert wrong.status_code == 422
    assert "can be handed back" in wrong.content.decode()
    assert client.post(f"{where}/hand-back/", {"hours": "x", "reason": "short"}).status_code == 422
    done = client.post(f"{where}/hand-back/", {"hours": "1.5", "reason": "we need less time"}, follow=True)

    assert "back in the pool" in done.content.decode()
    assert "were handed back" in done.content.decode()
    assert balance_of(place.allocation.pk).returned == 1.5 * HOUR


def test_an_extension_is_asked_and_decided_on_the_page(client, place, where) -> None:
    officer = make_user(roles=[Role.PROGRAMME_OFFICER], name="Olga Officer")
    client.force_login(place.manager)
    assert client.post(f"{where}/extension/", {"kind": "months", "report": "short"}).status_code == 422
    assert "3 months more" in read(client, place.manager, f"{where}/")
    client.post(f"{where}/extension/", {"kind": "months", "report": REPORT})
    assert "Ask for an extension" not in read(client, place.manager, f"{where}/")
    assert client.post(f"{where}/extension/decision/", {"grant": "yes", "reasons": "good progress"}).status_code == 403

    assert REPORT.strip()[:40] in read(client, officer, f"{where}/")
    assert client.post(f"{where}/extension/decision/", {"grant": "yes", "reasons": ""}).status_code == 422
    client.post(f"{where}/extension/decision/", {"grant": "no", "reasons": "the report names no result"})

    page = read(client, place.manager, f"{where}/")
    assert "Decided by Olga Officer: the report names no result" in page
    assert ExtensionRequest.objects.get().state == "refused"


def test_programs_ask_for_extensions_and_hand_back(client, place, where) -> None:
    manager, officer = program_of(client, place.manager), program_of(client, make_user(roles=[Role.PROGRAMME_OFFICER]))

    assert manager.get(f"{where}/extension").status_code == 404
    assert manager.post(f"{where}/extension", {"kind": "percent", "report": REPORT}).json()["gpu_seconds"] == HOUR
    assert manager.post(f"{where}/extension", {"kind": "percent", "report": REPORT}).status_code == 409
    decision = {"grant": True, "reasons": "good progress so far"}
    assert manager.post(f"{where}/extension/decision", decision).status_code == 403
    assert officer.post(f"{where}/extension/decision", decision).json()["state"] == "granted"
    answer = manager.post(f"{where}/hand-back", {"gpu_seconds": HOUR, "reason": "we need less time"}).json()
    assert (answer["balance"]["granted"], answer["balance"]["returned"]) == (11 * HOUR, HOUR)


def test_members_see_who_is_let_in(client, place, where) -> None:
    assert "not let in" not in read(client, place.manager, f"{where}/")
    account(place, until=NOW)

    assert "no user name at the site yet" in read(client, place.manager, f"{where}/")
    ClusterUser.objects.create(site=place.site, person=place.manager, user_name="ada", set_at=NOW)
    assert "<code>ada</code>" in read(client, place.manager, f"{where}/")


def test_an_operator_sets_user_names_on_the_page_of_the_site(client, place) -> None:
    page = read(client, place.operator, "/sites/laptop/")
    assert f"User name of {place.manager.name}" in page

    def send(user_name, person=place.manager.pk):
        return client.post("/sites/laptop/users/", {"person": person, "user_name": user_name}, follow=True)

    assert "This is no user name" in send("Root!").content.decode()
    assert not ClusterUser.objects.exists()
    assert f"{place.manager.name} is ada at this site." in send("ada").content.decode()
    assert "has no user name" in send("").content.decode()
    assert not ClusterUser.objects.exists()
    assert send("x", make_user().pk).status_code == 404


def test_an_operator_sees_what_the_agent_finds_wrong(client, place) -> None:
    rows = [Finding("site.disk-full", Severity.SERIOUS, "The disk <b>is</b> full.", "/scratch", "Make room.")]
    findings.report(by=place.operator, site=place.site, findings=rows, at=NOW, now=NOW)

    page = read(client, place.operator, "/sites/laptop/")

    assert "The disk &lt;b&gt;is&lt;/b&gt; full." in page
    assert "Make room." in page
    assert "disk" not in read(client, place.manager, "/sites/laptop/")
    assert any("finds something wrong" in need.title for need in needs(place.operator, now=NOW))
    assert not any("finds something wrong" in need.title for need in needs(place.manager, now=NOW))
    elsewhere = make_user(roles=[Role.OPERATOR], site_code="cluster")
    assert needs(elsewhere, now=NOW) == []


@pytest.fixture
def differing(place):
    """A run whose use the accounting never mentions, a job by hand with a hostile user name, and a foreign job."""
    run = start_run(place, seconds=900)
    reserve(place, run)
    use(place, run, 300)
    account(
        place,
        make_job(place, job_id="7", gpu_seconds=50, user="=cmd()"),
        make_job(place, job_id="8", gpu_seconds=60, account="physics", user="mallory"),
        until=NOW,
    )
    return place


def test_books_and_accounting_are_compared_on_the_page(client, differing, where) -> None:
    page = read(client, differing.manager, f"{where}/reconciliation/")

    assert "differ by −300 s" in page
    assert "has not mentioned it yet" in page
    assert "by hand, in the account" in page
    assert "mallory" not in page
    whole = read(client, differing.operator, "/sites/laptop/reconciliation/")
    assert "mallory" in whole
    assert "it is not booked" in whole


def test_the_table_to_download_holds_no_formula(client, differing, where) -> None:
    client.force_login(differing.manager)

    answer = client.get(f"{where}/reconciliation.csv")

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {row["reason"]: row["difference"] for row in rows} == {"by-hand": "0", "not-yet-reported": "-300"}
    assert [row["user"] for row in rows if row["job"] == "7"] == ["'=cmd()"]
    client.force_login(differing.operator)
    assert len(list(csv.DictReader(io.StringIO(client.get("/sites/laptop/reconciliation.csv").content.decode())))) == 2


def test_programs_read_the_comparison_in_pages(client, differing, where) -> None:
    manager, operator = program_of(client, differing.manager), program_of(client, differing.operator)

    first = manager.get(f"{where}/reconciliation?size=1").json()
    assert (first["difference"], first["booked"], first["accounted"]) == (-300, 350, 50)
    assert (first["total"], first["pages"], len(first["items"])) == (2, 2, 1)
    assert operator.get("/sites/laptop/reconciliation").json()["total"] == 2  # what agrees is only counted
    assert manager.get("/sites/laptop/reconciliation").status_code == 403
    make_daily(site=differing.site, now=NOW)
    assert [row["difference"] for row in operator.get("/sites/laptop/reconciliation/days").json()["items"]] == [-300]


def test_a_difference_of_more_than_a_day_is_a_need(client, differing) -> None:
    differing.site.refresh_from_db()
    for days in (0, 1):
        make_daily(site=differing.site, now=NOW + timedelta(days=days))

    for person in (differing.manager, differing.operator, make_user(roles=[Role.PROGRAMME_OFFICER])):
        assert any("differ" in need.title for need in needs(person, now=NOW + timedelta(days=1)))
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])
    assert needs(stranger, now=NOW + timedelta(days=1)) == []
    assert "books and accounting differed by −300 s" in read(client, differing.operator, "/sites/laptop/")
    assert "Day by day" in read(client, differing.operator, "/sites/laptop/reconciliation/")


@pytest.mark.parametrize(
    ("role", "at_site", "of_allocation", "of_site"),
    [
        (Role.OPERATOR, "laptop", 200, 200),
        (Role.OPERATOR, "cluster", 404, 404),
        (Role.PROGRAMME_OFFICER, "", 200, 200),
        (Role.AUDITOR, "", 200, 200),
        (Role.APPLICANT, "", 404, 404),
        (Role.REVIEWER, "", 404, 404),
        (Role.SUPPORT_EXPERT, "", 404, 404),
        (Role.VISITOR, "", 404, 404),
    ],
)
def test_who_reads_the_comparison_of_others(client, place, where, role, at_site, of_allocation, of_site) -> None:
    person = make_user(roles=[role], site_code=at_site, organisations=[make_organisation()])

    for ending in ("/", ".csv"):
        read(client, person, f"{where}/reconciliation{ending}", of_allocation)
        read(client, person, f"/sites/laptop/reconciliation{ending}", of_site)
        read(client, place.manager, f"/sites/laptop/reconciliation{ending}", 403)


@pytest.mark.parametrize("act", ["hand-back", "extension", "extension/decision"])
def test_no_stranger_writes_and_nobody_writes_by_reading(client, place, where, act) -> None:
    body = {"hours": "1", "reason": "we need less time", "kind": "months", "report": REPORT, "grant": "yes"}
    client.force_login(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]))
    assert client.post(f"{where}/{act}/", body).status_code == 404
    auditor = make_user(roles=[Role.AUDITOR])
    client.force_login(auditor)
    assert client.post(f"{where}/{act}/", {**body, "reasons": "good progress so far"}).status_code == 403
    assert client.get(f"{where}/{act}/").status_code == 405
    page = read(client, auditor, f"{where}/")
    for button in ("Hand back for good", "Ask for the extension", "Decide</button>"):
        assert button not in page
    assert not ExtensionRequest.objects.exists()
    assert balance_of(place.allocation.pk).returned == 0


@pytest.mark.parametrize("path", ["{where}/reconciliation/", "/sites/laptop/reconciliation/", "/sites/laptop/"])
def test_pages_ask_as_often_for_many_jobs_as_for_one(client, place, where, path) -> None:
    client.force_login(make_user(roles=[Role.AUDITOR, Role.OPERATOR]))

    def count(jobs) -> int:
        account(place, *[make_job(place, job_id=f"{jobs}-{number}") for number in range(jobs)])
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path.format(where=where)).status_code == 200
        return len(queries)

    count(1)
    assert count(20) == count(40)


def test_german_is_complete_on_the_new_pages(client, differing, where) -> None:
    differing.manager.language = "de"
    differing.manager.save()

    assert "Verlängerung beantragen" in read(client, differing.manager, f"{where}/")
    assert "weichen um −300 s voneinander ab" in read(client, differing.manager, f"{where}/reconciliation/")
