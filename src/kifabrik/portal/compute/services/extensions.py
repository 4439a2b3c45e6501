"""Asks for the one extension of an allocation and decides about it. Knows the rules of the mode, no cluster."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.compute.models import Allocation, ExtensionRequest
from kifabrik.portal.compute.models.allocations import EXTENSION_KINDS
from kifabrik.portal.compute.queries.extensions import add_months, offer_of
from kifabrik.portal.compute.services import books, sites
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

REPORT_LENGTH_MIN, REPORT_LENGTH_MAX = 100, 4000
REASONS_LENGTH_MIN, REASONS_LENGTH_MAX = 10, 1000


def ask(*, by: User, allocation: Allocation, kind: str, report: str, now: datetime) -> ExtensionRequest:
    """Ask for a longer period (`months`) or for more time (`percent`), with an interim report.

    Raises Refused without the applicant's right for the organisation, InvalidInput for another kind or a report of
    fewer than 100 characters, Conflict for a second request and for an allocation that is over.
    """
    access.require(by, Permission.PROPOSAL_WRITE, organisation=allocation.organisation_id)
    report = _checked_report(kind, report)
    with transaction.atomic():
        allocation = books.lock(allocation.pk)
        _require_living(allocation, now)
        if ExtensionRequest.objects.filter(allocation=allocation).exists():
            raise Conflict(
                _("An extension of this allocation was asked for already; that can be done once."), where=allocation.pk
            )
        offer = offer_of(allocation)
        request = ExtensionRequest.objects.create(
            allocation=allocation,
            kind=kind,
            months=offer.months if kind == "months" else 0,
            gpu_seconds=offer.gpu_seconds if kind == "percent" else 0,
            report=report,
            asked_by=by,
            asked_at=now,
        )
        _tell(request, by=by, verb="allocation.extension-asked", now=now)
    return request


def decide(*, by: User, allocation: Allocation, grant: bool, reasons: str, now: datetime) -> ExtensionRequest:
    """Grant or refuse the extension of an allocation, with reasons its people read; what is decided stays.

    Raises Refused without the programme officer's right, InvalidInput for missing reasons, Conflict if nobody asked,
    if it is decided already, or if the allocation was closed meanwhile.
    """
    access.require(by, Permission.ALLOCATION_MANAGE, site_code=allocation.site_id)
    reasons = _checked_reasons(reasons)
    with transaction.atomic():
        sites.note_change(site_code=allocation.site_id)
        allocation = books.lock(allocation.pk)
        request = ExtensionRequest.objects.select_for_update().filter(allocation=allocation).first()
        if request is None or request.state != "asked":
            raise Conflict(_("There is no extension to decide here."), where=allocation.pk)
        if grant:
            _require_living(allocation, now)
            _extend(allocation, request, now=now)
        request.state, request.reasons = ("granted" if grant else "refused"), reasons
        request.decided_by, request.decided_at = by, now
        request.save(update_fields=["state", "reasons", "decided_by", "decided_at"])
        request.allocation = allocation
        verb = "allocation.extension-granted" if grant else "allocation.extension-refused"
        _tell(request, by=by, verb=verb, now=now)
    return request


def _extend(allocation: Allocation, request: ExtensionRequest, *, now: datetime) -> None:
    if request.kind == "months":
        allocation.ends_on = add_months(allocation.ends_on, request.months)
        allocation.save(update_fields=["ends_on"])
    else:
        books.grant(allocation=allocation, gpu_seconds=request.gpu_seconds, by_extension=True, now=now)


def _tell(request: ExtensionRequest, *, by: User, verb: str, now: datetime) -> None:
    allocation = request.allocation
    details: dict[str, Json] = {
        "kind": request.kind,
        "months": request.months,
        "gpu_seconds": request.gpu_seconds,
        "ends_on": allocation.ends_on.isoformat(),
        "reasons": request.reasons,
    }
    audit.append(by=by, verb=verb, what=allocation, organisation=allocation.organisation, details=details, now=now)


def _require_living(allocation: Allocation, now: datetime) -> None:
    if allocation.state == "closed" or timezone.localdate(now) > allocation.ends_on:
        raise Conflict(
            _("The allocation is over and cannot be extended."),
            where=allocation.pk,
            remedy=_("Hand in a new proposal."),
        )


def _checked_report(kind: str, report: str) -> str:
    if kind not in EXTENSION_KINDS:
        raise InvalidInput(_("An extension is of the kind months or percent."), where="kind")
    report = report.strip()
    if not REPORT_LENGTH_MIN <= len(report) <= REPORT_LENGTH_MAX:
        raise InvalidInput(
            _("The interim report must have 100 to 4,000 characters."),
            where="report",
            remedy=_("Say what was done, what is left to do, and why it needs the extension."),
        )
    return report


def _checked_reasons(reasons: str) -> str:
    reasons = reasons.strip()
    if not REASONS_LENGTH_MIN <= len(reasons) <= REASONS_LENGTH_MAX:
        raise InvalidInput(_("The reasons must have 10 to 1,000 characters."), where="reasons")
    return reasons
