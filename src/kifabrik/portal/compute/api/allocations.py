"""Allocations for programs: accept an award, read budgets and statements, pause, resume, close, hand back."""

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from kifabrik.portal.compute.api.doors import person
from kifabrik.portal.compute.api.schemas.allocations import (
    AllocationOut,
    ForecastOut,
    HandBackIn,
    ReasonIn,
    TransferOut,
)
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.compute.queries.allocations import get_allocation, get_own_award, list_allocations
from kifabrik.portal.compute.queries.budgets import balance_of, balances, list_transfers, outlook, statement
from kifabrik.portal.compute.services import allocations as services
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope

router = Router()
_read, _write = signed_in(Scope.READ), signed_in(Scope.WRITE)


@router.post("/awards/{award_id}/accept", response=AllocationOut, auth=_write)
def accept_award(request: HttpRequest, award_id: str) -> AllocationOut:
    """Accept an award of one's organisation; its allocation opens and the grant is booked."""
    award = get_own_award(person(request), award_id)
    return _answer(services.accept_award(by=person(request), award=award, now=timezone.now()))


@router.get("/allocations", response=listing(AllocationOut), auth=_read)
def list_all(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the allocations that the caller may see, the newest first."""
    cut = cut_page(list_allocations(person(request)), number=page, size=size)
    booked = balances([row.pk for row in cut.rows])
    return answer_page(cut, lambda row: AllocationOut.of(row, booked[row.pk]))


@router.get("/allocations/{allocation_id}", response=AllocationOut, auth=_read)
def read(request: HttpRequest, allocation_id: str) -> AllocationOut:
    """Read an allocation with its balance."""
    return _answer(get_allocation(person(request), allocation_id))


@router.get("/allocations/{allocation_id}/statement", response=listing(TransferOut), auth=_read)
def read_statement(request: HttpRequest, allocation_id: str, page: int = 1, size: int = PAGE_SIZE) -> object:
    """Read the books of an allocation, oldest line first, with what was left after each line."""
    allocation = get_allocation(person(request), allocation_id)
    cut = cut_page(list_transfers(allocation), number=page, size=size)
    lines = {line.row.pk: line for line in statement(allocation, cut.rows)}
    return answer_page(cut, lambda row: TransferOut.of(lines[row.pk]))


@router.post("/allocations/{allocation_id}/pause", response=AllocationOut, auth=_write)
def pause(request: HttpRequest, allocation_id: str, body: ReasonIn) -> AllocationOut:
    """Let no new run start."""
    allocation = get_allocation(person(request), allocation_id)
    return _answer(services.pause(by=person(request), allocation=allocation, reason=body.reason, now=timezone.now()))


@router.post("/allocations/{allocation_id}/resume", response=AllocationOut, auth=_write)
def resume(request: HttpRequest, allocation_id: str) -> AllocationOut:
    """Let runs start again."""
    allocation = get_allocation(person(request), allocation_id)
    return _answer(services.resume(by=person(request), allocation=allocation, now=timezone.now()))


@router.post("/allocations/{allocation_id}/close", response=AllocationOut, auth=_write)
def close(request: HttpRequest, allocation_id: str, body: ReasonIn) -> AllocationOut:
    """End an allocation for good; what is left of its budget expires."""
    allocation = get_allocation(person(request), allocation_id)
    return _answer(services.close(by=person(request), allocation=allocation, reason=body.reason, now=timezone.now()))


@router.post("/allocations/{allocation_id}/hand-back", response=AllocationOut, auth=_write)
def hand_back(request: HttpRequest, allocation_id: str, body: HandBackIn) -> AllocationOut:
    """Return time that will not be needed to the pool; this cannot be undone."""
    allocation = services.hand_back(
        by=person(request),
        allocation=get_allocation(person(request), allocation_id),
        gpu_seconds=body.gpu_seconds,
        reason=body.reason,
        now=timezone.now(),
    )
    return _answer(allocation)


@router.get("/allocations/{allocation_id}/forecast", response=ForecastOut, auth=_read)
def read_forecast(request: HttpRequest, allocation_id: str) -> ForecastOut:
    """Read how a budget goes on at the rate of the last days."""
    allocation = get_allocation(person(request), allocation_id)
    return ForecastOut.of(allocation, outlook(allocation, now=timezone.now()))


def _answer(allocation: Allocation) -> AllocationOut:
    return AllocationOut.of(allocation, balance_of(allocation.pk))
