"""Bad wishes at the portal: problem details for programs, an error page for people, and not one row written."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tests.funding.sample import raw
from tests.portal.calls.factories import REASONS, make_cast, make_draft, make_submitted
from tests.portal.catalogue.factories import NOW, make_place, make_recipe, make_version
from tests.portal.compute.factories import start_run
from tests.portal.people.factories import PASSWORD, bearer, make_token, make_user

from kifabrik.core.digests import digest_bytes
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.compute.models import LedgerTransfer, Run, StoredFile
from kifabrik.portal.people.models import AccessToken, AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture(autouse=True)
def _quiet_portal(home, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


class Program:
    """A program with the token of a person."""

    def __init__(self, client, user, **fields) -> None:
        self._client = client
        self._headers = bearer(make_token(user, **fields))

    def refused(self, method: str, path: str, body: object = None) -> dict:
        """Send a request that has to be refused; gives its problem details, which have to be whole."""
        fields = {} if method == "get" else {"data": body or {}, "content_type": "application/json"}
        return read_problem(getattr(self._client, method)(API + path, headers=self._headers, **fields))


def read_problem(answer) -> dict:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    problem = answer.json()
    assert problem["status"] == answer.status_code >= 400
    assert problem["title"].endswith("."), problem
    assert problem["detail"], problem
    assert "Traceback" not in answer.content.decode()
    return problem


def read_page(answer) -> str:
    text = " ".join(answer.content.decode().split())
    assert "<!doctype html>" in text.lower()
    assert "Traceback" not in text
    return text


def count_rows() -> tuple[int, ...]:
    return tuple(kind.objects.count() for kind in (Run, LedgerTransfer, Proposal, AuditEvent))


def test_a_budget_that_is_too_small_is_told_in_numbers(client) -> None:
    poor = make_place(gpu_seconds=5)
    wish = {
        "recipe": make_recipe().model_dump(mode="json"),
        "dataset_version": make_version(poor).pk,
        "allocation": poor.allocation.pk,
    }
    before = count_rows()

    problem = Program(client, poor.manager).refused("post", "/runs", wish)

    assert (problem["status"], problem["code"], problem["where"]) == (409, "budget-too-small", "budget")
    assert "5 s are left." in problem["title"]
    assert "Make the run smaller" in problem["detail"]
    assert count_rows() == before


def test_a_budget_that_is_too_small_is_shown_on_the_page(client) -> None:
    poor = make_place(gpu_seconds=5)
    version = make_version(poor)
    client.force_login(poor.manager)
    before = count_rows()

    answer = client.post(
        f"/runs/new/?allocation={poor.allocation.pk}",
        {"allocation": poor.allocation.pk, "dataset_version": version.pk, "recipe": "small-code-model"},
    )

    assert answer.status_code in {200, 409, 422}
    assert "5 s" in read_page(answer)
    assert count_rows() == before


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"colour": "red"}, "colour"),
        ({"pretraining": {"budget": {"time": "60 weeks"}}}, "pretraining.budget.time"),
        ({"pretraining": {"budget": {"time": 60}}}, "pretraining.budget.time"),
        ({"pretraining": None}, "pretraining"),
    ],
)
def test_a_wrong_recipe_starts_nothing(client, change: dict, where: str) -> None:
    place = make_place()
    recipe = {**make_recipe().model_dump(mode="json"), **change}
    wish = {"recipe": recipe, "dataset_version": make_version(place).pk, "allocation": place.allocation.pk}
    before = count_rows()

    problem = Program(client, place.manager).refused("post", "/runs", wish)

    assert problem["status"] == 422
    assert where in problem["title"] + problem.get("where", "")
    assert count_rows() == before


@pytest.mark.parametrize(
    ("who", "method", "path", "body"),
    [
        ("applicant", "post", "/proposals/{proposal}/technical-check", {"outcome": "passed", "reasons": REASONS}),
        ("applicant", "post", "/proposals/{proposal}/decide", {"outcome": "awarded", "reasons": REASONS}),
        ("officer", "post", "/proposals/{proposal}/withdraw", {}),
        ("operator", "post", "/proposals/{proposal}/decide", {"outcome": "awarded", "reasons": REASONS}),
        ("applicant", "get", "/audit", None),
        ("applicant", "get", "/site/desired", None),
    ],
)
def test_the_wrong_role_is_refused_at_the_api(client, who: str, method: str, path: str, body: dict | None) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    before = count_rows()

    problem = Program(client, getattr(cast, who)).refused(method, path.format(proposal=proposal.pk), body)

    assert problem["status"] == 403
    assert count_rows() == before


@pytest.mark.parametrize("path", ["/people/", "/audit/", "/calls/new/"])
def test_the_wrong_role_is_refused_on_a_page(client, path: str) -> None:
    client.force_login(make_cast().applicant)

    answer = client.get(path)

    assert answer.status_code == 403
    assert "role" in read_page(answer).lower()


@pytest.mark.parametrize(("verb", "outcome"), [("decide", "awarded"), ("technical-check", "passed")])
def test_the_wrong_role_decides_nothing_on_a_page(client, verb: str, outcome: str) -> None:
    cast = make_cast()
    proposal = make_submitted(cast)
    client.force_login(cast.applicant)
    before = count_rows()

    answer = client.post(
        f"/proposals/{proposal.pk}/{verb}/",
        {"outcome": outcome, "reasons": REASONS, "system_code": "laptop", "accepted_hours": "1"},
    )

    assert answer.status_code == 403
    read_page(answer)
    assert count_rows() == before


def test_an_expired_call_takes_nothing_and_keeps_the_draft(client, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_cast(closes_at=NOW + timedelta(days=1))
    draft = make_draft(cast)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=2))
    program = Program(client, cast.applicant)
    before = count_rows()

    late = program.refused("post", f"/proposals/{draft.pk}/submit")
    new = program.refused("post", "/proposals", {"call": cast.call.pk, "organisation": cast.organisation.pk})

    assert (late["status"], late["code"], late["title"]) == (409, "call-closed", "This call is closed.")
    assert "Your draft is kept" in late["detail"]
    assert (new["status"], new["code"]) == (409, "call-closed")
    assert count_rows() == before
    client.force_login(cast.applicant)
    answer = client.post(f"/proposals/new/?call={cast.call.pk}", {"organisation": cast.organisation.pk})
    assert answer.status_code == 409
    assert "This call is closed." in read_page(answer)
    assert count_rows() == before
    draft.refresh_from_db()
    assert (draft.state, draft.answers["project"]) == ("draft", raw()["project"])


@pytest.mark.parametrize("fate", ["expired", "revoked", "unknown"])
def test_a_token_that_is_worth_nothing_any_more(client, fate: str) -> None:
    fields = {"expired": {"expires_at": NOW}, "revoked": {"revoked_at": NOW}, "unknown": {}}[fate]
    user = make_user(roles=[Role.APPLICANT])
    program = Program(client, user, **fields)
    if fate == "unknown":
        AccessToken.objects.all().delete()

    problem = program.refused("get", "/me")

    assert (problem["status"], problem["code"]) == (401, "not-signed-in")
    assert "token" in problem["detail"]


def test_a_wrong_password_makes_no_token(client) -> None:
    make_user("ada@example.eu", password=PASSWORD)
    body = {"email": "ada@example.eu", "password": "wrong", "name": "cli", "scopes": ["read"]}

    problem = read_problem(client.post(f"{API}/tokens", body, content_type="application/json"))

    assert problem["status"] == 403
    assert AccessToken.objects.count() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"call": 7}'])
def test_a_body_that_is_no_wish_is_refused(client, body: bytes) -> None:
    user = make_user(roles=[Role.APPLICANT])
    before = count_rows()

    answer = client.post(f"{API}/proposals", body, content_type="application/json", headers=bearer(make_token(user)))

    assert read_problem(answer)["status"] in {400, 422}
    assert count_rows() == before


def test_an_upload_to_a_full_disk_leaves_nothing(client, small_disk: Path, settings) -> None:
    place = make_place()
    settings.STORE = small_disk / "store"
    data = b"text" * 100_000
    headers = bearer(make_token(place.manager))
    address = f"{API}/files/{digest_bytes(data)}"

    answer = client.put(address, data, content_type="application/octet-stream", headers=headers)

    problem = read_problem(answer)
    assert (problem["status"], problem["code"]) == (503, "disk")
    assert problem["title"] == "cannot write: the disk is full."
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    assert StoredFile.objects.count() == 0
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    assert client.put(address, data, content_type="application/octet-stream", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/runs/run-nowhere", "/runs/run-nowhere/events", "/allocations/x", "/proposals/x"])
def test_an_unknown_row_is_named(client, path: str) -> None:
    problem = Program(client, make_user(roles=[Role.APPLICANT])).refused("get", path)

    assert problem["status"] == 404


def test_a_run_of_others_cannot_be_cancelled(client) -> None:
    run = start_run(make_place())

    problem = Program(client, make_place(code="other").manager).refused("post", f"/runs/{run.pk}/cancel")

    assert problem["status"] == 404
    run.refresh_from_db()
    assert run.state == "requested"
