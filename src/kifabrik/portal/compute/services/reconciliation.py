"""Writes the daily report: the books of a site against its accounting, once a day. Knows the rule, no cluster."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from kifabrik.ledger.reconciliation import Difference, Reason
from kifabrik.portal.compute.models import Reconciliation, ReconciliationLine, Site
from kifabrik.portal.compute.queries.reconciliation import reconcile_site
from kifabrik.portal.compute.services import alerts
from kifabrik.portal.people.services import audit


def make_daily(*, site: Site, now: datetime) -> Reconciliation | None:
    """Write today's report of a site and warn of time that will stay unused; None if that was done today already.

    The lines that differ are kept; jobs of foreign accounts are no business of the books and only counted live.
    """
    day = timezone.localdate(now)
    if Reconciliation.objects.filter(site=site, day=day).exists():
        return None
    found = reconcile_site(site)
    with transaction.atomic():
        report, made = Reconciliation.objects.get_or_create(
            site=site,
            day=day,
            defaults={
                "made_at": now,
                "accounted_until": site.accounted_until,
                "subjects": found.subjects,
                "booked_gpu_seconds": found.booked,
                "accounted_gpu_seconds": found.accounted,
            },
        )
        if not made:
            return None
        differing = [line for line in found.lines if line.seconds and line.reason is not Reason.FOREIGN]
        ReconciliationLine.objects.bulk_create([_row(report, line) for line in differing], batch_size=500)
        audit.append(
            by=None,
            verb="site.reconciled",
            what=site,
            details={"difference": found.difference, "lines": len(differing)},
            now=now,
        )
    alerts.warn_of_unused(site=site, now=now)
    return report


def _row(report: Reconciliation, line: Difference) -> ReconciliationLine:
    subject = line.subject
    return ReconciliationLine(
        reconciliation=report,
        allocation_id=subject.allocation_id or None,
        subject=subject.name,
        run_id=subject.run_id,
        job_id=subject.job_id,
        user_name=subject.user,
        state=subject.state,
        booked_gpu_seconds=subject.booked,
        accounted_gpu_seconds=subject.accounted or 0,
        reason=line.reason,
    )
