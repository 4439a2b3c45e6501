"""What a training would cost and leave over, before it starts. Knows budgets and findings, starts nothing."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, NotFound
from kifabrik.core.findings import Finding
from kifabrik.funding.estimate import Estimate, estimate
from kifabrik.funding.reference import systems
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries.datasets import open_findings, read_card
from kifabrik.portal.catalogue.queries.figures import scientific
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.compute.queries.budgets import spendable
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer
from kifabrik.records import Recipe


@dataclass(frozen=True, slots=True)
class Preview:
    """An estimate against the budget it would be taken from; amounts in seconds of the site's unit."""

    estimate: Estimate
    unit: str
    needed_gpu_seconds: int
    left_before: int
    open_findings: tuple[Finding, ...]

    @property
    def left_after(self) -> int:
        """What remains if the run uses all that is reserved for it."""
        return self.left_before - self.needed_gpu_seconds

    @property
    def flop(self) -> str:
        """Write the computing work as people write large numbers."""
        return scientific(self.estimate.flop)

    @property
    def is_affordable(self) -> bool:
        """Say whether the budget holds the reservation."""
        return self.left_after >= 0

    @property
    def may_start(self) -> bool:
        """Say whether nothing stands against the start."""
        return self.is_affordable and not self.open_findings


def estimate_run(*, recipe: Recipe, version: DatasetVersion, allocation: Allocation) -> Estimate:
    """Work out a recipe on the system of the allocation's site; raises Conflict if nobody knows that system."""
    system = systems().get(allocation.site.system_code)
    if system is None:
        raise Conflict(
            _("The reference data do not know the system %(code)s.") % {"code": allocation.site.system_code},
            where="allocation",
            remedy=_("Ask the operator to name a known system for the site."),
        )
    return estimate(recipe=recipe, system=system, text_bytes=read_card(version).text_bytes)


def preview(*, recipe: Recipe, version: DatasetVersion, allocation: Allocation) -> Preview:
    """Show what a training would reserve and what would be left."""
    worked_out = estimate_run(recipe=recipe, version=version, allocation=allocation)
    return Preview(
        estimate=worked_out,
        unit=allocation.site.unit,
        needed_gpu_seconds=worked_out.gpu_seconds_at_most,
        left_before=spendable(allocation.pk),
        open_findings=open_findings(version),
    )


def usable_allocations(viewer: Viewer) -> QuerySet[Allocation]:
    """List the open allocations in which the viewer may start runs."""
    allocations = Allocation.objects.filter(state="open", organisation__in=access.organisations_of(viewer))
    if not access.may(viewer, Permission.RUN_WRITE):
        return allocations.none()
    return allocations.select_related("award__proposal", "site", "organisation").order_by("ends_on", "id")


def get_usable_allocation(viewer: Viewer, allocation_id: str) -> Allocation:
    """Read an allocation of the viewer's organisations in any state; raises NotFound."""
    allocations = Allocation.objects.filter(organisation__in=access.organisations_of(viewer), pk=allocation_id)
    allocation = allocations.select_related("award__proposal", "site", "organisation").first()
    if allocation is None:
        raise NotFound(_("There is no such allocation."), where=allocation_id)
    return allocation
