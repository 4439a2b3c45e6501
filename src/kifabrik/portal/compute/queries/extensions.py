"""What an extension of an allocation may give, and the requests that wait for a decision. Writes nothing."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.funding.reference import allocation_life, thaw_mode
from kifabrik.portal.compute.models import Allocation, ExtensionRequest
from kifabrik.portal.compute.queries.viewers import readable_allocations
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer


@dataclass(frozen=True, slots=True)
class ExtensionOffer:
    """What can be asked for, one of both: a longer period, or more time; with the days and seconds it means."""

    months: int
    percent: int
    ends_on: date
    gpu_seconds: int


def offer_of(allocation: Allocation) -> ExtensionOffer:
    """Work out what an extension of an allocation may give, by the rules its call was made with."""
    rules = allocation.award.proposal.call.mode_rules
    own = thaw_mode(rules).extension if rules else None
    facts = allocation_life()
    months = own.months if own else int(facts["extension-months"].value)
    percent = own.percent if own else int(facts["extension-percent"].value)
    return ExtensionOffer(
        months=months,
        percent=percent,
        ends_on=add_months(allocation.ends_on, months),
        gpu_seconds=allocation.award.gpu_seconds * percent // 100,
    )


def add_months(day: date, months: int) -> date:
    """Go on by calendar months; the last day of a shorter month stands for a day it does not have."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def find_request(allocation: Allocation) -> ExtensionRequest | None:
    """Find the request of an allocation, decided or not."""
    return ExtensionRequest.objects.filter(allocation=allocation).select_related("asked_by", "decided_by").first()


def get_request(viewer: Viewer, allocation_id: str) -> ExtensionRequest:
    """Read the request of an allocation the viewer may see; raises NotFound."""
    rows = ExtensionRequest.objects.filter(allocation__in=readable_allocations(viewer), allocation=allocation_id)
    request = rows.select_related("allocation", "asked_by", "decided_by").first()
    if request is None:
        raise NotFound(_("Nobody has asked to extend this allocation."), where=allocation_id)
    return request


def waiting_for(viewer: Viewer) -> QuerySet[ExtensionRequest]:
    """List the requests that a viewer may decide, the oldest first."""
    sites = access.sites_of(viewer, Permission.ALLOCATION_MANAGE)
    waiting = ExtensionRequest.objects.filter(state="asked")
    if sites is not None:
        waiting = waiting.filter(allocation__site__in=sites)
    return waiting.select_related("allocation__award__proposal", "allocation__organisation").order_by("asked_at")
