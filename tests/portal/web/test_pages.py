"""The frame of the pages: menu, language, errors, headers, home."""

import logging

import pytest
from django.db import DataError
from django.test import Client
from django.urls import get_resolver
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, Unavailable
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.web import home, navigation

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["/", "/about/", "/reference/", "/sign-in/", "/api/v1/docs"])
def test_a_visitor_sees_the_public_pages_under_the_strict_policy(client, url) -> None:
    page = client.get(url)

    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert (page["X-Frame-Options"], page["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert page["Referrer-Policy"] == "same-origin"
    assert "camera=()" in page["Permissions-Policy"]


def test_the_windows_title_follows_the_heading(client) -> None:
    page = client.get("/about/").text

    assert "<title>About this portal · Kifabrik</title>" in page
    assert page.count("<h1>") == 1
    assert '<a class="skip" href="#main">' in page


def test_a_wish_for_german_is_heard_and_kept(client) -> None:
    assert 'lang="de"' in client.get("/about/", headers={"Accept-Language": "de"}).text

    client.post("/language/", {"language": "de", "next": "/about/"})

    assert "Über dieses Portal" in client.get("/about/").text
    assert client.get("/about/")["Content-Language"] == "de"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example"])
def test_the_language_switch_never_leads_elsewhere(client, target) -> None:
    answer = client.post("/language/", {"language": "fr", "next": target})

    assert answer.url == "/"
    assert "django_language" not in answer.cookies


def test_an_accounts_language_wins_over_the_browsers(client) -> None:
    user = make_user()
    client.force_login(user)
    client.post("/language/", {"language": "de", "next": "/"})

    user.refresh_from_db()

    assert user.language == "de"
    assert 'lang="de"' in client.get("/about/", headers={"Accept-Language": "en"}).text


def test_an_unknown_page_says_what_to_do(client) -> None:
    page = client.get("/nowhere/")

    assert page.status_code == 404
    assert "There is no such page." in page.text


def test_a_forged_form_says_what_to_do() -> None:
    page = Client(enforce_csrf_checks=True).post("/sign-in/", {"email": "x"})

    assert page.status_code == 403
    assert "Go back, reload, try again." in page.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("the number is odd.", where="line 3", remedy="Make it even."), 422),
        (Conflict("it is closed.", remedy="Open it."), 409),
        (Unavailable("the disk is full.", remedy="Free some space."), 503),
    ],
)
def test_an_error_of_the_house_becomes_a_page(client, monkeypatch, error, status) -> None:
    def fail(*_args, **_fields):
        raise error

    monkeypatch.setattr(home, "offer_to", fail)
    page = client.get("/")

    assert page.status_code == status
    assert error.message[1:] in page.text
    assert error.remedy in page.text
    assert error.where in page.text


def test_a_fault_of_ours_shows_no_inside(client, monkeypatch, caplog) -> None:
    def fail(*_args, **_fields):
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(home, "offer_to", fail)
    client.raise_request_exception = False
    with caplog.at_level(logging.CRITICAL, logger="django.request"):
        page = client.get("/")

    assert page.status_code == 500
    assert "Something broke on our side" in page.text
    assert "secret inside" not in page.text


def test_a_fault_in_the_api_is_a_problem_without_its_inside(client, monkeypatch) -> None:
    from kifabrik.portal.people import api

    def fail(*_args, **_fields):
        raise ZeroDivisionError("secret inside")

    client.force_login(make_user())
    monkeypatch.setattr(api, "roles_of", fail)
    logging.disable(logging.CRITICAL)
    try:
        answer = client.get("/api/v1/me")
    finally:
        logging.disable(logging.NOTSET)

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "failure"
    assert "secret inside" not in answer.text


MENUS = {
    "stranger": {"calls", "models"},
    "member": {
        "calls", "proposals", "awards", "allocations", "datasets", "runs", "models", "support", "organisations",
    },
    Role.OPERATOR: {"calls", "proposals", "awards", "allocations", "datasets", "runs", "models", "sites"},
    Role.PROGRAMME_OFFICER: {
        "calls", "proposals", "awards", "allocations", "datasets", "runs", "models", "sites", "organisations", "people",
    },
    Role.AUDITOR: {"calls", "proposals", "awards", "allocations", "datasets", "runs", "models", "audit"},
    Role.SUPPORT_EXPERT: {"calls", "models", "support"},
    Role.REVIEWER: {"calls", "models"},
}  # fmt: skip


@pytest.mark.parametrize("who", MENUS)
def test_the_menu_fits_the_roles(who) -> None:
    user = None
    if who == "member":
        user = make_user(organisations=[make_organisation()])
    elif isinstance(who, Role):
        user = make_user(roles=[who])

    places = [place for place in navigation.PLACES if navigation.may_visit(user, place)]

    assert {place.page.partition(":")[2] for place in places} == MENUS[who]


def test_every_place_of_the_menu_exists(client) -> None:
    names = {key for space in get_resolver().namespace_dict.values() for key in space[1].reverse_dict}

    assert {place.page.partition(":")[2] for place in navigation.PLACES} <= names


def test_the_page_one_is_on_is_marked(client) -> None:
    client.force_login(make_user(organisations=[make_organisation()]))

    page = client.get("/organisations/")

    assert '<a href="/organisations/" aria-current="page">' in page.text


def test_home_tells_a_newcomer_how_to_begin(client) -> None:
    client.force_login(make_user())

    page = client.get("/")

    assert "Make your organisation, or join one" in page.text
    assert "Open calls" in page.text


def test_rules_and_figures_name_source_and_grade(client) -> None:
    page = client.get("/reference/").text

    assert "Recommendation 2003/361/EC" in page
    assert "JUPITER Booster" in page
    assert "checked on 24 Nov 2026" in page


def test_the_published_openapi_names_every_operation_once(client) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]

    # one function may answer GET and HEAD of one address, but never two addresses
    names = [name for path in paths.values() for name in {operation["operationId"] for operation in path.values()}]
    assert "/api/v1/tokens" in paths
    assert len(names) == len(set(names))


def test_what_the_database_cannot_store_is_the_askers_to_mend(client, monkeypatch) -> None:
    def fail(*_args, **_fields):
        raise DataError("value too long for type character varying(40)")

    monkeypatch.setattr(home, "offer_to", fail)
    page = client.get("/")

    assert page.status_code == 422
    assert "A value is too long" in page.text
    assert "varying" not in page.text


def test_a_zero_byte_in_an_address_breaks_nothing(client) -> None:
    client.force_login(make_user(roles=[Role.PROGRAMME_OFFICER]))

    assert client.get("/organisations/%00/").status_code in {404, 422}
    assert client.get("/api/v1/organisations/%00").status_code in {404, 422}
    assert client.get("/people/?wanted=%00").status_code in {200, 422}


def test_what_a_person_saw_is_not_kept_for_the_next_one(client) -> None:
    client.force_login(make_user())

    assert "private" in client.get("/organisations/")["Cache-Control"]
    assert "no-store" in client.get("/profile/")["Cache-Control"]
