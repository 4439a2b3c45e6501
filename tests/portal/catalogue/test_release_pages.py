"""Pages, downloads and REST operations of models and releases."""

import json

import pytest
from django.utils import timezone
from tests.portal.catalogue.factories import NOW, finish, make_candidate, make_place, start
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.core.digests import digest_bytes
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.catalogue.queries.figures import significant
from kifabrik.portal.catalogue.services import publication
from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def stranger():
    return make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])


@pytest.fixture
def officer():
    return make_user(roles=[Role.PROGRAMME_OFFICER], name="Grace Officer")


def published(place, *, is_public=False, **candidate):
    release = make_candidate(place, **candidate)
    return publication.publish(by=place.manager, release=release, is_public=is_public, now=NOW)


def test_a_candidate_is_made_from_a_finished_run(client, place) -> None:
    run = finish(place, start(place))
    client.force_login(place.manager)
    assert f"/releases/new/?run={run.pk}" in client.get("/models/").content.decode()
    url = f"/releases/new/?run={run.pk}"

    page = client.post(url, {"model_name": "Not A Name", "summary": ""})
    assert page.status_code == 422
    page = client.post(url, {"model_name": "letters", "summary": "Writes letters."}, follow=True)

    assert page.status_code == 200
    assert b"Writes letters." in page.content
    assert b"Sign and publish" in page.content
    assert client.get(url).url == f"/releases/{Release.objects.get().pk}/"  # one run, one release


def test_runs_of_others_cannot_be_proposed(client, place, stranger) -> None:
    run = finish(place, start(place))
    client.force_login(stranger)

    assert client.get(f"/releases/new/?run={run.pk}").status_code == 404


def test_the_gate_is_shown_test_by_test(client, place) -> None:
    release = make_candidate(place, red=("usefulness",), missing=("extraction",))
    client.force_login(place.manager)

    page = client.get(f"/releases/{release.pk}/").content.decode()

    assert "The gate is red." in page
    assert "does not remember what it saw once" in page
    assert "0.4 … 0.6" in page
    assert "at most 1" in page
    assert "reason of usefulness" in page
    assert "that counts as red" in page
    assert "Sign and publish" not in page
    assert "Waive under my name" not in page


def test_a_red_gate_cannot_be_published_by_post_either(client, place) -> None:
    release = make_candidate(place, red=("usefulness",))
    client.force_login(place.manager)

    page = client.post(f"/releases/{release.pk}/publish/", {})

    assert page.status_code == 409
    assert b"better than a simple baseline" in page.content


def test_an_officer_waives_on_the_page_and_the_member_publishes(client, place, officer) -> None:
    release = make_candidate(place, red=("usefulness",))
    url = f"/releases/{release.pk}/"
    client.force_login(officer)
    assert b"Waive under my name" in client.get(url).content
    form = {"test": "usefulness", "reason": "no", "expires_on": ""}
    page = client.post(f"{url}waive/", form)
    assert page.status_code == 422
    end = timezone.now().date().replace(year=timezone.now().year + 1) - timezone.timedelta(days=2)
    page = client.post(f"{url}waive/", {**form, "reason": "For a demonstration only.", "expires_on": end}, follow=True)
    assert b"For a demonstration only." in page.content
    assert b"Sign and publish" not in page.content

    client.force_login(place.manager)
    page = client.post(f"{url}publish/", {"is_public": "on"}, follow=True)

    assert b"Try it" in page.content
    assert b"kifabrik release verify" in page.content
    release.refresh_from_db()
    assert (release.state, release.is_public) == ("released", True)


def test_the_page_tells_the_story_in_human_order(client, place) -> None:
    release = published(place)
    client.force_login(place.manager)

    page = client.get(f"/releases/{release.pk}/").content.decode()

    order = [
        "How it was tested",
        "Try it",
        "Who decided",
        "From what data",
        "With what computing",
        "Evidence for",
        "Files",
    ]
    places = [page.index(f">{words}") for words in order]
    assert places == sorted(places)
    for words in (
        "1.3 × 10¹³ FLOP",
        "1.25 Wh",
        "It fits.",
        "Letters to customers",
        "model.safetensors",
        release.key_id,
    ):
        assert words in page
    for step in ("/proposals/", "/awards/", "/allocations/", "/datasets/", "/runs/"):
        assert step in page


def test_a_public_release_is_open_to_visitors_without_the_chain_behind_it(client, place) -> None:
    release = published(place, is_public=True)

    page = client.get(f"/releases/{release.pk}/").content.decode()

    assert "Try it" in page
    for inside in (f"/runs/{release.run_id}/", "/proposals/proposal", "/allocations/alloc", "What happened"):
        assert inside not in page


def test_the_catalogue_of_visitors_holds_public_releases_only(client, place) -> None:
    published(place, is_public=True, name="open-model")
    hidden = published(place, name="closed-model")
    make_candidate(place, name="open-model")

    page = client.get("/models/").content.decode()

    assert "open-model" in page
    assert "closed-model" not in page
    assert "andidates" not in page
    assert client.get(f"/releases/{hidden.pk}/").status_code == 404
    assert client.get(f"/models/{hidden.model_id}/").status_code == 404
    open_model = Release.objects.filter(is_public=True).get().model_id
    page = client.get(f"/models/{open_model}/").content.decode()
    assert page.count("Read it") == 1
    assert "Candidate" not in page


def test_the_catalogue_costs_the_same_for_one_model_and_three(client, place, django_assert_num_queries) -> None:
    published(place, is_public=True)
    with django_assert_num_queries(3):
        client.get("/models/")
    for _ in range(2):
        published(place, is_public=True)

    with django_assert_num_queries(3):
        client.get("/models/")


def test_the_pages_of_members_cost_the_same_for_one_release_and_three(client, place, django_assert_num_queries) -> None:
    release = published(place, name="letters")
    client.force_login(place.manager)
    url = f"/models/{release.model_id}/"
    with django_assert_num_queries(6):
        client.get(url)
    for _ in range(2):
        make_candidate(place, name="letters")

    with django_assert_num_queries(6):
        assert client.get(url).content.count(b"Candidate") == 2
    with django_assert_num_queries(8):
        client.get(f"/releases/{release.pk}/")


def test_the_whole_passport_is_a_page_and_a_file(client, place) -> None:
    release = published(place, is_public=True)

    page = client.get(f"/releases/{release.pk}/passport/").content.decode()
    file = client.get(f"/releases/{release.pk}/passport.json")

    for words in ("Playground", "Ledger entries of this run", "mlbom.cdx.json", "modelled", "closed formula"):
        assert words in page
    assert json.loads(file.content) == release.passport
    assert "attachment" in file["Content-Disposition"]


def test_a_candidate_has_no_passport(client, place) -> None:
    release = make_candidate(place)
    client.force_login(place.manager)

    assert client.get(f"/releases/{release.pk}/passport/").status_code == 404


def test_files_are_streamed_as_signed_and_no_other(client, place, stranger) -> None:
    release = published(place)
    url = f"/releases/{release.pk}/files/"
    client.force_login(place.manager)

    answer = client.get(f"{url}model/model.safetensors")
    assert answer.status_code == 200
    data = b"".join(answer.streaming_content)
    assert digest_bytes(data) == release.passport["files"]["model/model.safetensors"]
    for name in ("../../../secret-key", "model", "nothing.txt", "/etc/passwd", "model/../../../../secret-key"):
        assert client.get(url + name).status_code == 404
    client.force_login(stranger)
    assert client.get(f"{url}README.md").status_code == 404


def test_the_public_key_is_given_to_everybody_once_there_is_one(client, place) -> None:
    assert client.get("/releases/key.pub").status_code == 404
    published(place)

    assert client.get("/releases/key.pub").content.startswith(b"-----BEGIN PUBLIC KEY-----")


def test_a_release_is_revoked_on_its_page(client, place) -> None:
    release = published(place, is_public=True)
    url = f"/releases/{release.pk}/"
    client.force_login(place.manager)
    assert client.post(f"{url}revoke/", {"reason": "bad"}).status_code == 422

    page = client.post(f"{url}revoke/", {"reason": "It recites private letters."}, follow=True)
    assert b"It recites private letters." in page.content
    assert b"Try it" not in page.content
    client.logout()

    assert b"It recites private letters." in client.get(url).content
    assert client.get(f"{url}files/README.md").status_code == 409
    assert b"letters" not in client.get("/models/").content


def test_german_pages_speak_german(client, place) -> None:
    release = published(place, is_public=True)

    page = client.get(f"/releases/{release.pk}/", headers={"Accept-Language": "de"}).content.decode()

    for words in (
        "Wie es getestet wurde",
        "Ausprobieren",
        "Wer entschieden hat",
        "Rote Linie",
        "Das Modell sagt keinen Trainingstext auf",
    ):
        assert words in page


def test_a_program_proposes_waives_publishes_downloads_and_revokes(client, place, officer) -> None:
    run = finish(place, start(place), red=("usefulness",))
    member, judge = bearer(make_token(place.manager)), bearer(make_token(officer))

    def post(url, body=None, headers=member):
        return client.post(f"/api/v1{url}", body or {}, content_type="application/json", headers=headers)

    made = post("/releases", {"run": run.pk, "model_name": "letters", "summary": ""})
    assert (made.status_code, made.json()["gate"]) == (201, "red")
    url = f"/releases/{made.json()['id']}"
    refused = post(f"{url}/publish", {"is_public": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "gate-red")
    end = (timezone.now() + timezone.timedelta(days=30)).date().isoformat()
    waiver = {"test": "usefulness", "reason": "For a demonstration only.", "expires_on": end}
    assert post(f"{url}/waive", waiver).status_code == 403
    assert post(f"{url}/waive", waiver, judge).json()["gate"] == "green"

    done = post(f"{url}/publish", {"is_public": True})
    assert done.json()["state"] == "released"
    assert post(f"{url}/publish", {"is_public": True}).json()["released_at"] == done.json()["released_at"]

    assert client.get("/api/v1/models").json()["items"][0]["name"] == "letters"
    assert client.get("/api/v1/releases").json()["total"] == 1
    assert client.get(f"/api/v1{url}/passport").json()["model_name"] == "letters"
    files = client.get(f"/api/v1{url}/files").json()["items"]
    assert {"passport.sig", "passport.json", "model/config.json"} <= {file["path"] for file in files}
    answer = client.get(f"/api/v1{url}/files/model/config.json")
    assert b"".join(answer.streaming_content) == b'{"model_type":"llama"}'

    assert post(f"{url}/revoke", {"reason": "It recites private letters."}).json()["state"] == "revoked"
    assert client.get(f"/api/v1{url}/files").json()["items"] == []
    assert client.get("/api/v1/models").json()["total"] == 0


def test_the_api_refuses_strangers_readers_and_other_tenants(client, place, stranger) -> None:
    release = make_candidate(place)
    url = f"/api/v1/releases/{release.pk}"
    reader = bearer(make_token(place.manager, scopes=[Scope.READ]))
    other = bearer(make_token(stranger))

    def post(verb, headers):
        return client.post(f"{url}/{verb}", {}, content_type="application/json", headers=headers).status_code

    assert client.get(url).status_code == 404
    assert client.get(url, headers=other).status_code == 404
    assert client.get(url, headers=reader).status_code == 200
    assert client.get(f"{url}/passport", headers=reader).status_code == 404
    assert post("publish", {}) == 401
    assert post("publish", reader) == 403
    assert post("publish", other) == 404
    assert client.get("/api/v1/releases").json()["total"] == 0


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0.4, "0.4"), (31.2345, "31.23"), (0.0, "0"), (1.3e-9, "1.3 × 10⁻⁹")]
)
def test_figures_have_the_digits_that_matter(value, words) -> None:
    assert significant(value) == words
