"""The books against accounting for programs: of an allocation, of a site as it is now, and day by day."""

from django.http import HttpRequest
from ninja import Router

from kifabrik.portal.compute.api.doors import person
from kifabrik.portal.compute.api.schemas.reconciliation import ComparisonOut, DailyReportOut
from kifabrik.portal.compute.queries.allocations import get_allocation
from kifabrik.portal.compute.queries.reconciliation import (
    get_reconcilable_site,
    list_daily_reports,
    reconcile_allocation,
    reconcile_site,
)
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope

router = Router()
_read = signed_in(Scope.READ)


@router.get("/allocations/{allocation_id}/reconciliation", response=ComparisonOut, auth=_read)
def read_of_allocation(request: HttpRequest, allocation_id: str, page: int = 1, size: int = PAGE_SIZE) -> ComparisonOut:
    """Compare the books of an allocation with the accounting of its site, as it is now."""
    allocation = get_allocation(person(request), allocation_id)
    until = allocation.site.accounted_until
    return ComparisonOut.of(reconcile_allocation(allocation), accounted_until=until, page=page, size=size)


@router.get("/sites/{code}/reconciliation", response=ComparisonOut, auth=_read)
def read_of_site(request: HttpRequest, code: str, page: int = 1, size: int = PAGE_SIZE) -> ComparisonOut:
    """Compare the books of a whole site with its accounting, as it is now."""
    site = get_reconcilable_site(person(request), code)
    return ComparisonOut.of(reconcile_site(site), accounted_until=site.accounted_until, page=page, size=size)


@router.get("/sites/{code}/reconciliation/days", response=listing(DailyReportOut), auth=_read)
def list_days(request: HttpRequest, code: str, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the daily reports of a site, the newest first."""
    site = get_reconcilable_site(person(request), code)
    return answer_page(cut_page(list_daily_reports(site), number=page, size=size), DailyReportOut.of)
