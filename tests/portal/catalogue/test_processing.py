"""Declaring how personal data in a dataset are processed, and being asked and reminded."""

from datetime import timedelta

import pytest
from tests.portal.catalogue.factories import NOW, make_place, make_version
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.core.errors import InvalidInput, Refused
from kifabrik.passport.data_protection import Processing
from kifabrik.portal.catalogue.models import ProcessingRecord
from kifabrik.portal.catalogue.queries.needs import needs
from kifabrik.portal.catalogue.services import processing
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
DECLARED = Processing(
    role="controller",
    legal_basis="6(1)(f)",
    purpose="a model that answers letters",
    retention_until=TODAY + timedelta(days=400),
    special_categories="none",
)
ORIGIN = {
    "title": "Letters",
    "licence": "CC-BY-4.0",
    "source": "our desk",
    "personal_data_role": "processor",
    "purpose": "answering",
    "retention_until": "2028-01-31",
}
FORM = {
    "role": "controller",
    "legal_basis": "6(1)(f)",
    "purpose": "a model that answers letters",
    "retention_until": "2030-01-31",
    "special_categories": "none",
    "circumstances": ["vulnerable"],
    "assessment": "open",
    "assessment_note": "",
}


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def dataset(place):
    return make_version(place).dataset


def declare(place, dataset, processing_=DECLARED, *, by=None, **changes):
    return processing.declare(
        by=by or place.manager,
        dataset=dataset,
        processing=Processing(**{**{n: getattr(processing_, n) for n in processing_.__slots__}, **changes}),
        now=NOW,
    )


def test_each_declaration_is_a_new_row_with_an_audit_line(place, dataset) -> None:
    declare(place, dataset)
    declare(place, dataset, legal_basis="6(1)(a)")

    assert [row.legal_basis for row in dataset.processing_records.all()] == ["6(1)(a)", "6(1)(f)"]
    events = AuditEvent.objects.filter(verb="dataset.processing-declared", object_id=dataset.pk)
    assert [event.details["legal_basis"] for event in events.order_by("sequence")] == ["6(1)(f)", "6(1)(a)"]


def test_what_the_card_declares_is_the_first_declaration_and_no_second(place) -> None:
    first = make_version(place, origin=ORIGIN)
    make_version(place, origin={**ORIGIN, "purpose": "another"})

    (record,) = first.dataset.processing_records.all()
    assert (record.role, record.purpose, record.retention_until.isoformat()) == ("processor", "answering", "2028-01-31")
    assert record.by == place.manager


def test_a_card_that_declares_nothing_declares_nothing(dataset) -> None:
    assert not dataset.processing_records.exists()


def test_circumstances_are_those_that_are_asked(place, dataset) -> None:
    assert declare(place, dataset, circumstances=frozenset({"vulnerable"})).circumstances == ["vulnerable"]
    for odd in ("large-scale", "odd"):  # the first is found on the card and not asked
        with pytest.raises(InvalidInput) as error:
            declare(place, dataset, circumstances=frozenset({odd}))
        assert error.value.where == "circumstances"


@pytest.mark.parametrize("assessment", ["done", "not-needed"])
def test_an_assessment_needs_a_note(place, dataset, assessment) -> None:
    with pytest.raises(InvalidInput) as error:
        declare(place, dataset, assessment=assessment, assessment_note="short")
    assert error.value.where == "assessment_note"
    assert declare(place, dataset, assessment=assessment, assessment_note="Filed under DP 7/2026.").pk


def others(place):
    return [
        make_user(organisations=[place.organisation]),
        make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]),
        *[make_user(roles=[role], organisations=[place.organisation]) for role in Role if role != Role.APPLICANT],
    ]


def test_only_members_who_may_write_datasets_declare(client, place, dataset) -> None:
    url = f"/datasets/{dataset.pk}/processing/"
    assert client.get(url).status_code == 302
    for user in others(place):
        with pytest.raises(Refused):
            declare(place, dataset, by=user)
        client.force_login(user)
        assert client.get(url).status_code in {403, 404}
        assert client.post(url, FORM).status_code in {403, 404}
    assert not ProcessingRecord.objects.exists()


def test_the_page_asks_keeps_and_shows(client, place, dataset) -> None:
    client.force_login(place.manager)
    url = f"/datasets/{dataset.pk}/processing/"
    assert b"nobody declared a role" in client.get(url).content

    page = client.post(url, FORM, follow=True).content.decode()

    assert "6(1)(f)" in page
    assert "impact assessment is to be made" in page  # vulnerable persons and innovative use
    assert "WP 248" in page
    record = dataset.processing_records.get()
    assert record.circumstances == ["vulnerable"]
    assert "Earlier declarations" in client.get(url).content.decode()


def test_a_note_that_is_missing_stands_beside_its_field(client, place, dataset) -> None:
    client.force_login(place.manager)

    page = client.post(f"/datasets/{dataset.pk}/processing/", {**FORM, "assessment": "done"})

    assert page.status_code == 422
    assert b"Say where the assessment lies" in page.content


def test_visitors_of_a_public_card_see_no_declaration(client, place) -> None:
    version = make_version(place, is_public=True)
    declare(place, version.dataset, assessment="done", assessment_note="Filed under DP 7/2026.")

    page = client.get(f"/datasets/{version.dataset_id}/").content.decode()

    assert "DP 7/2026" not in page
    assert "Data protection" not in page


def test_the_home_page_reminds_when_retention_has_passed(place, dataset) -> None:
    declare(place, dataset, retention_until=TODAY - timedelta(days=1))

    (need,) = [need for need in needs(place.manager, now=NOW) if "Delete the copies" in need.title]
    assert need.url == f"/datasets/{dataset.pk}/processing/"
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])
    assert not [need for need in needs(stranger, now=NOW) if "Delete" in need.title]


def test_a_later_day_ends_the_reminder_and_the_last_day_itself_is_no_reason(place, dataset) -> None:
    declare(place, dataset, retention_until=TODAY - timedelta(days=1))
    declare(place, dataset, retention_until=TODAY)

    assert not [need for need in needs(place.manager, now=NOW) if "Delete" in need.title]


def test_a_program_declares_and_reads_the_open_points(client, place, dataset) -> None:
    headers = bearer(make_token(place.manager))
    url = f"/api/v1/datasets/{dataset.pk}/processing"
    assert client.get(url, headers=headers).status_code == 404

    made = client.post(url, FORM, content_type="application/json", headers=headers)

    assert made.status_code == 201
    assert made.json()["by"] == place.manager.name
    assert "gdpr.assessment-needed" in {point["code"] for point in client.get(url, headers=headers).json()["points"]}
    odd = client.post(url, {**FORM, "role": "king"}, content_type="application/json", headers=headers)
    assert odd.status_code == 422
    for user in others(place):
        answer = client.post(url, FORM, content_type="application/json", headers=bearer(make_token(user)))
        assert answer.status_code in {403, 404}
