"""The books against accounting, for an allocation or a whole site, and the daily reports. Writes nothing.

A site that sends no accounting is compared with what its agent reported of each attempt.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum

from kifabrik.funding.reference import System
from kifabrik.funding.units import billed_seconds
from kifabrik.ledger.books import TransferKind
from kifabrik.ledger.reconciliation import Agreed, Comparison, Reason, Subject, compare
from kifabrik.portal.compute.models import (
    Allocation,
    JobAccount,
    LedgerTransfer,
    Reconciliation,
    ReconciliationLine,
    Site,
    Usage,
)
from kifabrik.portal.compute.queries.accounting import RUNAWAY
from kifabrik.portal.compute.queries.machines import system_of
from kifabrik.portal.compute.queries.sites import get_site
from kifabrik.portal.compute.queries.viewers import readable_allocations
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer

_REPORTS_READ = 400  # two days of two hundred sites


@dataclass(slots=True)
class _Jobs:
    """What accounting says of the jobs of one subject; the words are those of the newest job."""

    seconds: int = 0
    count: int = 0
    is_running: bool = False
    is_runaway: bool = False
    ended_at: datetime | None = None
    state: str = ""
    allocation_id: str | None = None
    run_id: str = ""
    job_id: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class _Reported:
    """What an agent reported of one attempt."""

    seconds: int
    is_final: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class _Sources:
    """Everything that is compared, by subject; `owner` names allocation and run of each booked one."""

    booked: Mapping[str, int]
    owner: Mapping[str, tuple[str, str]]
    jobs: Mapping[str, _Jobs]
    reported: Mapping[str, _Reported]
    closed_at: Mapping[str, datetime]
    has_accounting: bool

    @property
    def names(self) -> list[str]:
        """Name all subjects, in order."""
        return sorted({*self.booked, *self.jobs})


def reconcile_allocation(allocation: Allocation) -> Comparison:
    """Compare the books of one allocation with the accounting of its site, as it is now; jobs by hand are listed."""
    sources = _read(
        allocation.site,
        posts=allocation.transfers.filter(kind=TransferKind.POST),
        jobs=allocation.jobs.all(),
        usage=Usage.objects.filter(run__allocation=allocation),
    )
    subjects = (_subject(name, sources) for name in sources.names)
    return compare(subjects, accounted_until=allocation.site.accounted_until)


def reconcile_site(site: Site) -> Comparison:
    """Compare the books of all allocations of a site with its accounting, as it is now; what agrees is only counted."""
    sources = _read(
        site,
        posts=LedgerTransfer.objects.filter(allocation__site=site, kind=TransferKind.POST),
        jobs=site.jobs.all(),
        usage=Usage.objects.filter(run__allocation__site=site),
    )
    plain = {name for name, jobs in sources.jobs.items() if _is_plain(jobs, sources, sources.booked.get(name, 0))}
    agreed = Agreed(len(plain), sum(sources.booked.get(name, 0) for name in plain))
    subjects = (_subject(name, sources) for name in sources.names if name not in plain)
    return compare(subjects, accounted_until=site.accounted_until, agreed=agreed)


def get_reconcilable_site(viewer: Viewer, code: str) -> Site:
    """Read a site for those who may see its whole report: its operators, officers, auditors; raises NotFound, Refused.

    The report names jobs and users of every organisation, so members see only that of their allocations.
    """
    site = get_site(viewer, code)
    access.require(viewer, Permission.ALLOCATION_READ_ALL, site_code=site.code)
    return site


def list_daily_reports(site: Site) -> QuerySet[Reconciliation]:
    """List the daily reports of a site, the newest first."""
    return site.reconciliations.order_by("-day")


def persisting(viewer: Viewer) -> QuerySet[ReconciliationLine]:
    """List the lines of the newest daily reports that differed a day before as well, in allocations a viewer sees.

    A job that runs for days is always some minutes ahead of its accounting; that is no lasting difference.
    """
    latest: dict[str, list[int]] = defaultdict(list)
    for key, site in Reconciliation.objects.order_by("-day", "site").values_list("pk", "site")[:_REPORTS_READ]:
        latest[site].append(key)
    newest = [keys[0] for keys in latest.values() if len(keys) > 1]
    before = [keys[1] for keys in latest.values() if len(keys) > 1]
    earlier = ReconciliationLine.objects.filter(reconciliation__in=before).values("subject")
    lines = ReconciliationLine.objects.filter(reconciliation__in=newest, subject__in=earlier)
    lines = lines.exclude(reason=Reason.RUNNING)
    seen = lines.filter(allocation__in=readable_allocations(viewer))
    return seen.select_related("allocation__award__proposal", "allocation__site", "reconciliation")


def _read(
    site: Site, *, posts: QuerySet[LedgerTransfer], jobs: QuerySet[JobAccount], usage: QuerySet[Usage]
) -> _Sources:
    system = system_of(site)
    sums = posts.order_by().values_list("subject", "allocation", "run_id").annotate(total=Sum("gpu_seconds"))
    booked = list(sums)
    reports = usage.order_by().values_list("pk", "gpu_seconds", "is_final", "at")
    found = _by_subject(jobs, system)
    return _Sources(
        booked={subject: total for subject, _owner, _run, total in booked},
        owner={subject: (owner, run_id) for subject, owner, run_id, _total in booked},
        jobs=found,
        reported={key: _Reported(billed_seconds(seconds, system), final, at) for key, seconds, final, at in reports},
        closed_at=_closed(site),
        has_accounting=site.accounted_until is not None or bool(found),
    )


def _is_plain(jobs: _Jobs, sources: _Sources, booked: int) -> bool:
    """One job of a living allocation, as the books have it: nothing to tell."""
    if jobs.seconds != booked or jobs.count > 1 or jobs.is_runaway or jobs.allocation_id is None:
        return False
    return jobs.allocation_id not in sources.closed_at


def _closed(site: Site) -> Mapping[str, datetime]:
    rows = Allocation.objects.filter(site=site, closed_at__isnull=False).values_list("pk", "closed_at")
    return {key: at for key, at in rows if at is not None}


def _by_subject(rows: QuerySet[JobAccount], system: System | None) -> Mapping[str, _Jobs]:
    found: dict[str, _Jobs] = defaultdict(_Jobs)
    columns = ("subject", "gpu_seconds", "ended_at", "state", "allocation", "run_id", "job_id", "user_name")
    for subject, seconds, ended_at, state, *newest in rows.order_by("submitted_at").values_list(*columns).iterator():
        jobs = found[subject]
        jobs.seconds += billed_seconds(seconds, system)
        jobs.count += 1
        jobs.is_running |= ended_at is None
        jobs.is_runaway |= state == RUNAWAY
        if ended_at is not None and (jobs.ended_at is None or ended_at > jobs.ended_at):
            jobs.ended_at = ended_at
        jobs.state = state
        jobs.allocation_id, jobs.run_id, jobs.job_id, jobs.user = newest
    return found


def _subject(name: str, sources: _Sources) -> Subject:
    jobs, reported, booked = sources.jobs.get(name), sources.reported.get(name), sources.booked.get(name, 0)
    if jobs is None:
        accounted = reported.seconds if reported and not sources.has_accounting else None
        allocation_id, run_id = sources.owner[name]
        return Subject(
            name=name,
            booked=booked,
            accounted=accounted,
            is_running=reported is not None and not reported.is_final,
            ended_at=reported.at if reported else None,
            closed_at=sources.closed_at.get(allocation_id),
            allocation_id=allocation_id,
            run_id=run_id,
        )
    said = reported.seconds if reported else 0
    took_back = not jobs.is_running and jobs.seconds < booked and said <= jobs.seconds
    return Subject(
        name=name,
        booked=booked,
        accounted=jobs.seconds,
        jobs=jobs.count,
        is_running=jobs.is_running,
        is_foreign=jobs.allocation_id is None,
        is_by_hand=not jobs.run_id,
        is_runaway=jobs.is_runaway or took_back,
        ended_at=jobs.ended_at,
        closed_at=sources.closed_at.get(jobs.allocation_id or ""),
        allocation_id=jobs.allocation_id or "",
        run_id=jobs.run_id,
        job_id=jobs.job_id,
        user=jobs.user,
        state=jobs.state,
    )
