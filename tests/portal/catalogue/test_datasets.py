"""Registering dataset versions and accepting findings: each rule kept and broken."""

import pytest
from tests.portal.catalogue.factories import (
    BLOCKING,
    NOW,
    SERIOUS,
    WARNING,
    folder_of,
    make_card,
    make_place,
    make_version,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries import datasets as queries
from kifabrik.portal.catalogue.services import datasets
from kifabrik.portal.compute.queries.files import path_of
from kifabrik.portal.compute.services.files import FileEntry
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.audit import events_about

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place()


def register(place, card, files, *, name="letters", by=None, organisation=None):
    return datasets.register(
        by=by or place.manager,
        organisation=organisation or place.organisation,
        name=name,
        card=card,
        files=files,
        now=NOW,
    )


def test_a_folder_becomes_the_first_version(place) -> None:
    card = make_card()

    version = register(place, card, folder_of(place, card))

    assert (version.number, version.digest) == (1, card.dataset_digest)
    assert queries.read_card(version) == card
    assert [event.verb for event in events_about("datasetversion", version.pk)] == ["dataset-version.registered"]


def test_the_same_digest_is_the_same_version_and_another_the_next(place) -> None:
    first = make_version(place, data=(b"one", b"two"))

    assert make_version(place, data=(b"one", b"two")) == first
    assert make_version(place, data=(b"one", b"three")).number == 2


@pytest.mark.parametrize("name", ["", "My Letters", "a" * 65, "über"])
def test_a_name_is_a_short_plain_word(place, name) -> None:
    card = make_card()

    with pytest.raises(InvalidInput) as error:
        register(place, card, folder_of(place, card), name=name)

    assert error.value.where == "name"


def test_members_without_the_role_and_strangers_may_not_register(place) -> None:
    card = make_card()
    files = folder_of(place, card)
    member = make_user(organisations=[place.organisation])
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])

    for person in (member, stranger):
        with pytest.raises(Refused):
            register(place, card, files, by=person)


def test_files_of_another_organisation_do_not_count_as_stored(place) -> None:
    card = make_card()
    files = folder_of(place, card)
    other = make_place(code="other")

    with pytest.raises(InvalidInput, match="not in the store"):
        register(other, card, files)


def test_a_missing_or_spare_file_is_named(place) -> None:
    card = make_card()
    files = folder_of(place, card)

    with pytest.raises(InvalidInput) as error:
        register(place, card, files[1:])
    assert error.value.where == "train-00000.parquet"
    with pytest.raises(InvalidInput) as error:
        register(place, card, [*files, FileEntry("run.sh", files[0].digest, files[0].size_bytes)])
    assert error.value.where == "run.sh"


def test_a_listing_that_contradicts_the_card_is_refused(place) -> None:
    card = make_card()
    first, *rest = folder_of(place, card)

    with pytest.raises(InvalidInput, match="not the one"):
        register(place, card, [FileEntry(first.path, rest[0].digest, rest[0].size_bytes), *rest])


def test_a_card_with_a_wrong_dataset_digest_is_refused(place) -> None:
    card = make_card(dataset_digest="sha256:" + "0" * 64)

    with pytest.raises(InvalidInput) as error:
        register(place, card, folder_of(place, card))

    assert error.value.where == "card.dataset_digest"


def test_a_changed_byte_in_the_store_is_refused(place) -> None:
    card = make_card()
    files = folder_of(place, card)
    path_of(files[0].digest).write_bytes(b"Train")

    with pytest.raises(InvalidInput) as error:
        register(place, card, files)

    assert (error.value.code, error.value.where) == ("changed-byte", "train-00000.parquet")
    assert DatasetVersion.objects.count() == 0


def test_a_card_that_differs_from_the_stored_one_is_refused(place) -> None:
    card = make_card(findings=(SERIOUS,))
    files = folder_of(place, card)

    with pytest.raises(InvalidInput) as error:
        register(place, card.model_copy(update={"findings": ()}), files)

    assert error.value.where == "card.json"


def test_a_named_member_accepts_a_serious_finding(place) -> None:
    version = make_version(place, findings=(SERIOUS, WARNING))
    assert queries.open_findings(version) == (SERIOUS,)

    datasets.accept_finding(
        by=place.manager, version=version, code=SERIOUS.code, where="train", reason="All are our own.", now=NOW
    )

    version = queries.get_version(place.manager, version.pk)
    assert queries.open_findings(version) == ()
    assert [event.verb for event in events_about("datasetversion", version.pk)][-1] == "dataset-finding.accepted"
    with pytest.raises(Conflict, match="already"):
        datasets.accept_finding(
            by=place.manager, version=version, code=SERIOUS.code, where="train", reason="Once more, please.", now=NOW
        )


@pytest.mark.parametrize(
    ("finding", "where", "reason", "kind"),
    [
        (SERIOUS, "train", "too short", InvalidInput),
        (SERIOUS, "train", "         x", InvalidInput),
        (SERIOUS, "elsewhere", "All are our own.", InvalidInput),
        (BLOCKING, "train", "We need it anyway.", Conflict),
        (WARNING, "", "It is all right so.", Conflict),
    ],
)
def test_what_cannot_be_accepted(place, finding, where, reason, kind) -> None:
    version = make_version(place, findings=(finding,))

    with pytest.raises(kind):
        datasets.accept_finding(
            by=place.manager, version=version, code=finding.code, where=where, reason=reason, now=NOW
        )

    assert version.acceptances.count() == 0


def test_only_members_with_the_role_accept(place) -> None:
    version = make_version(place, findings=(SERIOUS,))
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])
    member = make_user(organisations=[place.organisation])

    for person in (officer, member):
        with pytest.raises(Refused):
            datasets.accept_finding(
                by=person, version=version, code=SERIOUS.code, where="train", reason="All are our own.", now=NOW
            )


def test_a_card_is_seen_by_members_and_readers_of_all_and_once_shown_by_everybody(place) -> None:
    version = make_version(place)
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])
    auditor = make_user(roles=[Role.AUDITOR])
    limited = make_user(roles=[Role.OPERATOR], site_code="elsewhere")

    for person in (place.manager, auditor):
        assert queries.get_dataset(person, version.dataset_id) == version.dataset
    for person in (stranger, limited, None):
        with pytest.raises(NotFound):
            queries.get_dataset(person, version.dataset_id)
        assert not queries.list_datasets(person).exists()

    datasets.set_visibility(by=place.manager, dataset=version.dataset, is_public=True, now=NOW)

    assert queries.get_dataset(None, version.dataset_id) == version.dataset
    with pytest.raises(Refused):
        datasets.set_visibility(by=stranger, dataset=version.dataset, is_public=False, now=NOW)
