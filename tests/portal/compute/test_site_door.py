"""The door of the agents for allocations, accounting and findings: digests, idempotent reports, nothing of others."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.portal.compute.factories import (
    NOW,
    account,
    make_job,
    make_place,
    make_recipe,
    make_site,
    site_token,
    start_run,
)
from tests.portal.compute.test_api import Program
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.core.findings import Finding, Severity
from kifabrik.portal.compute.models import ClusterUser, Reconciliation, SiteFinding
from kifabrik.portal.compute.queries.accounting import cluster_account
from kifabrik.portal.compute.queries.cluster_users import get_person_at, people_at
from kifabrik.portal.compute.queries.desired_allocations import allocations_digest, desired_allocations
from kifabrik.portal.compute.queries.findings import open_findings
from kifabrik.portal.compute.services import allocations, cluster_users, findings
from kifabrik.portal.people.models import Membership
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place(gpu_seconds=1000)


@pytest.fixture
def agent(client, place):
    return Program(client, site_token(place))


def name(place, person=None, user_name="ada", by=None):
    return cluster_users.set_name(
        by=by or place.operator, site=place.site, person=person or place.manager, user_name=user_name, now=NOW
    )


def ask(agent, known="") -> dict:
    answer = agent.get(f"/site/desired?allocations_known={known}")
    assert answer.status_code == 200, answer.content
    return answer.json()


# Desired allocations


def test_an_agent_learns_budgets_and_members_once(place, agent) -> None:
    name(place)
    account(place, until=NOW)
    key = place.allocation.pk

    first = ask(agent)

    assert first["allocations"] == [
        {
            "id": key,
            "cluster_account": f"kf-{key.removeprefix('alloc-')}",
            "state": "open",
            "granted_gpu_seconds": 1000,
            "budget_gpu_seconds": 1000,
            "ends_on": "2027-01-31",
            "members": ["ada"],
        }
    ]
    assert first["accounting_since"] == "2026-11-24T09:00:00Z"
    again = ask(agent, first["allocations_digest"])
    assert (again["allocations"], again["allocations_digest"]) == (None, first["allocations_digest"])


def test_an_account_has_few_plain_letters(place) -> None:
    account_name = cluster_account(place.allocation.pk)

    assert len(account_name) <= 40
    assert set(account_name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_run_says_its_account_and_its_nodes(agent, place) -> None:
    site = place.site
    site.devices = 8
    site.save()
    start_run(place, seconds=10, recipe=make_recipe(hardware={"nodes": 2, "processes_per_node": 4}))

    (run,) = ask(agent)["runs"]

    assert (run["nodes"], run["processes_per_node"], run["devices"]) == (2, 4, 8)
    assert run["cluster_account"] == cluster_account(place.allocation.pk)


def test_a_budget_is_what_was_granted_less_expired_and_handed_back(place) -> None:
    allocations.hand_back(
        by=place.manager, allocation=place.allocation, gpu_seconds=300, reason="we need less time", now=NOW
    )
    account(place, make_job(place, gpu_seconds=100))  # what is used does not change the budget

    (row,) = desired_allocations(place.site, now=NOW)

    assert (row.granted_gpu_seconds, row.budget_gpu_seconds) == (1000, 700)


def test_a_site_whose_devices_are_half_a_gpu_gets_twice_the_seconds() -> None:
    make_site("lumi", unit="GPU", system_code="lumi-g", devices=16)
    place = make_place(code="lumi", system_code="lumi-g", gpu_seconds=1000)

    (row,) = desired_allocations(place.site, now=NOW)

    assert row.budget_gpu_seconds == 2000


def test_a_closed_allocation_is_named_for_a_while(place) -> None:
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])
    allocations.close(by=officer, allocation=place.allocation, reason="the project ended early", now=NOW)

    (row,) = desired_allocations(place.site, now=NOW + timedelta(days=89))
    assert (row.state, row.budget_gpu_seconds) == ("closed", 0)
    assert desired_allocations(place.site, now=NOW + timedelta(days=91)) == []


def changes(place):
    """Everything that an agent must hear of, one after the other."""
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])
    colleague = make_user(organisations=[place.organisation])
    yield lambda: name(place)
    yield lambda: name(place, user_name="ada2")
    yield lambda: allocations.pause(by=officer, allocation=place.allocation, reason="the site is moved", now=NOW)
    yield lambda: allocations.resume(by=officer, allocation=place.allocation, now=NOW)
    yield lambda: allocations.hand_back(
        by=place.manager, allocation=place.allocation, gpu_seconds=5, reason="we need less time", now=NOW
    )
    yield lambda: name(place, colleague, "bob")
    yield lambda: Membership.objects.get(user=colleague).delete()
    yield lambda: Membership.objects.create(user=colleague, organisation=place.organisation, since_at=NOW)
    yield lambda: type(colleague).objects.filter(pk=colleague.pk).update(is_active=False)
    yield lambda: cluster_users.remove(by=place.operator, site=place.site, person=place.manager, now=NOW)
    yield lambda: make_place(gpu_seconds=5)
    yield lambda: allocations.expire_ended(site=place.site, now=NOW + timedelta(days=300))


def test_every_change_gives_another_digest_and_nothing_else_does(place) -> None:
    other = make_place(code="cluster")
    before = allocations_digest(place.site)

    for change in changes(place):
        change()
        after = allocations_digest(place.site)
        assert after != before
        before = after
    account(place, make_job(place, gpu_seconds=5))
    name(other, other.manager)
    assert allocations_digest(place.site) == before


def test_members_without_a_user_name_or_an_account_are_not_let_in(place) -> None:
    gone = make_user(organisations=[place.organisation], is_active=False)
    make_user(organisations=[place.organisation])
    stranger = make_user(organisations=[make_organisation()])
    for person, user_name in ((place.manager, "ada"), (gone, "eva"), (stranger, "mallory")):
        ClusterUser.objects.create(site=place.site, person=person, user_name=user_name, set_at=NOW)

    (row,) = desired_allocations(place.site, now=NOW)

    assert row.members == ("ada",)


def test_a_known_digest_is_answered_without_reading_the_allocations(place, agent) -> None:
    digest = ask(agent)["allocations_digest"]

    with CaptureQueriesContext(connection) as few:
        ask(agent, digest)
    for _ in range(3):
        make_place()
    digest = ask(agent)["allocations_digest"]
    with CaptureQueriesContext(connection) as many:
        ask(agent, digest)

    assert len(many) == len(few)


def test_the_first_question_of_a_day_writes_the_daily_report(agent) -> None:
    ask(agent)
    ask(agent)

    assert Reconciliation.objects.count() == 1


# Cluster users


@pytest.mark.parametrize("user_name", ["ada", "_svc", "a", "a-b_c9", "a" * 32])
def test_a_user_name_that_a_cluster_takes(place, user_name) -> None:
    assert name(place, user_name=user_name).user_name == user_name


@pytest.mark.parametrize(
    "user_name", ["", "Ada", "9a", "-a", "a" * 33, "a b", "a;rm", "a\n", "ä", "a.b", "$(id)", "root", "slurm"]
)
def test_a_user_name_that_no_cluster_takes(place, user_name) -> None:
    with pytest.raises(InvalidInput) as refusal:
        name(place, user_name=user_name)
    assert refusal.value.where == "user_name"


def test_a_user_name_is_one_persons_at_a_site(place) -> None:
    other = make_place()
    name(place)
    name(place)

    with pytest.raises(Conflict):
        name(other, other.manager)
    assert ClusterUser.objects.count() == 1
    elsewhere = make_place(code="cluster")
    name(elsewhere, place.manager)


@pytest.mark.parametrize("role", list(Role))
def test_only_the_operator_of_the_site_sets_user_names(place, role) -> None:
    person = make_user(roles=[role], site_code="laptop" if role is Role.OPERATOR else "")
    elsewhere = make_user(roles=[role], site_code="cluster") if role is Role.OPERATOR else person

    if role is Role.OPERATOR:
        name(place, by=person)
        cluster_users.remove(by=person, site=place.site, person=place.manager, now=NOW)
    with pytest.raises(Refused):
        name(place, by=elsewhere)
    with pytest.raises(Refused):
        cluster_users.remove(by=elsewhere, site=place.site, person=place.manager, now=NOW)


def test_people_at_a_site_are_members_of_its_living_allocations(place) -> None:
    make_place(code="cluster")
    name(place)
    colleague = make_user(organisations=[place.organisation])
    # Every award of a test has an investigator of its own; who has no name yet comes first.
    assert {person.pk for person in people_at(place.site)} >= {place.manager.pk, colleague.pk}
    assert list(people_at(place.site))[-1] == place.manager

    with pytest.raises(NotFound):
        get_person_at(place.site, make_user(organisations=[make_organisation()]).pk)


def test_operators_keep_user_names_by_programs(client, place) -> None:
    from tests.portal.compute.test_api import program_of

    operator = program_of(client, place.operator)
    path = f"/api/v1/sites/laptop/users/{place.manager.pk}"
    headers = operator._headers

    def put(user_name):
        body = f'{{"user_name": "{user_name}"}}'
        return client.put(path, body, content_type="application/json", headers=headers)

    assert put("ada").json()["user_name"] == "ada"
    assert put("Ada").status_code == 422
    assert [row["user_name"] for row in operator.get("/sites/laptop/users").json()["items"]] == ["ada"]
    assert client.delete(path, headers=headers).status_code == 204
    assert operator.get("/sites/laptop/users").json()["items"] == []
    assert program_of(client, place.manager).get("/sites/laptop/users").status_code == 403


# Accounting


def send(agent, *jobs, until=None):
    body = {"rows": [job.model_dump(mode="json") for job in jobs], "until": until}
    return agent.post("/site/accounting", body)


def test_rows_of_accounting_are_booked_once(place, agent) -> None:
    jobs = [make_job(place, job_id=str(number), gpu_seconds=10) for number in range(3)]

    first = send(agent, *jobs, until=NOW.isoformat()).json()
    again = send(agent, *jobs).json()

    assert (first["changed"], first["posted_gpu_seconds"]) == (3, 30)
    assert (again["changed"], again["posted_gpu_seconds"]) == (0, 0)
    assert first["accounting_since"] == again["accounting_since"] is not None


@pytest.mark.parametrize(
    ("change", "where"),
    [({"gpu_seconds": -1}, "rows[0]"), ({"job_id": "1; rm"}, "rows[0]"), ({"submitted_at": "today"}, "rows[0]")],
)
def test_a_wrong_row_is_named_and_nothing_is_booked(place, agent, change, where) -> None:
    row = {**make_job(place).model_dump(mode="json"), **change}

    answer = agent.post("/site/accounting", {"rows": [row]})

    assert (answer.status_code, answer.json()["where"]) == (422, where)


def test_a_moment_without_a_zone_and_too_many_rows_are_refused(place, agent) -> None:
    assert send(agent, until="2026-11-24T10:00:00").status_code == 422
    assert send(agent, *[make_job(place, job_id=str(number)) for number in range(1001)]).status_code == 422


def test_hostile_words_of_a_job_are_kept_as_words(place, agent) -> None:
    row = {**make_job(place).model_dump(mode="json"), "user": "$(id);'\"<b>"}

    assert agent.post("/site/accounting", {"rows": [row]}).status_code == 200


@pytest.mark.parametrize("path", ["/site/accounting", "/site/findings"])
def test_people_do_not_come_through_the_door_of_agents(client, place, path) -> None:
    from tests.portal.compute.test_api import program_of

    body = {"rows": [], "findings": [], "at": NOW.isoformat()}
    assert program_of(client, place.operator).post(path, body).status_code == 403
    assert client.post(f"/api/v1{path}", body, content_type="application/json").status_code == 401


# Findings


def found(code="site.disk-full", severity=Severity.SERIOUS, where="/scratch", message="the disk is full"):
    return Finding(code, severity, message, where, "make room")


def report(place, *rows, at=NOW):
    return findings.report(by=place.operator, site=place.site, findings=rows, at=at, now=max(at, NOW))


def test_findings_come_stay_and_go(place) -> None:
    report(place, found(), found("site.clock"))
    report(place, found(message="the disk is very full"), at=NOW + timedelta(minutes=1))

    (row,) = open_findings(place.site)
    assert row.message == "the disk is very full"
    kept = SiteFinding.objects.get(code="site.disk-full")
    assert (kept.first_seen_at, kept.last_seen_at) == (NOW, NOW + timedelta(minutes=1))
    assert SiteFinding.objects.get(code="site.clock").closed_at == NOW + timedelta(minutes=1)

    report(place, at=NOW + timedelta(minutes=2))
    report(place, found(), at=NOW + timedelta(minutes=3))
    assert SiteFinding.objects.filter(code="site.disk-full").count() == 2


def test_an_old_report_of_findings_changes_nothing(place) -> None:
    report(place, found(), at=NOW + timedelta(minutes=5))

    report(place)

    assert len(open_findings(place.site)) == 1


def test_one_code_at_one_place_is_one_finding_and_the_heaviest_counts(place) -> None:
    report(place, found(severity=Severity.BLOCKING), found(severity=Severity.INFO), found(where="/home"))

    assert [row.severity for row in open_findings(place.site)] == [Severity.BLOCKING, Severity.SERIOUS]


def test_an_agent_sends_its_findings(client, place, agent) -> None:
    from tests.portal.compute.test_api import program_of

    body = {"findings": [found().as_dict()], "at": NOW.isoformat()}

    assert agent.post("/site/findings", body).json() == {"open": 1}
    wrong = {"findings": [{"code": "x", "severity": "horrible", "message": "y"}], "at": NOW.isoformat()}
    assert agent.post("/site/findings", wrong).json()["where"] == "findings[0]"
    many = {"findings": [found().as_dict()] * 501, "at": NOW.isoformat()}
    assert agent.post("/site/findings", many).status_code == 422
    read = program_of(client, place.operator).get("/sites/laptop/findings").json()
    assert [row["code"] for row in read["items"]] == ["site.disk-full"]
    assert program_of(client, place.manager).get("/sites/laptop/findings").status_code == 403
