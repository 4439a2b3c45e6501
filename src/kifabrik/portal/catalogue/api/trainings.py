"""Starting runs for programs: the estimate, then the start. Reading runs is compute's."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import ValidationError

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.catalogue.api.doors import person
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries import estimates
from kifabrik.portal.catalogue.queries.datasets import get_version
from kifabrik.portal.catalogue.services import trainings
from kifabrik.portal.compute.api.runs import router as runs_router
from kifabrik.portal.compute.api.schemas.runs import RunOut
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Scope
from kifabrik.records import Recipe
from kifabrik.records.recipe_file import describe_fault

router = Router()


class TrainingIn(Schema):
    """What to train, on what, from which budget; `dataset` in the recipe is filled in."""

    recipe: dict[str, Any]
    dataset_version: str
    allocation: str


class EstimateOut(Schema):
    """What a run would cost, in seconds of the site's unit, and what would be left."""

    flop: int
    tokens: int
    gpu_seconds: int
    time_limit_seconds: int
    watt_hours: float
    assumptions: list[str]
    unit: str
    reserved_gpu_seconds: int
    left_before_gpu_seconds: int
    left_after_gpu_seconds: int
    may_start: bool
    open_findings: list[dict[str, str]]


@router.post("/runs/estimate", response=EstimateOut, auth=signed_in())
def estimate(request: HttpRequest, body: TrainingIn) -> object:
    """Work out a run before it starts; starts nothing."""
    recipe, version, allocation = _read(person(request), body)
    preview = estimates.preview(recipe=recipe, version=version, allocation=allocation)
    return {
        **asdict(preview.estimate),
        "unit": preview.unit,
        "reserved_gpu_seconds": preview.needed_gpu_seconds,
        "left_before_gpu_seconds": preview.left_before,
        "left_after_gpu_seconds": preview.left_after,
        "may_start": preview.may_start,
        "open_findings": [finding.as_dict() for finding in preview.open_findings],
    }


# On compute's router, because one address can belong to one router only: GET /runs is compute's.
@runs_router.post("/runs", response={201: RunOut}, auth=signed_in(Scope.WRITE), tags=["catalogue"])
def start(request: HttpRequest, body: TrainingIn) -> object:
    """Request a run; refused while findings are open or the budget is too small."""
    recipe, version, allocation = _read(person(request), body)
    run = trainings.start(by=person(request), allocation=allocation, version=version, recipe=recipe, now=timezone.now())
    return Status(201, RunOut.of(run, {}))


def _read(user: User, body: TrainingIn) -> tuple[Recipe, DatasetVersion, Allocation]:
    allocation = estimates.get_usable_allocation(user, body.allocation)
    version = get_version(user, body.dataset_version)
    try:
        recipe = Recipe.model_validate({"dataset": version.digest, **body.recipe})
    except ValidationError as error:
        remedy = _("Mend the recipe. 'kifabrik run estimate RECIPE' checks one on your own machine.")
        raise InvalidInput(describe_fault(error), where="recipe", remedy=remedy) from error
    return recipe, version, allocation
