"""Pages and REST operations of datasets and of starting a training."""

import pytest
from tests.portal.catalogue.factories import SERIOUS, folder_of, make_card, make_place, make_recipe, make_version, start
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.portal.compute.models import Run
from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def stranger():
    return make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])


def test_the_list_costs_the_same_for_one_row_and_three(client, place, django_assert_num_queries) -> None:
    client.force_login(place.manager)
    make_version(place, name="one")
    with django_assert_num_queries(8):
        client.get("/datasets/")
    for name in ("two", "three"):
        make_version(place, name=name, findings=(SERIOUS,))

    with django_assert_num_queries(8):
        page = client.get("/datasets/")

    assert page.content.count(b"1 finding open") == 2


def test_visitors_see_public_cards_only_and_no_trace_of_others(client, place) -> None:
    shown, hidden = make_version(place, name="shown", is_public=True), make_version(place, name="hidden")

    page = client.get("/datasets/")
    assert b"shown" in page.content
    assert b"hidden" not in page.content.replace(b'type="hidden"', b"").replace(b" hidden", b"")
    assert client.get(f"/datasets/{hidden.dataset_id}/").status_code == 404
    page = client.get(f"/datasets/{shown.dataset_id}/")
    assert page.status_code == 200
    assert place.manager.name.encode() not in page.content
    assert client.get("/api/v1/datasets").json()["total"] == 1


def test_the_card_is_told_in_plain_words(client, place) -> None:
    version = make_version(place)
    start(place, version)
    client.force_login(place.manager)

    page = client.get(f"/datasets/{version.dataset_id}/").content.decode()

    for words in (
        "Letters to customers",
        "CC-BY-4.0",
        "What was not checked",
        "Names of persons",
        "logo.png",
        "e-mail",
    ):
        assert words in page
    assert "<meter" in page
    assert "/runs/run-" in page


def test_a_page_of_a_dataset_costs_the_same_for_one_version_and_three(client, place, django_assert_num_queries) -> None:
    client.force_login(place.manager)
    version = make_version(place, findings=(SERIOUS,))
    with django_assert_num_queries(13):
        client.get(f"/datasets/{version.dataset_id}/")
    for _ in range(2):
        make_version(place, findings=(SERIOUS,))

    with django_assert_num_queries(13):
        client.get(f"/datasets/{version.dataset_id}/")


def test_another_version_is_shown_on_request(client, place) -> None:
    first = make_version(place)
    second = make_version(place)
    client.force_login(place.manager)

    assert first.digest in client.get(f"/datasets/{first.dataset_id}/?version=1").content.decode()
    assert second.number == 2
    assert client.get(f"/datasets/{first.dataset_id}/?version=9").status_code == 404


def test_a_finding_is_accepted_on_the_page(client, place) -> None:
    version = make_version(place, findings=(SERIOUS,))
    client.force_login(place.manager)
    assert b"Accept this finding" in client.get(f"/datasets/{version.dataset_id}/").content
    url = f"/dataset-versions/{version.pk}/accept/"
    form = {"code": SERIOUS.code, "where": SERIOUS.where, "reason": "short"}

    page = client.post(url, form)
    assert page.status_code == 422
    assert b'class="errors"' in page.content
    page = client.post(url, {**form, "reason": "All of them are our own addresses."}, follow=True)

    assert b"All of them are our own addresses." in page.content
    assert b"ready for training" in page.content


def test_others_get_404_and_readers_no_form(client, place, stranger) -> None:
    version = make_version(place, findings=(SERIOUS,))
    url = f"/dataset-versions/{version.pk}/accept/"
    form = {"code": SERIOUS.code, "where": SERIOUS.where, "reason": "All of them are our own addresses."}

    client.force_login(stranger)
    assert client.post(url, form).status_code == 404
    client.force_login(make_user(roles=[Role.AUDITOR]))
    assert b"Accept this finding" not in client.get(f"/datasets/{version.dataset_id}/").content
    assert client.post(url, form).status_code == 403


def test_a_card_is_shown_and_hidden(client, place) -> None:
    version = make_version(place)
    client.force_login(place.manager)

    client.post(f"/datasets/{version.dataset_id}/visibility/", {"is_public": "1"})
    version.dataset.refresh_from_db()
    assert version.dataset.is_public
    client.post(f"/datasets/{version.dataset_id}/visibility/", {"is_public": "0"})
    version.dataset.refresh_from_db()
    assert not version.dataset.is_public


def test_the_estimate_comes_before_the_start(client, place) -> None:
    version = make_version(place)
    client.force_login(place.manager)
    form = {"allocation": place.allocation.pk, "dataset_version": version.pk, "shipped": "small-text-model"}

    page = client.get(f"/runs/new/?allocation={place.allocation.pk}")
    assert page.status_code == 200
    assert b"Start the training" not in page.content
    page = client.post("/runs/new/", {**form, "step": "estimate"})
    assert b"Start the training" in page.content
    assert b"FLOP" in page.content
    assert Run.objects.count() == 0

    page = client.post("/runs/new/", {**form, "step": "start"})

    assert page.status_code == 302
    assert page.url == f"/runs/{Run.objects.get().pk}/"


def test_a_mistake_in_a_recipe_is_named_with_its_line(client, place) -> None:
    version = make_version(place)
    client.force_login(place.manager)
    text = "name: mine\ndataset: any\npretraining:\n  budgt:\n    steps: 5\n"

    page = client.post(
        "/runs/new/",
        {"allocation": place.allocation.pk, "dataset_version": version.pk, "text": text, "step": "start"},
    )

    assert page.status_code == 422
    assert "recipe:4" in page.content.decode()
    assert "did you mean" in page.content.decode()
    assert Run.objects.count() == 0


def test_open_findings_and_poor_budgets_are_said_before_the_start(client) -> None:
    poor = make_place(gpu_seconds=5)
    version = make_version(poor, findings=(SERIOUS,))
    client.force_login(poor.manager)
    form = {"allocation": poor.allocation.pk, "dataset_version": version.pk, "shipped": "small-text-model"}

    page = client.post("/runs/new/", {**form, "step": "estimate"}).content

    assert SERIOUS.message.encode() in page
    assert b"Start the training" not in page
    page = client.post("/runs/new/", {**form, "step": "start"})
    assert page.status_code == 422
    assert Run.objects.count() == 0


def test_without_an_allocation_the_page_says_how_to_get_one(client, stranger) -> None:
    assert client.get("/runs/new/").status_code == 302
    client.force_login(stranger)

    assert b"no open allocation" in client.get("/runs/new/").content


def test_allocations_and_datasets_of_others_cannot_be_chosen(client, place, stranger) -> None:
    version = make_version(place)
    client.force_login(make_place(code="other").manager)
    form = {"allocation": place.allocation.pk, "dataset_version": version.pk, "shipped": "small-text-model"}

    page = client.post("/runs/new/", {**form, "step": "start"})

    assert page.status_code == 422
    assert Run.objects.count() == 0


def test_a_program_registers_accepts_estimates_and_starts(client, place) -> None:
    headers = bearer(make_token(place.manager))
    card = make_card(findings=(SERIOUS,))
    files = [{"path": f.path, "digest": f.digest, "size_bytes": f.size_bytes} for f in folder_of(place, card)]
    body = {"organisation": place.organisation.pk, "name": "letters", "card": card.model_dump(mode="json")}

    def post(url, body):
        return client.post(f"/api/v1{url}", body, content_type="application/json", headers=headers)

    made = post("/datasets", {**body, "files": files})
    assert made.status_code == 201
    version = made.json()
    assert version["open_findings"][0]["code"] == SERIOUS.code
    job = {
        "recipe": make_recipe().model_dump(mode="json"),
        "dataset_version": version["id"],
        "allocation": place.allocation.pk,
    }
    assert not post("/runs/estimate", job).json()["may_start"]
    assert post("/runs", job).status_code == 409

    accepted = post(
        f"/dataset-versions/{version['id']}/accept",
        {"code": SERIOUS.code, "where": SERIOUS.where, "reason": "All of them are our own."},
    )
    assert accepted.status_code == 201
    estimate = post("/runs/estimate", job).json()
    assert estimate["may_start"]
    assert estimate["left_after_gpu_seconds"] == estimate["left_before_gpu_seconds"] - estimate["reserved_gpu_seconds"]
    run = post("/runs", job)
    assert run.status_code == 201
    assert client.get(f"/api/v1/runs/{run.json()['id']}", headers=headers).json()["state"] == "requested"
    page = client.get(f"/api/v1/datasets/{version['dataset']}", headers=headers).json()
    assert page["versions"][0]["acceptances"][0]["reason"] == "All of them are our own."


def test_the_api_refuses_strangers_readers_bad_cards_and_other_tenants(client, place, stranger) -> None:
    version = make_version(place)
    reader = bearer(make_token(place.manager, scopes=[Scope.READ]))
    other = bearer(make_token(stranger))
    body = {"organisation": place.organisation.pk, "name": "x", "card": {}, "files": []}

    def post(url, headers, body=body):
        return client.post(f"/api/v1{url}", body, content_type="application/json", headers=headers)

    assert post("/datasets", {}).status_code == 401
    assert post("/datasets", reader).status_code == 403
    assert post("/datasets", other).status_code == 404
    answer = post("/datasets", bearer(make_token(place.manager)))
    assert (answer.status_code, answer.json()["where"]) == (422, "card")
    assert client.get(f"/api/v1/datasets/{version.dataset_id}", headers=other).status_code == 404
    assert client.get("/api/v1/datasets", headers=bearer("kf_wrong")).status_code == 401
    job = {"recipe": {}, "dataset_version": version.pk, "allocation": place.allocation.pk}
    assert post("/runs", other, job).status_code == 404
    assert post("/runs/estimate", other, job).status_code == 404


def test_a_public_card_names_no_files_to_programs_outside(client, place) -> None:
    version = make_version(place, is_public=True)

    page = client.get(f"/api/v1/datasets/{version.dataset_id}").json()

    assert page["versions"][0]["card"]["name"] == "letters"
    assert page["versions"][0]["files"] == []
