"""Starting a training: findings, budget, ownership and the recipe."""

import pytest
from tests.portal.catalogue.factories import BLOCKING, NOW, SERIOUS, make_place, make_recipe, make_version, start
from tests.portal.people.factories import make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.catalogue.queries import datasets as reads
from kifabrik.portal.catalogue.queries import estimates
from kifabrik.portal.catalogue.services import datasets
from kifabrik.portal.compute.models import Run
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place()


def test_a_training_becomes_a_run_on_the_version(place) -> None:
    version = make_version(place)

    run = start(place, version)

    assert (run.dataset_digest, run.recipe["dataset"]) == (version.digest, version.digest)
    assert [entry["path"] for entry in run.inputs] == ["card.json", "held-out-00000.parquet", "train-00000.parquet"]
    assert run.estimate["flop"] > 0


def test_a_serious_finding_stops_training_until_somebody_accepts_it(place) -> None:
    version = make_version(place, findings=(SERIOUS,))

    with pytest.raises(Conflict) as error:
        start(place, version)
    assert error.value.where == SERIOUS.code
    assert Run.objects.count() == 0

    datasets.accept_finding(
        by=place.manager, version=version, code=SERIOUS.code, where="train", reason="All are our own.", now=NOW
    )
    assert start(place, reads.get_version(place.manager, version.pk)).state == "requested"


def test_a_blocking_finding_stops_training_for_good(place) -> None:
    with pytest.raises(Conflict):
        start(place, make_version(place, findings=(BLOCKING,)))


def test_a_dataset_of_another_organisation_cannot_be_used(place) -> None:
    other = make_place(code="other")
    foreign = make_version(other, is_public=True)

    with pytest.raises(InvalidInput) as error:
        start(place, foreign)

    assert error.value.where == "dataset_version"


def test_who_may_not_run_may_not_start(place) -> None:
    for person in (make_user(organisations=[place.organisation]), make_user(roles=[Role.PROGRAMME_OFFICER])):
        with pytest.raises(Refused):
            start(place, by=person)


def test_a_recipe_that_names_another_version_is_refused(place) -> None:
    recipe = make_recipe().model_copy(update={"dataset": "sha256:" + "1" * 64})

    with pytest.raises(InvalidInput) as error:
        start(place, recipe=recipe)

    assert error.value.where == "recipe.dataset"


def test_a_budget_that_is_too_small_refuses_before_anything_starts() -> None:
    poor = make_place(gpu_seconds=5)

    with pytest.raises(Conflict) as error:
        start(poor)

    assert error.value.code == "budget-too-small"


def test_the_preview_says_what_the_start_will_do(place) -> None:
    version = make_version(place)

    seen = estimates.preview(recipe=make_recipe(), version=version, allocation=place.allocation)
    run = start(place, version)

    assert seen.may_start
    assert seen.needed_gpu_seconds == run.reserved_gpu_seconds
    assert seen.left_after == seen.left_before - run.reserved_gpu_seconds
    assert seen.left_before == 36_000
    after = estimates.preview(recipe=make_recipe(), version=version, allocation=place.allocation)
    assert after.left_before == seen.left_after


def test_the_preview_shows_what_stands_against_a_start() -> None:
    poor = make_place(gpu_seconds=5)
    version = make_version(poor, findings=(SERIOUS,))

    seen = estimates.preview(recipe=make_recipe(), version=version, allocation=poor.allocation)

    assert (seen.is_affordable, seen.may_start, seen.open_findings) == (False, False, (SERIOUS,))


def test_allocations_of_others_do_not_exist_here(place) -> None:
    other = make_place(code="other")

    assert list(estimates.usable_allocations(place.manager)) == [place.allocation]
    with pytest.raises(NotFound):
        estimates.get_usable_allocation(place.manager, other.allocation.pk)
