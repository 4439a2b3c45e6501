"""Pages and REST operations of support requests."""

import pytest
from tests.portal.compute.factories import make_place, start_run
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.portal.exchange import services
from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def own():
    return make_organisation()


@pytest.fixture
def asker(own):
    return make_user(roles=[Role.APPLICANT], organisations=[own])


@pytest.fixture
def asked(asker, own, now):
    return services.ask(by=asker, organisation=own, subject="Loss is NaN", text="After step 3.", now=now)


def test_the_list_costs_the_same_for_one_row_and_three(client, asker, own, now, asked, django_assert_num_queries):
    client.force_login(asker)
    with django_assert_num_queries(6):
        client.get("/support/")
    for number in range(2):
        services.ask(by=asker, organisation=own, subject=f"More {number}", text="?", now=now)

    with django_assert_num_queries(6):
        page = client.get("/support/")

    assert b"Loss is NaN" in page.content
    assert b"More 1" in page.content


def test_the_filter_shows_one_state_only(client, asker, asked, now) -> None:
    client.force_login(asker)

    assert b"Loss is NaN" not in client.get("/support/?state=closed").content
    assert b"Loss is NaN" in client.get("/support/?state=open").content


def test_a_question_is_asked_and_answered_on_pages(client, asker, own) -> None:
    client.force_login(asker)
    form = {"organisation": own.pk, "subject": "Which batch size?", "text": "I have 2 cores."}
    answer = client.post("/support/new/", form, follow=True)
    assert b"Which batch size?" in answer.content

    expert = make_user(roles=[Role.SUPPORT_EXPERT], name="Grace")
    client.force_login(expert)
    url = answer.redirect_chain[-1][0]
    assert b"Take this question" in client.get(url).content
    client.post(f"{url}take/")
    page = client.post(f"{url}messages/", {"text": "Eight."}, follow=True)

    assert b"Eight." in page.content
    assert b"Grace" in page.content
    page = client.post(f"{url}close/", follow=True)
    assert b"This request is closed." in page.content


def test_mistakes_are_said_beside_the_field(client, asker, own) -> None:
    client.force_login(asker)

    page = client.post("/support/new/", {"organisation": own.pk, "subject": "x", "text": ""})

    assert page.status_code == 422
    assert page.content.count(b'class="errors"') == 1


def test_an_empty_message_is_not_sent(client, asker, asked) -> None:
    client.force_login(asker)

    page = client.post(f"/support/{asked.pk}/messages/", {"text": " "})

    assert page.status_code == 422
    assert asked.messages.count() == 1


def test_other_organisations_get_404_and_strangers_the_sign_in_page(client, asked) -> None:
    assert client.get(f"/support/{asked.pk}/").status_code == 302
    client.force_login(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]))

    assert client.get(f"/support/{asked.pk}/").status_code == 404


def test_words_of_others_are_never_markup(client, asker, own, now) -> None:
    services.ask(by=asker, organisation=own, subject="<script>x</script>", text="<b>bold</b>", now=now)
    client.force_login(asker)

    page = client.get("/support/")

    assert b"<script>x" not in page.content
    assert b"&lt;script&gt;x" in page.content


def test_the_api_asks_lists_and_answers(client, asker, own) -> None:
    headers = bearer(make_token(asker))
    body = {"organisation": own.pk, "subject": "Which batch size?", "text": "Two cores."}

    made = client.post("/api/v1/support-requests", body, content_type="application/json", headers=headers)
    assert made.status_code == 201
    url = f"/api/v1/support-requests/{made.json()['id']}"
    expert = bearer(make_token(make_user(roles=[Role.SUPPORT_EXPERT])))
    said = client.post(f"{url}/messages", {"text": "Eight."}, content_type="application/json", headers=expert)
    assert said.status_code == 201

    assert client.get(url, headers=headers).json()["state"] == "answered"
    listing = client.get("/api/v1/support-requests", headers=headers).json()
    assert (listing["total"], listing["items"][0]["id"]) == (1, made.json()["id"])
    assert client.post(f"{url}/take", headers=expert).json()["expert"]
    assert client.post(f"{url}/close", headers=headers).json()["state"] == "closed"


def test_the_api_refuses_strangers_readers_and_other_tenants(client, asker, asked, own) -> None:
    url = f"/api/v1/support-requests/{asked.pk}"
    reader = bearer(make_token(asker, scopes=[Scope.READ]))
    other = bearer(make_token(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])))
    body = {"organisation": own.pk, "subject": "Mine", "text": "?"}

    assert client.get(url).status_code == 401
    assert client.post(f"{url}/close", headers=reader).status_code == 403
    assert client.get(url, headers=other).status_code == 404
    answer = client.post("/api/v1/support-requests", body, content_type="application/json", headers=other)
    assert answer.status_code == 404


def test_a_question_about_a_run_links_to_it(client, now, home) -> None:
    place = make_place()
    run = start_run(place)
    client.force_login(place.manager)
    assert run.pk.encode() in client.get(f"/support/new/?kind=run&id={run.pk}").content
    form = {
        "organisation": place.organisation.pk,
        "subject": "Why so slow?",
        "text": "It takes an hour.",
        "about_kind": "run",
        "about_id": run.pk,
    }

    page = client.post("/support/new/", form, follow=True)

    assert f'href="/runs/{run.pk}/"'.encode() in page.content
    other = make_place()
    client.force_login(other.manager)
    page = client.post("/support/new/", {**form, "organisation": other.organisation.pk})
    assert page.status_code == 422
