"""Release candidates, their gate, waivers: each rule kept and broken."""

from datetime import date, timedelta

import pytest
from tests.portal.catalogue.factories import (
    NOW,
    finish,
    make_candidate,
    make_place,
    start,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.passport import gate as gate_rules
from kifabrik.portal.catalogue.models import DatasetVersion, Release
from kifabrik.portal.catalogue.queries import gates
from kifabrik.portal.catalogue.queries import releases as reads
from kifabrik.portal.catalogue.queries.gates import read_gate
from kifabrik.portal.catalogue.services import releases
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.audit import events_about

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def officer():
    return make_user(roles=[Role.PROGRAMME_OFFICER], name="Grace")


def propose(place, run, *, name="letters", by=None):
    return releases.create_candidate(by=by or place.manager, run=run, model_name=name, summary="", now=NOW)


def waive(release, by, *, test="usefulness", reason="Only used inside a demonstration.", expires_on=date(2026, 12, 24)):
    return releases.waive(by=by, release=release, test=test, reason=reason, expires_on=expires_on, now=NOW)


def test_a_succeeded_run_becomes_a_candidate(place) -> None:
    release = make_candidate(place, name="letters")

    assert (release.state, release.number, release.model.name) == ("candidate", 1, "letters")
    assert read_gate(release, today=TODAY).is_open
    assert [event.verb for event in events_about("release", release.pk)] == ["release.proposed"]


def test_the_same_run_is_the_same_release_and_another_the_next_number(place) -> None:
    first = make_candidate(place, name="letters")

    assert propose(place, first.run, name="something-else") == first
    assert make_candidate(place, name="letters").number == 2


def test_a_run_that_has_not_succeeded_is_no_candidate(place) -> None:
    with pytest.raises(Conflict, match="succeeded"):
        propose(place, start(place))


def test_a_name_in_use_elsewhere_and_a_bad_name_are_refused(place) -> None:
    make_candidate(make_place(), name="letters")
    run = finish(place, start(place))

    with pytest.raises(Conflict, match="in use"):
        propose(place, run)
    with pytest.raises(InvalidInput) as error:
        propose(place, run, name="My Letters")
    assert error.value.where == "model_name"
    assert Release.objects.count() == 1


def test_only_members_with_the_role_propose(place, officer) -> None:
    run = finish(place, start(place))

    for person in (officer, make_user(organisations=[place.organisation])):
        with pytest.raises(Refused):
            propose(place, run, by=person)


def test_a_run_on_an_unregistered_dataset_is_refused(place) -> None:
    run = finish(place, start(place))
    DatasetVersion.objects.update(digest="sha256:" + "9" * 64)

    with pytest.raises(Conflict, match="not registered"):
        propose(place, run)


@pytest.mark.parametrize("papers", [{"red": ("usefulness",)}, {"missing": ("canary-exposure",)}])
def test_a_red_or_missing_test_keeps_the_gate_red(place, papers) -> None:
    gate = read_gate(make_candidate(place, **papers), today=TODAY)

    assert not gate.is_open
    assert len(gate.waivable) == 1
    assert {row.state for row in gate.rows} == {"green", "red" if "red" in papers else "not-run"}


def test_every_required_test_has_a_title_in_the_readers_language() -> None:
    assert dict(gate_rules.REQUIRED_TESTS) == gates._TITLES


def test_a_waiver_opens_the_gate_until_its_last_day(place, officer) -> None:
    release = make_candidate(place, red=("usefulness",))

    waiver = waive(release, officer)

    release = reads.get_release(officer, release.pk)
    assert read_gate(release, today=TODAY).is_open
    assert read_gate(release, today=waiver.expires_on).is_open
    assert not read_gate(release, today=waiver.expires_on + timedelta(days=1)).is_open
    assert [event.verb for event in events_about("release", release.pk)][-1] == "gate.waived"


def test_an_expired_waiver_can_be_followed_by_another(place, officer) -> None:
    release = make_candidate(place, red=("usefulness",))
    waive(release, officer)
    with pytest.raises(Conflict, match="needs no waiver"):
        waive(release, officer)

    later = NOW + timedelta(days=40)
    releases.waive(
        by=officer,
        release=release,
        test="usefulness",
        reason="Still only a demonstration.",
        expires_on=later.date() + timedelta(days=5),
        now=later,
    )

    assert read_gate(reads.get_release(officer, release.pk), today=later.date()).is_open


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"reason": "too short"}, InvalidInput),
        ({"expires_on": TODAY}, InvalidInput),
        ({"expires_on": date(2028, 1, 1)}, InvalidInput),
        ({"test": "extraction"}, Conflict),
        ({"test": "unheard-of"}, Conflict),
    ],
)
def test_what_cannot_be_waived(place, officer, change, kind) -> None:
    release = make_candidate(place, red=("usefulness",))

    with pytest.raises(kind):
        waive(release, officer, **change)

    assert release.waivers.count() == 0


def test_integrity_can_never_be_waived(place, officer) -> None:
    release = make_candidate(place, red=("integrity",))

    with pytest.raises(Conflict, match="cannot be waived"):
        waive(release, officer, test="integrity")


def test_members_and_managers_may_not_waive_for_themselves(place) -> None:
    release = make_candidate(place, red=("usefulness",))

    with pytest.raises(Refused):
        waive(release, place.manager)


def test_candidates_do_not_exist_for_others(place, officer) -> None:
    release = make_candidate(place)
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])
    operator = place.operator
    elsewhere = make_user(roles=[Role.OPERATOR], site_code="elsewhere")

    for person in (place.manager, officer, operator):
        assert reads.get_release(person, release.pk) == release
    for person in (stranger, elsewhere, None):
        with pytest.raises(NotFound):
            reads.get_release(person, release.pk)
        with pytest.raises(NotFound):
            reads.get_model(person, release.model_id)
        assert not reads.list_models(person).exists()
        assert not reads.list_releases(person).exists()


def test_needs_tell_of_findings_runs_candidates_and_red_gates(place, officer) -> None:
    from tests.portal.catalogue.factories import SERIOUS, make_version

    from kifabrik.portal.catalogue.queries.needs import needs

    version = make_version(place, name="open", findings=(SERIOUS,))
    run = finish(place, start(place))
    red = make_candidate(place, red=("usefulness",))
    green = make_candidate(place)

    urls = [need.url for need in needs(place.manager, now=NOW)]

    assert urls == [
        f"/datasets/{version.dataset_id}/",
        f"/releases/new/?run={run.pk}",
        f"/releases/{red.pk}/",
        f"/releases/{green.pk}/",
    ]
    assert [need.url for need in needs(officer, now=NOW)] == [f"/releases/{red.pk}/"]
    assert needs(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]), now=NOW) == []
