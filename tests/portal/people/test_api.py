"""The API of people: tokens, scopes, tenants, and errors as problem details."""

import pytest
from django.test import Client
from tests.portal.people.factories import PASSWORD, bearer, make_organisation, make_token, make_user

from kifabrik.portal.people.models import AccessToken, Organisation
from kifabrik.portal.people.permissions import Role, Scope
from kifabrik.portal.people.services import audit, organisations

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_hash(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def post(client, path, body, **fields):
    return client.post(f"/api/v1{path}", body, content_type="application/json", **fields)


def assert_problem(answer, status: int, code: str) -> dict:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    return body


def test_a_program_gets_a_token_for_a_password_and_uses_it(client) -> None:
    own = make_organisation()
    make_user("ada@example.eu", name="Ada", password=PASSWORD, roles=[Role.APPLICANT], organisations=[own])

    made = post(client, "/tokens", {"email": "ada@example.eu", "password": PASSWORD, "name": "cli", "scopes": ["read"]})
    me = client.get("/api/v1/me", headers=bearer(made.json()["token"]))

    assert made.status_code == 201
    assert (me.json()["name"], me.json()["scopes"]) == ("Ada", ["read"])
    assert [row["legal_name"] for row in me.json()["organisations"]] == [own.legal_name]
    assert "proposal.write" in me.json()["permissions"]


def test_a_wrong_password_gets_no_token(client) -> None:
    make_user("ada@example.eu", password=PASSWORD)

    answer = post(client, "/tokens", {"email": "ada@example.eu", "password": "wrong"})

    assert_problem(answer, 403, "refused")
    assert AccessToken.objects.count() == 0


@pytest.mark.parametrize("headers", [{}, bearer("kf_wrong"), bearer(""), {"Authorization": "Basic abc"}])
def test_a_stranger_is_told_to_sign_in(client, headers) -> None:
    answer = client.get("/api/v1/me", headers=headers)

    assert_problem(answer, 401, "not-signed-in")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_does_only_what_its_scopes_say(client) -> None:
    secret = make_token(make_user(), scopes=[Scope.READ])

    body = {"legal_name": "X GmbH", "country": "DE", "kind": "sme"}
    answer = post(client, "/organisations", body, headers=bearer(secret))

    assert_problem(answer, 403, "missing-scope")
    assert Organisation.objects.count() == 0


def test_a_wrong_token_is_not_rescued_by_a_session(client) -> None:
    client.force_login(make_user())

    assert client.get("/api/v1/me").status_code == 200
    assert_problem(client.get("/api/v1/me", headers=bearer("kf_wrong")), 401, "not-signed-in")


def test_a_session_needs_the_form_token_to_write() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())

    answer = post(client, "/organisations", {"legal_name": "X GmbH", "country": "DE", "kind": "sme"})

    assert_problem(answer, 403, "csrf")
    assert Organisation.objects.count() == 0


def test_an_organisation_is_made_and_a_member_added(client) -> None:
    headers = bearer(make_token(make_user()))
    make_user("ben@example.eu", name="Ben")

    body = {"legal_name": "X GmbH", "country": "DE", "kind": "sme"}
    made = post(client, "/organisations", body, headers=headers)
    added = post(client, f"/organisations/{made.json()['id']}/members", {"email": "ben@example.eu"}, headers=headers)
    members = client.get(f"/api/v1/organisations/{made.json()['id']}/members", headers=headers)

    assert (made.status_code, added.status_code) == (201, 200)
    assert [row["name"] for row in members.json()["items"]][1:] == ["Ben"]


def test_another_tenants_organisation_answers_as_one_that_does_not_exist(client) -> None:
    other, headers = make_organisation(), bearer(make_token(make_user(organisations=[make_organisation()])))

    hidden = client.get(f"/api/v1/organisations/{other.pk}", headers=headers)
    absent = client.get("/api/v1/organisations/org-none", headers=headers)

    assert assert_problem(hidden, 404, "not-found") == assert_problem(absent, 404, "not-found")
    assert client.get("/api/v1/organisations", headers=headers).json()["total"] == 1


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_is_always_paged_and_costs_the_same(client, count, django_assert_num_queries) -> None:
    own = [make_organisation() for _ in range(count)]
    headers = bearer(make_token(make_user(organisations=own)))
    client.get("/api/v1/me", headers=headers)  # notes the token's use

    with django_assert_num_queries(5):  # token, roles, memberships, count, rows
        answer = client.get("/api/v1/organisations", headers=headers)

    assert set(answer.json()) == {"items", "total", "page", "pages", "size"}
    assert answer.json()["total"] == len(answer.json()["items"]) == count


def test_auditors_read_and_verify_the_log(client, now) -> None:
    organisations.create(by=make_user(), legal_name="X GmbH", country="DE", kind="sme", now=now)
    headers = bearer(make_token(make_user(roles=[Role.AUDITOR])))

    log = client.get("/api/v1/audit?verb=organisation", headers=headers).json()
    chain = client.get("/api/v1/audit/chain", headers=headers).json()

    assert [row["verb"] for row in log["items"]] == ["organisation.created"]
    assert (chain["is_whole"], chain["rows"], chain["head"]) == (True, 1, audit.verify_chain().head)


@pytest.mark.parametrize("path", ["/audit", "/audit/chain"])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_nobody_else_reads_the_log(client, path, role) -> None:
    secret = make_token(make_user(roles=[role]))

    assert_problem(client.get(f"/api/v1{path}", headers=bearer(secret)), 403, "refused")


def test_a_body_that_does_not_fit_names_the_place(client) -> None:
    headers = bearer(make_token(make_user()))

    body = assert_problem(post(client, "/organisations", {"country": "DE"}, headers=headers), 422, "invalid-input")
    assert body["where"] == "body.body.legal_name"
    assert_problem(
        client.post("/api/v1/organisations", "{", content_type="application/json", headers=headers), 400, "http-400"
    )


def test_an_unknown_address_of_the_api_is_a_problem_too(client) -> None:
    assert_problem(client.get("/api/v1/nowhere"), 404, "not-found")
    assert client.get("/api/v1/organisations/x/y").status_code == 404


def test_tokens_are_listed_without_secrets_and_revoked(client) -> None:
    user = make_user()
    secret = make_token(user)

    listed = client.get("/api/v1/tokens", headers=bearer(secret)).json()["items"]
    post(client, f"/tokens/{listed[0]['id']}/revoke", {}, headers=bearer(secret))

    assert "secret_digest" not in listed[0]
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 401
