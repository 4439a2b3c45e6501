"""The store by content: whole or not at all, the right bytes or none, and who may read them."""

import io

import pytest
from tests.portal.compute.factories import NOW, is_missing, make_place, make_site, start_run, store
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import InvalidInput, Refused
from kifabrik.portal.compute.models import FileHolding, StoredFile
from kifabrik.portal.compute.queries.files import get_for_person, get_for_site, path_of
from kifabrik.portal.compute.services import files, runs
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db
DATA = b"some bytes" * 1000


def keep(organisation, by, data=DATA, digest=None, **more):
    source = io.BytesIO(data)
    return files.store_for_organisation(
        by=by, organisation=organisation, digest=digest or digest_bytes(data), source=source, now=NOW, **more
    )


@pytest.fixture
def organisation():
    return make_organisation()


@pytest.fixture
def member(organisation):
    return make_user(roles=[Role.APPLICANT], organisations=[organisation])


def leftovers(home) -> list[str]:
    return [path.name for path in (home / "store").rglob("*") if path.is_file()]


def test_bytes_are_found_under_their_digest(home, organisation, member) -> None:
    file = keep(organisation, member)

    assert file.size_bytes == len(DATA)
    assert path_of(file.digest).read_bytes() == DATA
    with files.open_stored(file.digest) as stream:
        assert stream.read() == DATA
    assert leftovers(home) == [file.digest.removeprefix("sha256:")]


def test_wrong_bytes_leave_nothing(home, organisation, member) -> None:
    with pytest.raises(InvalidInput) as refusal:
        keep(organisation, member, digest="sha256:" + "0" * 64)

    assert refusal.value.code == "wrong-digest"
    assert leftovers(home) == []
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("digest", ["", "sha256:zz", "../../etc/passwd", "md5:" + "0" * 32, "sha256:" + "A" * 64])
def test_only_digests_name_files(digest, organisation, member) -> None:
    with pytest.raises(InvalidInput, match="is no digest"):
        path_of(digest)


def test_a_transfer_that_breaks_off_leaves_nothing(home, organisation, member) -> None:
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise InvalidInput("The transfer broke off.")

    with pytest.raises(InvalidInput):
        files.store_for_organisation(
            by=member, organisation=organisation, digest=digest_bytes(DATA), source=Broken(), now=NOW
        )
    assert leftovers(home) == []


def test_a_short_transfer_is_noticed(organisation, member) -> None:
    with pytest.raises(InvalidInput, match="broke off"):
        keep(organisation, member, size_bytes=len(DATA) + 1)


@pytest.mark.parametrize("announced", [None, len(DATA)], ids=["unannounced", "announced"])
def test_too_large_files_are_refused(settings, home, organisation, member, announced) -> None:
    settings.FILE_BYTES_MAX = len(DATA) - 1

    with pytest.raises(InvalidInput) as refusal:
        keep(organisation, member, size_bytes=announced)

    assert refusal.value.code == "too-large"
    assert leftovers(home) == []


def test_the_same_bytes_again_are_the_same_file(organisation, member) -> None:
    keep(organisation, member)
    keep(organisation, member)

    assert (StoredFile.objects.count(), FileHolding.objects.count()) == (1, 1)


def test_damaged_bytes_are_mended_by_bringing_them_again(organisation, member) -> None:
    file = keep(organisation, member)
    path_of(file.digest).write_bytes(b"damaged")

    keep(organisation, member)

    assert path_of(file.digest).read_bytes() == DATA


def test_two_organisations_with_the_same_bytes_do_not_learn_of_each_other(organisation, member) -> None:
    other = make_organisation()
    stranger = make_user(roles=[Role.APPLICANT], organisations=[other])
    digest = keep(organisation, member).digest

    assert is_missing(lambda: get_for_person(stranger, digest))
    keep(other, stranger)
    assert get_for_person(stranger, digest).digest == digest


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.PROGRAMME_OFFICER, Role.AUDITOR, Role.SUPPORT_EXPERT])
def test_no_role_reads_the_files_of_an_organisation(role, organisation, member) -> None:
    digest = keep(organisation, member).digest

    assert is_missing(lambda: get_for_person(make_user(roles=[role]), digest))


def test_bringing_needs_role_and_membership(organisation) -> None:
    for person in (make_user(roles=[Role.APPLICANT]), make_user(organisations=[organisation])):
        with pytest.raises(Refused):
            keep(organisation, person)


def test_a_site_reads_the_inputs_of_its_unfinished_runs_only() -> None:
    place, other_site = make_place(), make_site("cluster")
    run = start_run(place)
    digest = run.inputs[0]["digest"]
    unrelated = store(place.organisation, place.manager, b"something else")

    assert get_for_site(place.site.code, digest).digest == digest
    assert is_missing(lambda: get_for_site(other_site.code, digest))
    assert is_missing(lambda: get_for_site(place.site.code, unrelated))

    runs.cancel(by=place.manager, run=run, now=NOW)
    assert is_missing(lambda: get_for_site(place.site.code, digest))


def test_what_a_site_brings_it_reads_and_nobody_else() -> None:
    place, other_site = make_place(), make_site("cluster")
    digest = digest_bytes(DATA)
    files.store_for_site(site=place.site, digest=digest, source=io.BytesIO(DATA), now=NOW)

    assert get_for_site(place.site.code, digest).size_bytes == len(DATA)
    assert is_missing(lambda: get_for_site(other_site.code, digest))
    assert is_missing(lambda: get_for_person(place.manager, digest))


def test_a_row_without_its_bytes_does_not_count(organisation, member) -> None:
    digest = keep(organisation, member).digest
    path_of(digest).unlink()

    assert is_missing(lambda: get_for_person(member, digest))
