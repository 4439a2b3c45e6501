"""Books what the agent of a site says an attempt used: as it grows while a job runs, and in all once it has ended.

A report may come twice, late or out of order; nothing that is booked shrinks. The figures are in seconds of the
scheduler's devices and are booked in GPU seconds. Knows the books, no cluster.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.funding.units import billed_seconds
from kifabrik.portal.compute.models import Run, Site, Usage
from kifabrik.portal.compute.queries.accounting import accounted_seconds
from kifabrik.portal.compute.queries.machines import system_of
from kifabrik.portal.compute.services import alerts, books
from kifabrik.portal.compute.services.books import Settled
from kifabrik.portal.compute.services.reports import lock_run
from kifabrik.portal.people.models import User
from kifabrik.portal.people.services import audit
from kifabrik.records import UsageRecord
from kifabrik.records.run_state import FINAL


def report_usage(*, by: User, site: Site, run_id: str, record: UsageRecord, now: datetime) -> Usage:
    """Book what one attempt used: posted against its reservation, at its end the rest given back, an excess overdrawn.

    A report about a running job books what is new; only the final one is told in the audit log. Usage that really
    happened is always booked, in closed allocations too. The same record again changes nothing; Conflict if a second
    final one says another figure.
    """
    with transaction.atomic():
        allocation, run = lock_run(site, run_id)
        _require_about(run, record)
        is_final = _is_final(run, record)
        known = Usage.objects.filter(pk=record.key).first()
        if known is not None and known.is_final:
            return _require_equal(known, record) if is_final else known
        if known is not None and not is_final and record.gpu_seconds <= known.gpu_seconds:
            return known
        run.allocation = allocation
        settled = _book(run, record, site=site, known=known, is_final=is_final, now=now)
        usage = _keep(run, record, is_final=is_final, now=now)
        if is_final:
            audit.append(
                by=by,
                verb="run.usage-booked",
                what=run,
                organisation=allocation.organisation,
                details={"attempt": record.attempt, "gpu_seconds": record.gpu_seconds, **settled.as_dict()},
                now=now,
            )
        if is_final and allocation.state == "closed":
            books.expire_rest(allocation=allocation, key=f"expire:{record.key}", now=now)
        alerts.note_marks(allocation_ids=[allocation.pk], now=now)
    return usage


def _is_final(run: Run, record: UsageRecord) -> bool:
    """A job that began and has not ended goes on, unless its run is over or has gone on to another attempt."""
    is_going = bool(record.job_id and record.started_at and not record.ended_at)
    return not is_going or run.state in FINAL or record.attempt < run.attempts


def _book(run: Run, record: UsageRecord, *, site: Site, known: Usage | None, is_final: bool, now: datetime) -> Settled:
    system = system_of(site)
    reported = max(record.gpu_seconds, known.gpu_seconds if known else 0)
    accounted = accounted_seconds(site=site, subjects=[record.key]).get(record.key, 0)
    use = books.use_of_attempt(
        run=run,
        attempt=record.attempt,
        gpu_seconds=max(billed_seconds(reported, system), accounted),
        is_final=is_final,
    )
    return books.post(allocation=run.allocation, uses=[use], now=now)[use.subject]


def _keep(run: Run, record: UsageRecord, *, is_final: bool, now: datetime) -> Usage:
    facts = {
        "run": run,
        "record": record.model_dump(mode="json"),
        "gpu_seconds": record.gpu_seconds,
        "is_final": is_final,
        "at": now,
    }
    return Usage.objects.update_or_create(key=record.key, defaults=facts)[0]


def _require_about(run: Run, record: UsageRecord) -> None:
    if record.run_id != run.pk or record.key != f"{run.pk}:{record.attempt}":
        raise InvalidInput(_("The usage record is about another run."), where="key")
    if record.attempt > run.attempts:
        words = ngettext(
            "The run has made %(count)s attempt only.", "The run has made %(count)s attempts only.", run.attempts
        )
        raise InvalidInput(words % {"count": run.attempts}, where="attempt")


def _require_equal(known: Usage, record: UsageRecord) -> Usage:
    if known.gpu_seconds != record.gpu_seconds:
        raise Conflict(
            _("This attempt is booked with %(count)s seconds already.") % {"count": known.gpu_seconds},
            where=known.pk,
            remedy=_("A booked usage never changes."),
        )
    return known
