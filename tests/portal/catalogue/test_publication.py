"""Publishing: the gate, the signed folder, crash points, adoption, changed bytes, revoking, downloads."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.portal.catalogue.factories import (
    NOW,
    SERIOUS,
    make_candidate,
    make_place,
    make_version,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.passport import release_folder, signing, verification
from kifabrik.passport.keys import ensure_key
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.catalogue.queries import datasets as dataset_reads
from kifabrik.portal.catalogue.queries import downloads
from kifabrik.portal.catalogue.queries import releases as reads
from kifabrik.portal.catalogue.services import datasets, publication, releases, shelf
from kifabrik.portal.compute.queries.files import path_of
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.audit import events_about

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Stands for a process that dies at this point: nothing catches it."""


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def release(place):
    return make_candidate(place, name="letters")


def publish(release, by, *, is_public=False, now=NOW):
    return publication.publish(by=by, release=release, is_public=is_public, now=now)


def verify(folder, settings):
    key = verification.TrustedKey(pem=ensure_key(Path(settings.KEYS)).public_pem)
    return verification.verify(folder, trusted_keys=[key])


def names_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_green_candidate_becomes_a_signed_release(place, release, settings) -> None:
    done = publish(release, place.manager, is_public=True)

    folder = settings.RELEASES / "letters" / "1"
    assert (done.state, done.is_public, done.released_by) == ("released", True, place.manager)
    assert verify(folder, settings).first_fault is None
    assert {"passport.json", "README.md", "model/model.safetensors", "mlbom.cdx.json"} <= set(names_below(folder))
    assert json.loads((folder / "passport.json").read_text()) == done.passport
    assert done.key_id == ensure_key(Path(settings.KEYS)).key_id
    assert [event.verb for event in events_about("release", release.pk)][-1] == "release.published"


def test_the_passport_comes_from_the_rows_alone(place, settings) -> None:
    version = make_version(place, findings=(SERIOUS,))
    datasets.accept_finding(
        by=place.manager, version=version, code=SERIOUS.code, where="train", reason="All are our own.", now=NOW
    )
    version = dataset_reads.get_version(place.manager, version.pk)
    release = make_candidate(place, version=version, red=("usefulness",))
    officer = make_user(roles=[Role.PROGRAMME_OFFICER], name="Grace")
    releases.waive(
        by=officer,
        release=release,
        test="usefulness",
        reason="Only for a demonstration.",
        expires_on=date(2026, 12, 24),
        now=NOW,
    )

    passport = reads.read_passport(publish(release, place.manager))

    assert [decision.what for decision in passport.decisions] == [
        "eligibility",
        "technical-check",
        "award",
        "finding-accepted",
        "waiver",
        "release",
    ]
    assert passport.award is not None
    assert passport.award.allocation_id == place.allocation.pk
    assert passport.award.granted_gpu_seconds == 36_000
    assert passport.usage is not None
    assert (passport.usage.posted_gpu_seconds, passport.usage.unit) == (90, "CPU")
    assert len(passport.usage.ledger_entries) == 3
    assert passport.run.run_id == release.run_id
    assert [waiver.by for waiver in passport.gate.waivers] == ["Grace"]


def test_a_red_gate_blocks_and_names_the_test(place, settings) -> None:
    release = make_candidate(place, red=("usefulness",))

    with pytest.raises(Conflict, match="better than a simple baseline") as error:
        publish(release, place.manager)

    assert error.value.code == "gate-red"
    assert not downloads.folder_of(release).exists()


def test_a_waiver_opens_the_way_until_it_expires(place) -> None:
    release = make_candidate(place, missing=("extraction",))
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])
    releases.waive(
        by=officer,
        release=release,
        test="extraction",
        reason="Only for a demonstration.",
        expires_on=date(2026, 12, 1),
        now=NOW,
    )

    with pytest.raises(Conflict):
        publish(release, place.manager, now=NOW + timedelta(days=8))
    assert publish(release, place.manager, now=NOW + timedelta(days=7)).state == "released"


def test_only_members_with_the_role_publish(place, release) -> None:
    for person in (make_user(roles=[Role.PROGRAMME_OFFICER]), make_user(organisations=[place.organisation])):
        with pytest.raises(Refused):
            publish(release, person)


def test_publishing_twice_is_publishing_once(place, release, settings) -> None:
    first = publish(release, place.manager)
    before = {path: path.stat().st_mtime_ns for path in (settings.RELEASES / "letters").rglob("*")}

    again = publish(release, place.manager, now=NOW + timedelta(days=1))

    assert (again.passport, again.released_at) == (first.passport, first.released_at)
    assert {path: path.stat().st_mtime_ns for path in (settings.RELEASES / "letters").rglob("*")} == before


def test_a_changed_byte_of_the_model_in_the_store_is_refused(place, release, settings) -> None:
    weights = next(row for row in release.run.outputs if row["path"] == "model/model.safetensors")
    stored = path_of(weights["digest"])
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.write_bytes(data)

    with pytest.raises(InvalidInput) as error:
        publish(release, place.manager)

    assert (error.value.code, error.value.where) == ("changed-byte", "model/model.safetensors")
    assert Release.objects.get().state == "candidate"
    assert names_below(settings.RELEASES) == [f".locks/{release.pk}"]


def test_a_model_file_that_was_not_delivered_is_refused(place, release) -> None:
    run = release.run
    run.outputs = [row for row in run.outputs if row["path"] != "model/tokenizer.json"]
    run.save()

    with pytest.raises(Conflict) as error:
        publish(release, place.manager)

    assert error.value.where == "model/tokenizer.json"


@pytest.mark.parametrize(
    ("room", "name"),
    [
        (publication.stored_bytes, "copy_out"),
        (release_folder, "build"),
        (signing, "sign"),
        (verification, "verify"),
        (shelf, "put_in_place"),
        (publication.audit, "append"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_crash_at_any_point_leaves_a_candidate_that_can_be_published(
    place, release, settings, monkeypatch, room, name
) -> None:
    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(room, name, die)
        with pytest.raises(Killed):
            publish(release, place.manager)
    assert Release.objects.get().state == "candidate"
    assert Release.objects.get().passport is None

    done = publish(release, place.manager, now=NOW + timedelta(hours=1))

    assert done.state == "released"
    assert verify(downloads.folder_of(done), settings).first_fault is None
    assert json.loads((downloads.folder_of(done) / "passport.json").read_text()) == done.passport
    assert not list((settings.RELEASES / ".staging").iterdir())


def lose_the_commit(release, by, monkeypatch):
    """Publish until the folder is in place, then die."""

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(publication, "_commit", die)
        with pytest.raises(Killed):
            publish(release, by)


def test_a_leftover_folder_is_adopted_by_the_same_person(place, release, monkeypatch) -> None:
    lose_the_commit(release, place.manager, monkeypatch)
    signature = (downloads.folder_of(release) / "passport.sig").read_bytes()

    done = publish(release, place.manager, now=NOW + timedelta(hours=1))

    assert (downloads.folder_of(done) / "passport.sig").read_bytes() == signature
    assert done.passport["made_at"] == NOW.isoformat()


def test_a_leftover_of_another_person_is_built_anew(place, release, monkeypatch) -> None:
    lose_the_commit(release, place.manager, monkeypatch)
    colleague = make_user(roles=[Role.APPLICANT], organisations=[place.organisation], name="Colleague")

    done = publish(release, colleague)

    assert done.passport["decisions"][-1]["by"] == "Colleague"


def test_a_damaged_leftover_is_built_anew(place, release, settings, monkeypatch) -> None:
    lose_the_commit(release, place.manager, monkeypatch)
    folder = downloads.folder_of(release)
    (folder / "README.md").write_text("something else")

    done = publish(release, place.manager)

    assert done.state == "released"
    assert verify(folder, settings).first_fault is None


def test_two_publishers_at_once_are_one(place, release) -> None:
    with shelf.exclusive(release), pytest.raises(Conflict, match="right now"):
        publish(release, place.manager)

    assert publish(release, place.manager).state == "released"


def test_a_revoked_release_is_taken_away_and_says_why(place, release, settings) -> None:
    done = publish(release, place.manager, is_public=True)

    revoked = releases.revoke(by=place.manager, release=done, reason="It recites private letters.", now=NOW)

    assert revoked.state == "revoked"
    assert not downloads.folder_of(done).exists()
    assert (settings.RELEASES / ".revoked" / "letters" / "1" / "passport.json").exists()
    assert downloads.list_files(revoked) == ()
    with pytest.raises(Conflict, match="revoked"):
        downloads.find_file(revoked, "README.md")
    with pytest.raises(Conflict):
        publish(release, place.manager)
    assert not reads.list_models(None).exists()
    assert reads.get_release(None, release.pk).revoked_reason == "It recites private letters."


def test_a_lost_removal_of_a_revoked_release_is_made_up_for(place, release, monkeypatch) -> None:
    done = publish(release, place.manager)

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "withdraw", die)
        with pytest.raises(Killed):
            releases.revoke(by=place.manager, release=done, reason="It recites private letters.", now=NOW)
    assert downloads.folder_of(done).exists()

    releases.revoke(by=place.manager, release=done, reason="It recites private letters.", now=NOW)

    assert not downloads.folder_of(done).exists()
    assert [event.verb for event in events_about("release", release.pk)].count("release.revoked") == 1


def test_what_cannot_be_revoked_and_by_whom(place, release) -> None:
    with pytest.raises(Conflict, match="never released"):
        releases.revoke(by=place.manager, release=release, reason="It recites private letters.", now=NOW)
    done = publish(release, place.manager)
    with pytest.raises(InvalidInput):
        releases.revoke(by=place.manager, release=done, reason="bad", now=NOW)
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])
    with pytest.raises(Refused):
        releases.revoke(by=stranger, release=done, reason="It recites private letters.", now=NOW)
