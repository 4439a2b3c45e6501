"""Extensions of allocations for programs: ask for one, read it, decide about it."""

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from kifabrik.portal.compute.api.doors import person
from kifabrik.portal.compute.api.schemas.allocations import DecisionIn, ExtensionIn, ExtensionOut
from kifabrik.portal.compute.queries.allocations import get_allocation
from kifabrik.portal.compute.queries.extensions import get_request
from kifabrik.portal.compute.services import extensions as services
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope

router = Router()
_read, _write = signed_in(Scope.READ), signed_in(Scope.WRITE)


@router.get("/allocations/{allocation_id}/extension", response=ExtensionOut, auth=_read)
def read(request: HttpRequest, allocation_id: str) -> ExtensionOut:
    """Read the request to extend an allocation and what was decided."""
    return ExtensionOut.of(get_request(person(request), allocation_id))


@router.post("/allocations/{allocation_id}/extension", response=ExtensionOut, auth=_write)
def ask(request: HttpRequest, allocation_id: str, body: ExtensionIn) -> ExtensionOut:
    """Ask for a longer period or for more time, with an interim report; this can be done once."""
    allocation = get_allocation(person(request), allocation_id)
    made = services.ask(
        by=person(request), allocation=allocation, kind=body.kind, report=body.report, now=timezone.now()
    )
    return ExtensionOut.of(made)


@router.post("/allocations/{allocation_id}/extension/decision", response=ExtensionOut, auth=_write)
def decide(request: HttpRequest, allocation_id: str, body: DecisionIn) -> ExtensionOut:
    """Grant or refuse an extension, with reasons."""
    allocation = get_allocation(person(request), allocation_id)
    services.decide(
        by=person(request), allocation=allocation, grant=body.grant, reasons=body.reasons, now=timezone.now()
    )
    return ExtensionOut.of(get_request(person(request), allocation_id))
