"""The chain proposal -> award -> allocation -> dataset -> run -> release as steps of the breadcrumb strip."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from kifabrik.portal.catalogue.models import Dataset, Release
from kifabrik.portal.catalogue.queries.viewers import is_inside
from kifabrik.portal.compute.models import Allocation, Run
from kifabrik.portal.people.queries.access import Viewer


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the strip; an empty `url` is shown as text."""

    label: str
    url: str
    state: str


def strip(
    *,
    viewer: Viewer,
    here: str,
    allocation: Allocation | None = None,
    dataset: Dataset | None = None,
    run: Run | None = None,
    release: Release | None = None,
) -> tuple[Step, ...]:
    """Show where a page stands; links of an organisation's own work appear only to people who may open them."""
    allocation = allocation or (run.allocation if run else None)
    owned: Run | Allocation | Dataset | None = run or allocation or dataset
    owner = owned.organisation if owned is not None else None
    inside = owner is not None and is_inside(viewer, owner)
    award = allocation.award if allocation and inside else None
    urls = {
        "proposal": reverse("calls:proposal", args=[award.proposal_id]) if award else "",
        "award": reverse("calls:award", args=[award.pk]) if award else "",
        "allocation": reverse("compute:allocation", args=[allocation.pk]) if allocation and inside else "",
        "dataset": _dataset_url(dataset, inside=inside),
        "run": reverse("compute:run", args=[run.pk]) if run and inside else "",
        "release": reverse("catalogue:release", args=[release.pk]) if release else "",
    }
    known = {
        "proposal": allocation is not None,
        "award": allocation is not None,
        "allocation": allocation is not None,
        "dataset": dataset is not None,
        "run": run is not None,
        "release": release is not None and release.state != "candidate",
    }
    return tuple(
        Step(label, urls[name], "now" if name == here else "done" if known[name] else "todo")
        for name, label in _labels().items()
    )


def _dataset_url(dataset: Dataset | None, *, inside: bool) -> str:
    if dataset is None or not (inside or dataset.is_public):
        return ""
    return reverse("catalogue:dataset", args=[dataset.pk])


def _labels() -> dict[str, str]:
    return {
        "proposal": _("Proposal"),
        "award": _("Award"),
        "allocation": _("Allocation"),
        "dataset": _("Dataset"),
        "run": _("Run"),
        "release": _("Release"),
    }
