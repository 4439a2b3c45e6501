"""Starting and cancelling runs: each rule about money, period and state, kept and broken."""

from datetime import date, timedelta

import pytest
from tests.portal.compute.factories import (
    NOW,
    make_estimate,
    make_inputs,
    make_place,
    make_recipe,
    make_site,
    reserve,
    say,
    start_run,
    use,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries.budgets import balance_of, spendable
from kifabrik.portal.compute.services import runs
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db


def test_a_run_is_requested_with_all_that_its_site_needs() -> None:
    place = make_place()
    recipe = make_recipe()

    run = start_run(place, seconds=900, recipe=recipe)

    assert (run.state, run.wanted, run.attempts) == ("requested", "run", 0)
    assert run.recipe_digest == recipe.digest()
    assert run.reserved_gpu_seconds == 900  # its time limit, not its estimate
    assert run.inputs[0]["path"] == "train-00000.parquet"
    assert AuditEvent.objects.filter(verb="run.requested", object_id=run.pk).count() == 1


def test_exactly_what_is_left_may_be_asked_for_and_one_second_more_not() -> None:
    place = make_place(gpu_seconds=900)

    with pytest.raises(Conflict) as refusal:
        start_run(place, seconds=901)
    assert refusal.value.code == "budget-too-small"
    assert not Run.objects.exists()
    assert start_run(place, seconds=900).pk


def test_an_estimate_above_the_time_limit_counts() -> None:
    assert runs.gpu_seconds_needed(make_estimate(gpu_seconds=1000, time_limit_seconds=10)) == 1000


def test_several_devices_need_their_time_each() -> None:
    assert runs.gpu_seconds_needed(make_estimate(gpu_seconds=10, time_limit_seconds=100), devices=4) == 400


def test_two_waiting_runs_cannot_be_promised_the_same_time() -> None:
    place = make_place(gpu_seconds=1000)
    start_run(place, seconds=600)

    with pytest.raises(Conflict, match="6 min 40 s are left"):
        start_run(place, seconds=600)


def test_time_that_came_back_can_be_used_again() -> None:
    place = make_place(gpu_seconds=1000)
    first = start_run(place, seconds=900)
    reserve(place, first)
    with pytest.raises(Conflict):
        start_run(place, seconds=500)
    use(place, first, 100)

    assert start_run(place, seconds=500).pk
    assert spendable(place.allocation.pk) == 400


@pytest.mark.parametrize(
    ("days", "allowed"), [(-1, False), (0, True), (10, True), (11, False)], ids=["before", "first", "last", "after"]
)
def test_a_run_starts_inside_the_period_only(days, allowed) -> None:
    place = make_place(starts_on=date(2026, 11, 24), ends_on=date(2026, 12, 4))
    moment = NOW + timedelta(days=days)

    if allowed:
        assert start_run(place, now=moment).pk
    else:
        with pytest.raises(Conflict, match="from 2026-11-24 to 2026-12-04"):
            start_run(place, now=moment)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.PROGRAMME_OFFICER, Role.AUDITOR, Role.REVIEWER, Role.VISITOR])
def test_membership_without_the_role_is_not_enough(role) -> None:
    place = make_place()

    with pytest.raises(Refused):
        start_run(place, by=make_user(roles=[role], organisations=[place.organisation]))


def test_the_role_without_membership_is_not_enough() -> None:
    place = make_place()

    with pytest.raises(Refused):
        start_run(place, by=make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]))


def test_inputs_of_another_organisation_cannot_be_used() -> None:
    place = make_place()
    other = make_organisation()
    stolen = make_inputs(other, make_user(roles=[Role.APPLICANT], organisations=[other]), b"their text")

    with pytest.raises(InvalidInput, match="not in the store"):
        runs.start(
            by=place.manager,
            allocation=place.allocation,
            recipe=make_recipe(),
            dataset_digest="sha256:" + "d" * 64,
            inputs=stolen,
            estimate=make_estimate(),
            now=NOW,
        )


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "../secret", "digest": "sha256:" + "a" * 64, "size_bytes": 1},
        {"path": "/etc/passwd", "digest": "sha256:" + "a" * 64, "size_bytes": 1},
        {"path": "a//b", "digest": "sha256:" + "a" * 64, "size_bytes": 1},
        {"path": "a\\b", "digest": "sha256:" + "a" * 64, "size_bytes": 1},
        {"path": "a", "digest": "md5:1", "size_bytes": 1},
        {"path": "a", "digest": "sha256:" + "a" * 64, "size_bytes": -1},
        {"path": "a", "digest": "sha256:" + "a" * 64},
        "a",
    ],
)
def test_unsafe_listings_are_refused(entry) -> None:
    place = make_place()

    with pytest.raises(InvalidInput):
        runs.start(
            by=place.manager,
            allocation=place.allocation,
            recipe=make_recipe(),
            dataset_digest="sha256:" + "d" * 64,
            inputs=[entry],
            estimate=make_estimate(),
            now=NOW,
        )


def test_a_site_cannot_give_more_devices_than_it_has() -> None:
    place = make_place()

    with pytest.raises(InvalidInput, match=r"needs 2 devices and the site has 1"):
        start_run(place, devices=2)
    with pytest.raises(InvalidInput, match=r"needs 4 devices"):
        start_run(place, recipe=make_recipe(hardware={"nodes": 2, "processes_per_node": 2}))


def test_a_run_on_several_nodes_reserves_the_time_of_all_its_devices() -> None:
    make_site("cluster", unit="GPU", system_code="cluster", devices=8)
    place = make_place(code="cluster")

    run = start_run(place, seconds=900, recipe=make_recipe(hardware={"nodes": 2, "processes_per_node": 3}))

    assert (run.devices, run.reserved_gpu_seconds) == (6, 6 * 900)


def test_the_devices_of_a_scheduler_may_be_less_than_a_billed_gpu() -> None:
    make_site("lumi", unit="GPU", system_code="lumi-g", devices=16)
    place = make_place(code="lumi", system_code="lumi-g")

    run = start_run(place, seconds=901, devices=3)  # three GCDs are one and a half billed GPUs

    assert run.reserved_gpu_seconds == 1352


def test_a_run_that_nobody_began_is_cancelled_at_once() -> None:
    place = make_place(gpu_seconds=1000)
    run = runs.cancel(by=place.manager, run=start_run(place), now=NOW)

    assert (run.state, run.wanted, run.ended_at) == ("cancelled", "stop", NOW)
    assert spendable(place.allocation.pk) == 1000


def test_a_run_that_goes_on_is_asked_to_stop() -> None:
    place = make_place()
    run = start_run(place)
    reserve(place, run)
    say(place, run, "running")

    run = runs.cancel(by=place.manager, run=run, now=NOW)

    assert (run.state, run.wanted) == ("running", "stop")
    assert balance_of(place.allocation.pk).reserved == 900


def test_cancelling_twice_is_cancelling_once() -> None:
    place = make_place()
    run = start_run(place)

    runs.cancel(by=place.manager, run=run, now=NOW)
    runs.cancel(by=place.manager, run=run, now=NOW)

    assert AuditEvent.objects.filter(verb="run.cancelled").count() == 1


def test_a_run_that_has_ended_cannot_be_cancelled() -> None:
    place = make_place()
    run = start_run(place)
    reserve(place, run)
    say(place, run, "succeeded")

    with pytest.raises(Conflict):
        runs.cancel(by=place.manager, run=run, now=NOW)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REVIEWER, Role.OPERATOR, Role.APPLICANT])
def test_strangers_cannot_cancel(role) -> None:
    place = make_place()

    with pytest.raises(Refused):
        runs.cancel(by=make_user(roles=[role], organisations=[make_organisation()]), run=start_run(place), now=NOW)
