"""Reads of allocations and of the people who may use them. Writes nothing."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.calls.models import Award
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.compute.queries.viewers import readable_allocations
from kifabrik.portal.people.models import Membership
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer


def list_allocations(viewer: Viewer) -> QuerySet[Allocation]:
    """List the allocations a viewer may see, the newest first."""
    related = ("organisation", "site", "award__proposal")
    return readable_allocations(viewer).select_related(*related).order_by("-opened_at", "-id")


def get_allocation(viewer: Viewer, allocation_id: str) -> Allocation:
    """Read an allocation the viewer may see; raises NotFound."""
    allocation = list_allocations(viewer).filter(pk=allocation_id).first()
    if allocation is None:
        raise NotFound(_("There is no such allocation."), where=allocation_id)
    return allocation


def members_of(allocation: Allocation) -> Sequence[Membership]:
    """List the people of the organisation that owns an allocation."""
    memberships = Membership.objects.filter(organisation=allocation.organisation_id).select_related("user")
    return list(memberships.order_by("-is_manager", "user__name"))


def get_own_award(viewer: Viewer, award_id: str) -> Award:
    """Read an award of one of the viewer's organisations; raises NotFound."""
    awards = Award.objects.filter(organisation__in=access.organisations_of(viewer)).select_related("organisation")
    award = awards.filter(pk=award_id).first()
    if award is None:
        raise NotFound(_("There is no such award."), where=award_id)
    return award
