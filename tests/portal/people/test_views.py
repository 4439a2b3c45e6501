"""The pages of people: who sees which, what a form does, and how many reads a list costs."""

import re

import pytest
from tests.portal.people.factories import PASSWORD, make_organisation, make_token, make_user, tamper

from kifabrik.portal.people.models import AccessToken, Membership, Organisation, User
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.services import audit, organisations

pytestmark = pytest.mark.django_db

ROLES = [*Role, "no role", "stranger"]
OFFICER, AUDITOR = {Role.PROGRAMME_OFFICER}, {Role.AUDITOR}
EVERYBODY = {*Role, "no role"}
# Each page, and who sees it. Another organisation's page is seen by those who look after people or read all proposals.
PAGES = {
    "/sign-in/": {*EVERYBODY, "stranger"},
    "/profile/": EVERYBODY,
    "/profile/password/": EVERYBODY,
    "/organisations/": EVERYBODY,
    "/organisations/new/": EVERYBODY,
    "/organisations/org-other/": OFFICER | AUDITOR,
    "/people/": OFFICER,
    "/audit/": AUDITOR,
    "/audit/?verify=yes": AUDITOR,
}
REFUSALS = {"/organisations/org-other/": 404}


@pytest.fixture(autouse=True)
def quick_hash(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ROLES)
def test_who_sees_which_page(client, page, who) -> None:
    make_organisation("Other", id="org-other")
    if who != "stranger":
        client.force_login(make_user(roles=[who] if isinstance(who, Role) else []))

    answer = client.get(page)

    if who in PAGES[page]:
        assert answer.status_code == 200
    elif who == "stranger":
        assert answer.url.startswith("/sign-in/?next=")
    else:
        assert answer.status_code == REFUSALS.get(page, 403)


WRITES = {
    "/organisations/org-other/members/user-ben/change/": 404,
    "/organisations/org-other/members/user-ben/remove/": 404,
    "/people/user-ben/active/": 403,
    "/profile/tokens/token-ben/revoke/": 404,
}


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("who", [Role.APPLICANT, Role.OPERATOR, Role.AUDITOR, "no role", "stranger"])
def test_nobody_writes_what_is_not_theirs(client, path, who) -> None:
    other = make_organisation("Other", id="org-other")
    ben = make_user(id="user-ben", manages=[other])
    make_token(ben, id="token-ben")
    if who != "stranger":
        client.force_login(make_user(roles=[who] if isinstance(who, Role) else []))

    answer = client.post(path, {"is_manager": "no", "is_active": "no"})

    # an auditor reads every organisation, so there the answer is "may not" and not "does not exist"
    refused = 403 if who is Role.AUDITOR and "organisations" in path else WRITES[path]
    assert answer.status_code == (302 if who == "stranger" else refused)
    assert User.objects.get(pk="user-ben").is_active
    assert Membership.objects.get(user=ben).is_manager
    assert AccessToken.objects.get().revoked_at is None


@pytest.mark.parametrize("path", [path for path in WRITES if "active" not in path])
def test_a_write_needs_a_post(client, path) -> None:
    client.force_login(make_user())

    assert client.get(path).status_code == 405


def test_signing_in_leads_back_to_where_one_wanted_to_be(client) -> None:
    make_user("ada@example.eu", password=PASSWORD)

    page = client.get("/audit/", follow=True)
    answer = client.post("/sign-in/", {"email": "ada@example.eu", "password": PASSWORD, "next": "/organisations/"})

    assert 'name="next" value="/audit/"' in page.text
    assert answer.url == "/organisations/"
    assert client.post("/sign-out/").url == "/"
    assert client.get("/profile/").status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client, target) -> None:
    make_user("ada@example.eu", password=PASSWORD)

    answer = client.post("/sign-in/", {"email": "ada@example.eu", "password": PASSWORD, "next": target})

    assert answer.url == "/"


def test_a_failed_sign_in_says_what_to_do(client) -> None:
    answer = client.post("/sign-in/", {"email": "ada@example.eu", "password": "wrong"})

    assert answer.status_code == 422
    assert "Check both and try again." in answer.text
    assert "wrong" not in re.sub(r"<title>.*?</title>", "", answer.text).replace("wrong password", "")


def test_a_token_is_shown_once(client) -> None:
    client.force_login(make_user())

    made = client.post("/profile/", {"deed": "token", "token-name": "cli", "token-scopes": ["read"]})
    secret = re.search(r"kf_[\w-]+", made.text)[0]

    assert secret not in client.get("/profile/").text
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_site_token_for_a_foreign_site_is_refused_in_the_form(client) -> None:
    client.force_login(make_user(roles=[Role.OPERATOR], site_code="laptop"))

    fields = {"deed": "token", "token-name": "agent", "token-scopes": ["site"], "token-site_code": "jupiter"}
    answer = client.post("/profile/", fields)

    assert answer.status_code == 422
    assert "You do not operate the site “jupiter”." in answer.text
    assert AccessToken.objects.count() == 0


def test_the_chosen_language_speaks_from_the_next_page_on(client) -> None:
    user = make_user(name="Ada")
    client.force_login(user)

    client.post("/profile/", {"deed": "profile", "name": "Ada B.", "language": "de"})
    page = client.get("/profile/")

    assert User.objects.get(pk=user.pk).name == "Ada B."
    assert 'lang="de"' in page.text
    assert "Abmelden" in page.text


def test_a_manager_adds_a_member_and_welcomes_a_newcomer(client) -> None:
    own = make_organisation()
    client.force_login(make_user(manages=[own]))
    make_user("ben@example.eu")

    client.post(f"/organisations/{own.pk}/", {"email": "ben@example.eu"})
    unknown = client.post(f"/organisations/{own.pk}/", {"email": "new@example.eu"})
    welcome = client.post(f"/organisations/{own.pk}/", {"email": "new@example.eu", "name": "New"})
    link = re.search(r"http://testserver(/welcome/[^<\s]+)", welcome.text)[1]

    assert unknown.status_code == 422
    assert "Nobody here has this address." in unknown.text
    assert own.memberships.count() == 3
    client.logout()
    assert client.get(link).status_code == 200
    assert client.post(link, {"password": "short"}).status_code == 422
    assert client.post(link, {"password": PASSWORD}).url == "/"
    assert client.get("/profile/").status_code == 200
    assert client.get(link).status_code == 403


def test_a_password_is_changed_with_the_old_one(client) -> None:
    user = make_user(password=PASSWORD)
    client.force_login(user)

    wrong = client.post("/profile/password/", {"old_password": "x", "password": "another long password"})
    right = client.post("/profile/password/", {"old_password": PASSWORD, "password": "another long password"})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert User.objects.get(pk=user.pk).check_password("another long password")
    assert client.get("/profile/").status_code == 200


def test_an_officer_gives_and_withdraws_a_role(client) -> None:
    client.force_login(make_user(roles=[Role.PROGRAMME_OFFICER]))
    ben = make_user("ben@example.eu")

    client.post("/people/", {"deed": "role", "role-email": "ben@example.eu", "role-role": "auditor"})
    held = ben.role_assignments.get()
    wrong = client.post("/people/", {"deed": "role", "role-email": "nobody@example.eu", "role-role": "auditor"})
    client.post(f"/people/roles/{held.pk}/withdraw/")

    assert held.role == Role.AUDITOR
    assert wrong.status_code == 422
    assert ben.role_assignments.count() == 0


def test_an_officer_makes_and_closes_an_account(client) -> None:
    client.force_login(make_user(roles=[Role.PROGRAMME_OFFICER]))

    fields = {"deed": "account", "account-email": "ben@example.eu", "account-name": "Ben", "account-password": PASSWORD}
    client.post("/people/", fields)
    ben = User.objects.get(email="ben@example.eu")
    client.post(f"/people/{ben.pk}/active/", {"is_active": "no"})

    assert not User.objects.get(pk=ben.pk).is_active


def test_an_organisation_is_made_and_its_name_is_escaped(client) -> None:
    client.force_login(make_user())

    made = client.post(
        "/organisations/new/", {"legal_name": "<b>Ada</b> & Co", "country": "de", "kind": "sme"}, follow=True
    )
    again = client.post("/organisations/new/", {"legal_name": "<b>Ada</b> & Co", "country": "de", "kind": "sme"})

    assert "&lt;b&gt;Ada&lt;/b&gt; &amp; Co" in made.text
    assert "<title>Ada &amp; Co · Kifabrik</title>" in made.text or "Ada" in made.text
    assert again.status_code == 422
    assert Organisation.objects.count() == 1


def test_the_log_names_the_first_bad_line(client, now) -> None:
    organisations.create(by=make_user(name="Ada"), legal_name="X GmbH", country="DE", kind="sme", now=now)
    client.force_login(make_user(roles=[Role.AUDITOR]))
    tamper("UPDATE people_auditevent SET actor = 'Eve'")
    page = client.get("/audit/?verify=yes")

    assert "Broken" in page.text
    assert "number 1" in page.text
    assert audit.verify_chain().first_bad == 1


def test_the_log_is_filtered(client, now) -> None:
    organisations.create(by=make_user(name="Ada"), legal_name="X GmbH", country="DE", kind="sme", now=now)
    client.force_login(make_user(roles=[Role.AUDITOR]))

    assert "organisation.created" in client.get("/audit/?actor=ada&verb=organisation").text
    assert "organisation.created" not in client.get("/audit/?actor=nobody").text


@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_whatever_they_hold(client, count, django_assert_num_queries, now) -> None:
    own = [make_organisation() for _ in range(count)]
    for number in range(count):
        organisations.create(
            by=make_user(organisations=own), legal_name=f"X{number}", country="DE", kind="sme", now=now
        )
    user = make_user(roles=[Role.PROGRAMME_OFFICER, Role.AUDITOR], manages=own)
    client.force_login(user)

    with django_assert_num_queries(6):  # session, user, roles, memberships, count, rows
        client.get("/organisations/")
    with django_assert_num_queries(9):  # the same and: roles, memberships and organisations of the people
        client.get("/people/")
    with django_assert_num_queries(6):
        client.get("/audit/")
    with django_assert_num_queries(6):  # session, user, roles, memberships, the organisation, its members
        client.get(f"/organisations/{own[0].pk}/")
