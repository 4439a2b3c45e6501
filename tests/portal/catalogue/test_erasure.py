"""Finding a person's values by keyed digests, and what that means for runs and releases."""

import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.portal.catalogue.factories import (
    NOW,
    digest_like,
    find_in,
    make_candidate,
    make_found_version,
    make_place,
    make_version,
)
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.catalogue.models import ErasureRequest
from kifabrik.portal.catalogue.queries import erasure as queries
from kifabrik.portal.catalogue.queries.needs import needs
from kifabrik.portal.catalogue.services import erasure, publication
from kifabrik.portal.compute.queries.files import path_of
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db

ANNA, BEN = "anna@muster.example", "ben@muster.example"
TEXTS = {"a.txt": f"{ANNA} and {BEN}", "b.txt": f"again {ANNA}", "c.txt": f"only {BEN}"}
TODAY = NOW.date()


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def version(place):
    return make_found_version(place, TEXTS, [*find_in(TEXTS, ANNA), *find_in(TEXTS, BEN)])


def search(place, value=ANNA, **changes):
    given_ = {
        "by": place.manager,
        "organisation": place.organisation,
        "reference": "DP 7/2026",
        "received_on": TODAY,
        "key_id": "key-1",
        "digests": [digest_like(value)],
        "now": NOW,
    }
    return erasure.search(**{**given_, **changes})


def found(request) -> queries.Places:
    return queries.Places.read(request.found)


# ---- searching -------------------------------------------------------------------------------------------------------


def test_versions_places_and_documents_are_counted(place, version) -> None:
    make_found_version(
        place, {"d.txt": f"nobody but {BEN}"}, find_in({"d.txt": f"nobody but {BEN}"}, BEN), name="other"
    )

    places = found(search(place))

    (hit,) = places.hits
    assert (hit.version, hit.places, hit.documents, hit.kinds) == (version.pk, 2, 2, {"email": 2})
    assert (places.searched, places.count, places.not_searched) == (2, 2, ())


def test_several_values_of_one_person_are_found_together(place, version) -> None:
    places = found(search(place, digests=[digest_like(ANNA), f" {digest_like(BEN)} ", ""]))

    assert places.count == 4
    assert places.hits[0].documents == 3


def test_what_cannot_be_searched_is_named_with_its_reason(place, version) -> None:
    make_version(place, name="plain")
    make_found_version(place, TEXTS, find_in(TEXTS, ANNA), name="elsewhere", key_id="key-2")
    gone = make_found_version(place, {"g.txt": ANNA}, find_in({"g.txt": ANNA}, ANNA), name="gone")
    rows = next(file for file in gone.files if file["path"] == "findings.jsonl")
    path_of(rows["digest"]).unlink()

    places = found(search(place))

    assert {(row.name, row.reason) for row in places.not_searched} == {
        ("plain", "no-rows"),
        ("elsewhere", "other-key"),
        ("gone", "gone"),
    }
    assert places.searched == 1


def test_other_organisations_are_never_searched(place, version) -> None:
    other = make_place(code="other")
    make_found_version(other, TEXTS, find_in(TEXTS, ANNA))

    assert {hit.version for hit in found(search(place)).hits} == {version.pk}


def test_runs_and_releases_that_came_out_of_it_are_named(place, version) -> None:
    candidate = make_candidate(place, version=version)
    make_candidate(place, version=make_version(place, name="clean"))

    places = found(search(place))

    assert places.releases == (candidate.pk,)
    assert places.runs == (candidate.run_id,)


@given(st.lists(st.sampled_from([ANNA, BEN, "carla@muster.example"]), max_size=30), st.integers(1, 400))
def test_rows_are_found_wherever_blocks_are_cut(values, block) -> None:
    data = b"".join(b'{"document":"d","kind":"email","digest":"%s"}\n' % digest_like(v).encode() for v in values)
    before = queries._BLOCK_BYTES
    queries._BLOCK_BYTES = block
    try:
        rows = list(queries.scan_rows(io.BytesIO(data.rstrip(b"\n")), {digest_like(ANNA)}))
    finally:
        queries._BLOCK_BYTES = before

    assert len(rows) == values.count(ANNA)


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"reference": ""}, "reference"),
        ({"reference": ANNA}, "reference"),
        ({"reference": "x" * 121}, "reference"),
        ({"received_on": TODAY + timedelta(days=1)}, "received_on"),
        ({"key_id": "not a key!"}, "key_id"),
        ({"digests": []}, "digests"),
        ({"digests": ["sha256:" + "0" * 64]}, "digests"),
        ({"digests": [digest_like(str(n)) for n in range(201)]}, "digests"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(place, changes, where) -> None:
    with pytest.raises(InvalidInput) as error:
        search(place, **changes)

    assert error.value.where == where
    assert not ErasureRequest.objects.exists()


def test_a_value_typed_instead_of_a_digest_is_repeated_nowhere(client, place, version) -> None:
    with pytest.raises(InvalidInput) as error:
        search(place, digests=[ANNA])
    assert ANNA not in str(error.value) + error.value.remedy + error.value.where

    client.force_login(place.manager)
    page = client.post("/erasure/", form_of(place, digests=ANNA))
    assert page.status_code == 422
    assert ANNA not in page.content.decode()
    assert b"no keyed digest" in page.content


def people(place):
    return [
        make_user(organisations=[place.organisation]),
        make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]),
        *[make_user(roles=[role], organisations=[place.organisation]) for role in Role if role != Role.APPLICANT],
    ]


def test_only_members_with_the_right_search_read_and_decide(client, place, version) -> None:
    asked = search(place)
    assert client.get("/erasure/").status_code == 302
    for user in people(place):
        with pytest.raises(Refused):
            search(place, by=user)
        with pytest.raises(Refused):
            erasure.decide(by=user, request=asked, decision="Everything was deleted.", now=NOW)
        with pytest.raises(NotFound):
            queries.get_request(user, asked.pk)
        client.force_login(user)
        assert client.get(f"/erasure/{asked.pk}/").status_code == 404
        headers = bearer(make_token(user))
        assert client.get("/api/v1/erasure-requests", headers=headers).json()["total"] == 0
        assert client.get(f"/api/v1/erasure-requests/{asked.pk}", headers=headers).status_code == 404
    asked.refresh_from_db()
    assert asked.decision == ""


# ---- deciding --------------------------------------------------------------------------------------------------------


def test_a_decision_is_said_once_and_then_stands(place, version) -> None:
    asked = search(place)

    with pytest.raises(InvalidInput):
        erasure.decide(by=place.manager, request=asked, decision=" done ", now=NOW)
    erasure.decide(by=place.manager, request=asked, decision="Documents taken out, model trained again.", now=NOW)
    with pytest.raises(Conflict):
        erasure.decide(by=place.manager, request=asked, decision="Something else entirely.", now=NOW)

    verbs = list(AuditEvent.objects.filter(object_id=asked.pk).order_by("sequence").values_list("verb", flat=True))
    assert verbs == ["erasure.searched", "erasure.decided"]
    details = AuditEvent.objects.get(verb="erasure.searched").details
    assert (details["places"], details["versions"]) == (2, [version.pk])
    assert digest_like(ANNA) not in str(details)


def test_the_home_page_asks_for_a_decision_within_the_month(place, version) -> None:
    asked = search(place, received_on=TODAY - timedelta(days=10))

    (need,) = [need for need in needs(place.manager, now=NOW) if "DP 7/2026" in need.title]
    assert need.url == f"/erasure/{asked.pk}/"
    assert need.due_at.date() == TODAY + timedelta(days=20)
    erasure.decide(by=place.manager, request=asked, decision="Everything was deleted.", now=NOW)
    assert not [need for need in needs(place.manager, now=NOW) if "DP 7/2026" in need.title]


# ---- pages -----------------------------------------------------------------------------------------------------------


def form_of(place, **changes):
    fields = {
        "organisation": place.organisation.pk,
        "reference": "DP 7/2026",
        "received_on": TODAY.isoformat(),
        "key_id": "key-1",
        "digests": digest_like(ANNA),
    }
    return {**fields, **changes}


def test_the_page_explains_searches_and_says_what_follows(client, place, version) -> None:
    release = make_candidate(place, version=version, name="answers")
    publication.publish(by=place.manager, release=release, is_public=False, now=NOW)
    client.force_login(place.manager)
    assert b"never leaves your machine" in client.get("/erasure/").content

    page = client.post("/erasure/", form_of(place), follow=True)

    text = page.content.decode()
    assert "letters" in text
    assert "withdraw it on its page" in text
    assert "Article 19" in text
    asked = ErasureRequest.objects.get()
    page = client.post(f"/erasure/{asked.pk}/", {"decision": "Release withdrawn, documents taken out."}, follow=True)
    assert "Release withdrawn, documents taken out." in page.content.decode()
    assert "DP 7/2026" in client.get("/erasure/").content.decode()


def test_a_person_that_is_nowhere_is_told_so(client, place, version) -> None:
    asked = search(place, "carla@muster.example")
    client.force_login(place.manager)

    page = client.get(f"/erasure/{asked.pk}/").content.decode()

    assert "None of them holds one of the values." in page
    assert "withdraw it" not in page


def test_an_organisation_of_others_cannot_be_searched(client, place, version) -> None:
    other = make_place(code="other")
    client.force_login(place.manager)

    assert client.post("/erasure/", form_of(other)).status_code == 422
    body = {**form_of(other), "digests": [digest_like(ANNA)]}
    headers = bearer(make_token(place.manager))
    answer = client.post("/api/v1/erasure-requests", body, content_type="application/json", headers=headers)
    assert answer.status_code == 404
    assert not ErasureRequest.objects.exists()


def test_a_program_searches_and_decides(client, place, version) -> None:
    headers = bearer(make_token(place.manager))
    body = {**form_of(place), "digests": [digest_like(ANNA)]}

    made = client.post("/api/v1/erasure-requests", body, content_type="application/json", headers=headers)

    assert made.status_code == 201
    assert made.json()["found"]["hits"][0]["places"] == 2
    url = f"/api/v1/erasure-requests/{made.json()['id']}/decide"
    decided = client.post(
        url, {"decision": "Everything was deleted."}, content_type="application/json", headers=headers
    )
    assert decided.json()["decided_by"] == place.manager.name
    assert client.get("/api/v1/erasure-requests", headers=headers).json()["total"] == 1
