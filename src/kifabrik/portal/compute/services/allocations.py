"""Opens allocations from accepted awards, pauses, resumes and closes them, hands time back. Knows no cluster."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.calls.models import Award
from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.compute.queries import viewers
from kifabrik.portal.compute.queries.budgets import spendable
from kifabrik.portal.compute.services import books, sites
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit
from kifabrik.records.run_state import FINAL, RunState

REASON_LENGTH_MIN = 10
PERIOD_OVER = gettext_noop("The period is over.")  # kept as it is here and translated for each reader


def accept_award(*, by: User, award: Award, now: datetime) -> Allocation:
    """Accept an award for the awarded organisation; its allocation opens and the ledger books the grant.

    Accepting twice gives the same allocation. Raises NotFound for people outside the organisation, Refused for members
    who may not sign for it, Conflict if no site offers the awarded system or the period is over.
    """
    _require_signatory(by, award)
    with transaction.atomic():
        award = Award.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=award.pk)
        known = Allocation.objects.select_related("site", "organisation").filter(award=award).first()
        if known is not None:
            return known
        _require_current(award, today=timezone.localdate(now))
        site = _find_site(award.system_code)
        sites.note_change(site_code=site.pk)
        allocation = Allocation.objects.create(
            award=award,
            organisation=award.organisation,
            site=site,
            starts_on=award.starts_on,
            ends_on=award.ends_on,
            opened_at=now,
        )
        books.grant(allocation=allocation, gpu_seconds=award.gpu_seconds, now=now)
        award.accepted_at, award.accepted_by = now, by
        award.save(update_fields=["accepted_at", "accepted_by"])
        about: dict[str, Json] = {"allocation": allocation.pk, "site": site.code, "gpu_seconds": award.gpu_seconds}
        audit.append(by=by, verb="award.accepted", what=award, organisation=award.organisation, details=about, now=now)
        audit.append(
            by=by, verb="allocation.opened", what=allocation, organisation=award.organisation, details=about, now=now
        )
    return allocation


def pause(*, by: User, allocation: Allocation, reason: str, now: datetime) -> Allocation:
    """Let no new run start until the allocation is resumed; runs that are going on go on."""
    _require_manager(by, allocation)
    return _move(by=by, allocation=allocation, to="paused", allowed=("open",), reason=checked_reason(reason), now=now)


def resume(*, by: User, allocation: Allocation, now: datetime) -> Allocation:
    """Let runs start again in a paused allocation."""
    _require_manager(by, allocation)
    return _move(by=by, allocation=allocation, to="open", allowed=("paused",), reason="", now=now)


def close(*, by: User, allocation: Allocation, reason: str, now: datetime) -> Allocation:
    """End an allocation for good: its runs are told to stop and what is left of its budget expires."""
    _require_manager(by, allocation)
    reason = checked_reason(reason)
    with transaction.atomic():
        sites.note_change(site_code=allocation.site_id)
        allocation = books.lock(allocation.pk)
        if allocation.state == "closed":
            return allocation
        return _close(by=by, allocation=allocation, reason=reason, now=now)


def hand_back(*, by: User, allocation: Allocation, gpu_seconds: int, reason: str, now: datetime) -> Allocation:
    """Return time that will not be needed to the pool, for good, so that others may have it before it expires.

    Raises Refused for everybody but managers of the organisation and programme officers, Conflict for a closed
    allocation and for more than the budget holds beyond what waiting runs were promised.
    """
    if not (access.is_manager(by, allocation.organisation_id) or viewers.may_manage(by, allocation)):
        raise Refused(
            _("Only a manager of the organisation may hand time back."),
            remedy=_("Ask one of its managers to do it; the page of the organisation names them."),
        )
    reason = checked_reason(reason)
    with transaction.atomic():
        sites.note_change(site_code=allocation.site_id)
        allocation = books.lock(allocation.pk)
        if allocation.state == "closed":
            raise Conflict(_("The allocation is closed; what was left has expired."), where=allocation.pk)
        _require_spare(allocation, gpu_seconds)
        key = f"return:{allocation.pk}:{allocation.transfers.filter(kind='return').count() + 1}"
        books.hand_back(allocation=allocation, key=key, gpu_seconds=gpu_seconds, note=reason, now=now)
        audit.append(
            by=by,
            verb="allocation.handed-back",
            what=allocation,
            organisation=allocation.organisation,
            details={"gpu_seconds": gpu_seconds, "reason": reason},
            now=now,
        )
    return allocation


def expire_ended(*, site: Site, now: datetime) -> int:
    """Close the allocations of a site whose last day is over; returns how many. Asking again changes nothing."""
    ended = Allocation.objects.filter(site=site, ends_on__lt=timezone.localdate(now)).exclude(state="closed")
    done = 0
    for key in list(ended.values_list("pk", flat=True)):
        with transaction.atomic():
            sites.note_change(site_code=site.pk)
            allocation = books.lock(key)
            if allocation.state != "closed":
                _close(by=None, allocation=allocation, reason=PERIOD_OVER, now=now)
                done += 1
    return done


def _close(*, by: User | None, allocation: Allocation, reason: str, now: datetime) -> Allocation:
    allocation.state, allocation.closed_at, allocation.reason = "closed", now, reason
    allocation.save(update_fields=["state", "closed_at", "reason"])
    waiting = Run.objects.filter(allocation=allocation, state=RunState.REQUESTED, attempts=0)
    waiting.update(wanted="stop", state=RunState.CANCELLED, reason=reason, ended_at=now)
    going = Run.objects.filter(allocation=allocation).exclude(state__in=[str(state) for state in FINAL])
    going.update(wanted="stop")
    expired = books.expire_rest(allocation=allocation, key=f"expire:{allocation.pk}:closed", now=now)
    audit.append(
        by=by,
        verb="allocation.closed",
        what=allocation,
        organisation=allocation.organisation,
        details={"reason": reason, "expired_gpu_seconds": expired},
        now=now,
    )
    return allocation


def _move(
    *, by: User, allocation: Allocation, to: str, allowed: tuple[str, ...], reason: str, now: datetime
) -> Allocation:
    with transaction.atomic():
        sites.note_change(site_code=allocation.site_id)
        allocation = books.lock(allocation.pk)
        if allocation.state == to:
            return allocation
        if allocation.state not in allowed:
            raise Conflict(_("A closed allocation stays closed."), where=allocation.pk)
        allocation.state, allocation.reason = to, reason
        allocation.save(update_fields=["state", "reason"])
        verb = "allocation.paused" if to == "paused" else "allocation.resumed"
        audit.append(
            by=by,
            verb=verb,
            what=allocation,
            organisation=allocation.organisation,
            details={"reason": reason},
            now=now,
        )
    return allocation


def _require_manager(by: User, allocation: Allocation) -> None:
    access.require(by, Permission.ALLOCATION_MANAGE, site_code=allocation.site_id)


def _require_signatory(by: User, award: Award) -> None:
    if not access.is_member(by, award.organisation_id):
        raise NotFound(_("There is no such award."), where=award.pk)
    if not access.is_manager(by, award.organisation_id):
        raise Refused(
            _("Only a manager of the organisation may accept an award."),
            remedy=_("Ask one of its managers to do it; the page of the organisation names them."),
        )


def _require_current(award: Award, *, today: date) -> None:
    if today > award.ends_on:
        raise Conflict(
            _("The period of this award is over since %(day)s.") % {"day": award.ends_on.isoformat()},
            where=award.pk,
            remedy=_("Ask the programme officer of the call for a new period."),
        )


def _find_site(system_code: str) -> Site:
    """The award names a system; of several sites with it, the first by code is taken."""
    site = Site.objects.filter(system_code=system_code).order_by("code").first()
    if site is None:
        raise Conflict(
            _("No site offers the system %(code)s yet.") % {"code": system_code},
            where="system_code",
            remedy=_("Ask the operator to register the site; the award stays valid."),
        )
    return site


def _require_spare(allocation: Allocation, gpu_seconds: int) -> None:
    spare = max(0, spendable(allocation.pk))
    if not 0 < gpu_seconds <= spare:
        raise Conflict(
            _("Between 1 s and %(spare)s s can be handed back; the rest is used, reserved or promised to runs.")
            % {"spare": spare},
            where="gpu_seconds",
            code="budget-too-small",
        )


def checked_reason(reason: str) -> str:
    """Read a reason that people will read; raises InvalidInput unless it has 10 to 300 characters."""
    reason = reason.strip()
    if not REASON_LENGTH_MIN <= len(reason) <= 300:
        raise InvalidInput(
            _("The reason must have 10 to 300 characters."), where="reason", remedy=_("Say in a sentence why.")
        )
    return reason
