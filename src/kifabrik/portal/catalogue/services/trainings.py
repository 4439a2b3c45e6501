"""Starts a training: dataset version, recipe and allocation become a run. Knows rules and rows, not how to train."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Finding
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.paths import FINDINGS_PATH
from kifabrik.portal.catalogue.queries.datasets import open_findings
from kifabrik.portal.catalogue.queries.estimates import estimate_run
from kifabrik.portal.compute.models import Allocation, Run
from kifabrik.portal.compute.services import runs
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.records import Recipe


def start(*, by: User, allocation: Allocation, version: DatasetVersion, recipe: Recipe, now: datetime) -> Run:
    """Request a run of `recipe` on a dataset version inside an allocation.

    Raises Refused without the right, Conflict while a finding stops training or the budget is too small, InvalidInput
    if the recipe names another dataset by its digest.
    """
    organisation = allocation.organisation
    access.require(by, Permission.RUN_WRITE, organisation=organisation)
    if version.dataset.organisation_id != organisation.pk:
        raise InvalidInput(
            _("Dataset and allocation belong to different organisations."),
            where="dataset_version",
            remedy=_("Choose a dataset of %(name)s.") % {"name": organisation.legal_name},
        )
    _require_no_open_findings(open_findings(version))
    bound = bind(recipe, version)
    return runs.start(
        by=by,
        allocation=allocation,
        recipe=bound,
        dataset_digest=version.digest,
        inputs=[file for file in version.files if file["path"] != FINDINGS_PATH],  # a job needs no list of persons
        estimate=estimate_run(recipe=bound, version=version, allocation=allocation),
        now=now,
    )


def bind(recipe: Recipe, version: DatasetVersion) -> Recipe:
    """Name the dataset version by its digest in the recipe; a folder's path in it was for runs without a portal."""
    if recipe.dataset.startswith("sha256:") and recipe.dataset != version.digest:
        raise InvalidInput(
            _("The recipe names another dataset version than the one chosen."),
            where="recipe.dataset",
            remedy=_("Choose that version, or write any word in its place: the chosen version is filled in."),
        )
    return recipe.model_copy(update={"dataset": version.digest})


def _require_no_open_findings(findings: tuple[Finding, ...]) -> None:
    if findings:
        codes = dict.fromkeys(finding.code for finding in findings)
        raise Conflict(
            ngettext(
                "%(count)s finding of the dataset stops training: %(codes)s.",
                "%(count)s findings of the dataset stop training: %(codes)s.",
                len(findings),
            )
            % {"count": len(findings), "codes": ", ".join(codes)},
            where=findings[0].code,
            remedy=_("Accept each serious finding with a reason on the page of the dataset, or mend the data."),
        )
