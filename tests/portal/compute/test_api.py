"""The REST doors: a site's agent walks a run from wish to outputs, people follow it, and strangers see nothing."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.portal.compute.factories import (
    NOW,
    make_award,
    make_evaluation,
    make_events,
    make_manifest,
    make_place,
    make_site,
    make_usage,
    reserve,
    say,
    site_token,
    start_run,
    tell,
    use,
)
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.core.digests import digest_bytes
from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db


class Program:
    """Speaks to the API with one token."""

    def __init__(self, client, secret: str) -> None:
        self._client, self._headers = client, bearer(secret)

    def get(self, path, **headers):
        return self._client.get(f"/api/v1{path}", headers={**self._headers, **headers})

    def head(self, path):
        return self._client.head(f"/api/v1{path}", headers=self._headers)

    def post(self, path, body=None):
        return self._client.post(
            f"/api/v1{path}", json.dumps(body or {}), content_type="application/json", headers=self._headers
        )

    def put(self, path, data: bytes):
        return self._client.put(f"/api/v1{path}", data, content_type="application/octet-stream", headers=self._headers)


def program_of(client, user, *scopes) -> Program:
    return Program(client, make_token(user, scopes=scopes or (Scope.READ, Scope.WRITE)))


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def agent(client, place):
    return Program(client, site_token(place))


def test_an_agent_walks_a_run_to_its_end(client, place, agent) -> None:
    run = start_run(place)

    wish = agent.get("/site/desired", **{"User-Agent": "kifabrik/0.1.0"}).json()
    assert (wish["site"], [each["id"] for each in wish["runs"]]) == ("laptop", [run.pk])
    assert wish["runs"][0]["inputs"] == run.inputs
    assert (wish["runs"][0]["wanted"], wish["runs"][0]["events_known"]) == ("run", 0)
    place.site.refresh_from_db()
    assert (place.site.agent_version, place.site.last_seen_at is not None) == ("0.1.0", True)

    shard = agent.get(f"/files/{run.inputs[0]['digest']}")
    assert b"".join(shard.streaming_content) == b"a shard of text"

    where = f"/site/runs/{run.pk}"
    assert agent.post(f"{where}/reserve", {"attempt": 1}).json()["reserved_gpu_seconds"] == 900
    at = NOW.isoformat()
    for state in ("submitted", "running"):
        said = agent.post(f"{where}/state", {"state": state, "attempt": 1, "job_id": "7", "reason": "", "at": at})
        assert said.json() == {"state": state, "wanted": "run"}
    events = [event.model_dump(mode="json") for event in make_events({"kind": "attempt"}, {"kind": "finished"})]
    assert agent.post(f"{where}/events", {"events": events}).json() == {"next": 3}
    assert agent.post(f"{where}/usage", make_usage(run).model_dump(mode="json")).json()["gpu_seconds"] == 300

    weights = b"weights"
    entry = {"path": "model/model.safetensors", "digest": digest_bytes(weights), "size_bytes": len(weights)}
    assert agent.head(f"/files/{entry['digest']}").status_code == 404
    assert agent.put(f"/files/{entry['digest']}", weights).status_code == 200
    assert agent.head(f"/files/{entry['digest']}").status_code == 200
    papers = {
        "files": [entry],
        "manifest": make_manifest(run).model_dump(mode="json"),
        "evaluation": make_evaluation(run).model_dump(mode="json"),
    }
    assert agent.post(f"{where}/outputs", papers).status_code == 200
    done = {"state": "succeeded", "attempt": 1, "job_id": "7", "reason": "", "at": at}
    assert agent.post(f"{where}/state", done).json()["state"] == "succeeded"
    assert agent.get("/site/desired").json()["runs"] == []

    manager = program_of(client, place.manager)
    read = manager.get(f"/runs/{run.pk}").json()
    assert (read["state"], read["used_gpu_seconds"], read["outputs"]) == ("succeeded", 300, [entry])
    assert len(read["ledger_entries"]) == 3  # reserve, post, void
    assert b"".join(manager.get(f"/files/{entry['digest']}").streaming_content) == weights


def test_each_report_twice_has_one_effect(place, agent) -> None:
    run = start_run(place)
    where, at = f"/site/runs/{run.pk}", NOW.isoformat()
    events = [event.model_dump(mode="json") for event in make_events({"kind": "attempt"})]
    reports = [
        ("reserve", {"attempt": 1}),
        ("state", {"state": "running", "attempt": 1, "at": at}),
        ("events", {"events": events}),
        ("usage", make_usage(run).model_dump(mode="json")),
        ("outputs", {"files": [], "manifest": make_manifest(run).model_dump(mode="json"), "evaluation": None}),
        ("state", {"state": "failed", "attempt": 1, "reason": "it broke", "at": at}),
    ]

    for name, body in reports:
        first, second = agent.post(f"{where}/{name}", body), agent.post(f"{where}/{name}", body)
        assert (first.status_code, first.json()) == (200, second.json())

    from kifabrik.portal.compute.queries.budgets import read_transfers
    from kifabrik.portal.people.models import AuditEvent

    assert len(read_transfers(place.allocation.pk)) == 4
    verbs = list(AuditEvent.objects.filter(object_id=run.pk).values_list("verb", flat=True))
    assert len(verbs) == len(set(verbs)) == 6


def test_the_agent_of_another_site_gets_404(client, place) -> None:
    run = start_run(place)
    reserve(place, run)
    other = Program(client, site_token(make_place(code="cluster")))
    bodies = {
        "reserve": {"attempt": 2},
        "state": {"state": "running", "attempt": 1, "at": NOW.isoformat()},
        "events": {"events": []},
        "usage": make_usage(run).model_dump(mode="json"),
        "outputs": {"files": []},
    }

    assert {other.post(f"/site/runs/{run.pk}/{name}", body).status_code for name, body in bodies.items()} == {404}
    assert other.get("/site/desired").json()["runs"] == []
    assert other.get(f"/files/{run.inputs[0]['digest']}").status_code == 404


def test_people_do_not_come_through_the_door_of_the_agents(client, place) -> None:
    for person in (place.manager, place.operator):
        assert program_of(client, person).get("/site/desired").status_code == 403
    assert client.get("/api/v1/site/desired").status_code == 401


def test_an_agent_is_let_in_only_while_its_owner_operates_the_site(place, agent) -> None:
    digest = start_run(place).inputs[0]["digest"]
    assert {agent.get("/site/desired").status_code, agent.head(f"/files/{digest}").status_code} == {200}

    place.operator.role_assignments.all().delete()

    assert {agent.get(path).status_code for path in ("/site/desired", f"/files/{digest}")} == {403}


def test_an_agent_does_not_come_through_the_doors_of_people(client, place, agent) -> None:
    for path in ("/runs", "/allocations", "/sites"):
        assert agent.get(path).status_code == 403


def test_a_reading_token_changes_nothing(client, place) -> None:
    run = start_run(place)
    reader = program_of(client, place.manager, Scope.READ)

    assert reader.post(f"/runs/{run.pk}/cancel").status_code == 403
    assert reader.put(f"/files/{digest_bytes(b'x')}", b"x").status_code == 403


@pytest.mark.parametrize(
    ("role", "at_site", "sees"),
    [
        (Role.OPERATOR, "laptop", True),
        (Role.OPERATOR, "cluster", False),
        (Role.OPERATOR, "", True),
        (Role.PROGRAMME_OFFICER, "", True),
        (Role.AUDITOR, "", True),
        (Role.APPLICANT, "", False),
        (Role.REVIEWER, "", False),
        (Role.SUPPORT_EXPERT, "", False),
        (Role.VISITOR, "", False),
    ],
)
def test_who_sees_runs_and_allocations_of_others(client, place, role, at_site, sees) -> None:
    run = start_run(place)
    tell(place, run, make_events({"kind": "attempt"}))
    program = program_of(client, make_user(roles=[role], site_code=at_site, organisations=[make_organisation()]))

    paths = [f"/runs/{run.pk}", f"/runs/{run.pk}/events", f"/runs/{run.pk}/curve"]
    paths += [f"/allocations/{place.allocation.pk}", f"/allocations/{place.allocation.pk}/statement"]
    assert {program.get(path).status_code for path in paths} == {200 if sees else 404}
    assert {program.get(path).json()["total"] for path in ("/runs", "/allocations")} == {1 if sees else 0}


def test_strangers_cannot_cancel_what_they_cannot_see(client, place) -> None:
    run = start_run(place)

    stranger = program_of(client, make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]))
    auditor = program_of(client, make_user(roles=[Role.AUDITOR]))

    assert stranger.post(f"/runs/{run.pk}/cancel").status_code == 404
    assert auditor.post(f"/runs/{run.pk}/cancel").status_code == 403
    assert program_of(client, place.manager).post(f"/runs/{run.pk}/cancel").json()["state"] == "cancelled"


def test_an_award_is_accepted_by_its_manager_alone(client) -> None:
    make_site()
    award = make_award(gpu_seconds=7200)
    manager = make_user(manages=[award.organisation])
    member = make_user(organisations=[award.organisation])
    stranger = make_user(roles=[Role.PROGRAMME_OFFICER], manages=[make_organisation()])

    assert program_of(client, stranger).post(f"/awards/{award.pk}/accept").status_code == 404
    assert program_of(client, member).post(f"/awards/{award.pk}/accept").status_code == 403
    answer = program_of(client, manager).post(f"/awards/{award.pk}/accept")
    assert (answer.status_code, answer.json()["balance"]["available"]) == (200, 7200)


def test_an_officer_pauses_and_closes(client, place) -> None:
    officer = program_of(client, make_user(roles=[Role.PROGRAMME_OFFICER]))
    where = f"/allocations/{place.allocation.pk}"

    assert officer.post(f"{where}/pause", {"reason": "a question is open"}).json()["state"] == "paused"
    assert officer.post(f"{where}/resume").json()["state"] == "open"
    closed = officer.post(f"{where}/close", {"reason": "the project has ended"}).json()
    assert (closed["state"], closed["balance"]["available"]) == ("closed", 0)
    assert program_of(client, place.manager).post(f"{where}/pause", {"reason": "I want it"}).status_code == 403


def test_the_statement_is_paged_and_goes_on(client, place) -> None:
    run = start_run(place)
    reserve(place, run)
    use(place, run, 100)
    manager = program_of(client, place.manager)

    whole = manager.get(f"/allocations/{place.allocation.pk}/statement").json()
    last = manager.get(f"/allocations/{place.allocation.pk}/statement?size=2&page=2").json()

    assert [line["kind"] for line in whole["items"]] == ["grant", "reserve", "post", "void"]
    assert last["items"] == whole["items"][2:]
    assert (last["total"], last["pages"]) == (4, 2)


def test_events_are_read_after_a_number(client, place) -> None:
    run = start_run(place)
    tell(place, run, make_events(*[{"kind": "progress", "done": 0.5}] * 5))
    manager = program_of(client, place.manager)

    answer = manager.get(f"/runs/{run.pk}/events?after=3").json()

    assert [event["sequence"] for event in answer["items"]] == [4, 5]
    assert (answer["next"], answer["is_final"], answer["state"]) == (6, False, "requested")


def test_curves_are_thinned_and_their_ends_are_kept(client, place) -> None:
    run = start_run(place)
    rows = [
        {"kind": "metric", "step": "pretraining", "metrics": [{"name": "train_loss", "value": 9 - n / 500, "step": n}]}
        for n in range(1200)
    ]
    held_out = {"kind": "metric", "step": "pretraining", "metrics": [{"name": "held_out_loss", "value": 7, "step": 9}]}
    other = {"kind": "metric", "step": "fine-tuning", "metrics": [{"name": "train_loss", "value": 1, "step": 1}]}
    tell(place, run, make_events(*rows, held_out, other))

    curve = program_of(client, place.manager).get(f"/runs/{run.pk}/curve?step=pretraining&group=loss").json()

    by_name = {series["name"]: series["values"] for series in curve["series"]}
    measured = [value for value in by_name["train_loss"] if value is not None]
    assert len(measured) == 500
    assert (curve["x"]["values"][0], curve["x"]["values"][-1]) == (0, 1199)
    assert (measured[0], measured[-1]) == (9.0, 9 - 1199 / 500)
    assert [value for value in by_name["held_out_loss"] if value is not None] == [7]
    assert curve["live"] is True


def test_a_resumed_attempt_tells_a_step_again_and_the_last_word_counts(client, place) -> None:
    run = start_run(place)
    metric = [{"name": "train_loss", "value": value, "step": 5} for value in (3.0, 2.0)]
    tell(place, run, make_events(*[{"kind": "metric", "step": "pretraining", "metrics": [one]} for one in metric]))

    curve = program_of(client, place.manager).get(f"/runs/{run.pk}/curve").json()

    assert curve["series"][0]["values"] == [2.0]


def test_files_are_brought_and_fetched_from_a_byte_on(client, place) -> None:
    manager = program_of(client, place.manager)
    data = b"0123456789"
    where = f"/files/{digest_bytes(data)}"

    assert manager.head(where).status_code == 404
    assert manager.put(where, data).json() == {"digest": digest_bytes(data), "size_bytes": 10}
    rest = manager.get(where, Range="bytes=4-")

    assert (rest.status_code, b"".join(rest.streaming_content)) == (206, b"456789")
    assert rest.headers["Content-Range"] == "bytes 4-9/10"
    assert manager.get(where, Range="bytes=10-").status_code == 416
    head = manager.head(where)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "10", b"")


def test_wrong_bytes_are_refused_with_a_stable_code(client, place) -> None:
    answer = program_of(client, place.manager).put(f"/files/{digest_bytes(b'a')}", b"b")

    assert (answer.status_code, answer.json()["code"]) == (422, "wrong-digest")


def test_a_member_of_two_organisations_says_for_which_a_file_is(client, place) -> None:
    second = make_organisation()
    person = make_user(roles=[Role.APPLICANT], organisations=[place.organisation, second])
    program, where = program_of(client, person), f"/files/{digest_bytes(b'a')}"

    assert program.put(where, b"a").status_code == 422
    assert program.put(f"{where}?organisation={make_organisation().pk}", b"a").status_code == 404
    assert program.put(f"{where}?organisation={second.pk}", b"a").status_code == 200
    assert program.head(f"{where}?organisation={second.pk}").status_code == 200
    assert program.head(f"{where}?organisation={place.organisation.pk}").status_code == 404


def test_an_operator_registers_a_site_and_gets_its_token_once(client) -> None:
    operator = program_of(client, make_user(roles=[Role.OPERATOR]))
    facts = {"code": "lab", "name": "The lab", "system_code": "laptop", "unit": "CPU", "devices": 1}

    assert operator.post("/sites", facts).status_code == 200
    assert operator.post("/sites", facts).status_code == 200
    assert operator.post("/sites", {**facts, "devices": 4}).status_code == 409
    assert operator.post("/sites", {**facts, "code": "x", "system_code": "abacus"}).status_code == 422
    secret = operator.post("/sites/lab/tokens").json()["token"]
    assert Program(client, secret).get("/site/desired").json()["site"] == "lab"


def test_only_the_operator_of_a_site_makes_its_token(client, place) -> None:
    other = make_user(roles=[Role.OPERATOR], site_code="cluster")

    assert program_of(client, other).post("/sites/laptop/tokens").status_code == 404
    assert program_of(client, place.manager).post("/sites/laptop/tokens").status_code == 403
    assert (
        program_of(client, place.manager)
        .post("/sites", {"code": "mine", "name": "Mine", "system_code": "laptop"})
        .status_code
        == 403
    )


@pytest.mark.parametrize("body", [{"state": "flying"}, {"at": "2026-11-24T09:00:00"}, {"attempt": -1}])
def test_a_broken_report_is_named(place, agent, body) -> None:
    run = start_run(place)
    report = {"state": "running", "attempt": 1, "at": NOW.isoformat(), **body}

    answer = agent.post(f"/site/runs/{run.pk}/state", report)

    assert answer.status_code == 422
    assert answer.json()["where"].split(".")[-1] in body


@pytest.mark.parametrize("path", ["/runs", "/allocations", "/sites", "/site/desired"])
def test_lists_ask_as_often_for_three_rows_as_for_one(client, path) -> None:
    def count(rows):
        place = make_place(code=f"site-{rows}")
        for _ in range(rows):
            run = start_run(place)
            reserve(place, run)
            say(place, run, "running")
            tell(place, run, make_events({"kind": "attempt"}))
        more = [make_place(code=f"site-{rows}-{number}") for number in range(rows - 1)]
        viewer = make_user(roles=[Role.OPERATOR], site_code=place.site.code)
        for other in more:
            viewer.role_assignments.create(role=Role.OPERATOR, site_code=other.site.code, since_at=NOW)
        secret = make_token(
            viewer,
            scopes=[Scope.SITE] if path.startswith("/site/") else [Scope.READ],
            site_code=place.site.code if path.startswith("/site/") else "",
        )
        program = Program(client, secret)
        program.get(path)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = program.get(path)
        assert answer.json().get("total", rows) == rows
        return len(queries)

    assert count(1) == count(3)
