"""Books what a cluster's accounting says of jobs, whoever started them. Knows the books, no cluster.

A row may come twice, late or out of order: of one job only the newest statement is kept, and nothing that is booked
shrinks. Jobs with the key of a run of the paying allocation are that attempt's; the others are subjects of their own.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import InvalidInput
from kifabrik.funding.units import billed_seconds
from kifabrik.portal.compute.models import Allocation, JobAccount, Run, Site, Usage
from kifabrik.portal.compute.queries.accounting import RUNAWAY, accounted_seconds, allocations_of_accounts
from kifabrik.portal.compute.queries.machines import system_of
from kifabrik.portal.compute.services import alerts, books
from kifabrik.portal.compute.services.books import Use
from kifabrik.portal.people.models import User
from kifabrik.portal.people.services import audit
from kifabrik.records import AccountedJob

ROWS_MAX = 1000
_IDENTITY = ("site", "cluster", "job_id", "submitted_at")
_STATEMENT = (
    "user_name",
    "state",
    "started_at",
    "ended_at",
    "devices",
    "gpu_seconds",
    "cpu_seconds",
    "restarts",
    "exit_code",
    "changed_at",
)
Identity = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import went: rows that said something new, and GPU seconds booked by it."""

    changed: int
    posted: int


@dataclass(frozen=True, slots=True)
class _Owners:
    """Whose a job is: allocations by cluster account, and runs by identifier."""

    allocations: Mapping[str, str]
    runs: Mapping[str, Run]

    def of(self, row: AccountedJob) -> tuple[str | None, Run | None]:
        """Find the paying allocation of a job, and the run if it is an attempt of one of that allocation's runs."""
        paying = self.allocations.get(row.account)
        run = self.runs.get(row.key.rpartition(":")[0]) if row.key else None
        if run is not None and (paying == run.allocation_id or not row.account):
            return run.allocation_id, run
        return paying, None


def import_rows(
    *, by: User, site: Site, rows: Sequence[AccountedJob], until: datetime | None = None, now: datetime
) -> Imported:
    """Keep and book rows of accounting; `until` says that every job that ended before it is reported.

    Raises InvalidInput for more than 1000 rows at once.
    """
    if len(rows) > ROWS_MAX:
        raise InvalidInput(_("At most %(count)s rows in one report.") % {"count": ROWS_MAX}, where="rows")
    with transaction.atomic():
        owners = _find_owners(site, rows)
        before = _known_jobs(site, rows).order_by().values_list("allocation", flat=True).distinct()
        # A job that changed its account stays with the first, so that one is locked as well.
        touched = sorted(filter(None, {owners.of(row)[0] for row in rows} | set(before)))
        _lock(touched)
        changed = _keep(site, rows, owners, now=now)
        posted = _book(site, changed, now=now)
        if changed:
            alerts.note_marks(allocation_ids=touched, now=now)
            audit.append(
                by=by,
                verb="site.accounting-imported",
                what=site,
                details={"rows": len(rows), "changed": len(changed), "gpu_seconds": posted},
                now=now,
            )
    if until is not None:  # after the rows are kept; and no transaction takes a site after an allocation
        _move_on(site, min(until, now))
    return Imported(len(changed), posted)


def _move_on(site: Site, until: datetime) -> None:
    earlier = Q(accounted_until__isnull=True) | Q(accounted_until__lt=until)
    Site.objects.filter(earlier, pk=site.pk).update(accounted_until=until)


def _find_owners(site: Site, rows: Sequence[AccountedJob]) -> _Owners:
    runs = {row.key.rpartition(":")[0] for row in rows if row.key}
    return _Owners(
        allocations=allocations_of_accounts(site, {row.account for row in rows}),
        runs={key: run for key, run in _read_runs(runs).items() if run.allocation.site_id == site.pk},
    )


def _read_runs(run_ids: set[str]) -> Mapping[str, Run]:
    related = Run.objects.select_related("allocation").only("pk", "attempts", "allocation__site")
    return {run.pk: run for run in related.filter(pk__in=run_ids)} if run_ids else {}


def _lock(allocation_ids: Sequence[str]) -> None:
    """Take the pens in the order of identifiers, so that two imports never wait for each other."""
    list(Allocation.objects.select_for_update().filter(pk__in=allocation_ids).order_by("pk").values_list("pk"))


def _keep(site: Site, rows: Sequence[AccountedJob], owners: _Owners, *, now: datetime) -> Sequence[JobAccount]:
    """Write the newest statement about each job; returns those that are new or said something new."""
    known = {(job.cluster, job.job_id, job.submitted_at.astimezone(UTC)): job for job in _known_jobs(site, rows)}
    changed: dict[Identity, JobAccount] = {}
    for row in rows:
        identity = (row.cluster, row.job_id, datetime.fromisoformat(row.submitted_at))
        before = changed.get(identity) or known.get(identity)
        if before is None:
            before = _begin(site, row, owners)
        elif not _says_more(row, before):
            continue
        _state(before, row, now=now)
        changed[identity] = before
    jobs = list(changed.values())  # a known one meets itself by its identity and keeps its key and owner
    JobAccount.objects.bulk_create(jobs, update_conflicts=True, unique_fields=_IDENTITY, update_fields=_STATEMENT)
    return jobs


def _known_jobs(site: Site, rows: Sequence[AccountedJob]) -> QuerySet[JobAccount]:
    numbers, clusters = {row.job_id for row in rows}, {row.cluster for row in rows}
    return JobAccount.objects.filter(site=site, cluster__in=clusters, job_id__in=numbers)


def _begin(site: Site, row: AccountedJob, owners: _Owners) -> JobAccount:
    allocation_id, run = owners.of(row)
    job = JobAccount(
        site=site,
        cluster=row.cluster,
        job_id=row.job_id,
        submitted_at=datetime.fromisoformat(row.submitted_at),
        allocation_id=allocation_id,
        run_id=run.pk if run else "",
        account=row.account,
    )
    job.subject = row.key if run else job.pk
    return job


def _says_more(row: AccountedJob, job: JobAccount) -> bool:
    """A statement is newer after another start, further on its way to the end, or with more use.

    So old ones are known as old. With the same figures another word for the state is news: it was cancelled.
    """
    new = (row.restarts, _way(row.state, row.ended_at), row.gpu_seconds, row.started_at is not None)
    old = (job.restarts, _way(job.state, job.ended_at), job.gpu_seconds, job.started_at is not None)
    return new > old or (new == old and row.state != job.state)


def _way(state: str, ended_at: object) -> int:
    """Say how far a start has come: it goes on, the cluster lost sight of it (and counts less of it), it has ended."""
    return 2 if ended_at is not None else int(state == RUNAWAY)


def _state(job: JobAccount, row: AccountedJob, *, now: datetime) -> None:
    job.user_name, job.state, job.exit_code = row.user, row.state, row.exit_code
    job.started_at = datetime.fromisoformat(row.started_at) if row.started_at else None
    job.ended_at = datetime.fromisoformat(row.ended_at) if row.ended_at else None
    job.devices, job.gpu_seconds, job.cpu_seconds = row.devices, row.gpu_seconds, row.cpu_seconds
    job.restarts, job.changed_at = row.restarts, now


def _book(
    site: Site,
    jobs: Sequence[JobAccount],
    *,
    now: datetime,
) -> int:
    attempts = {job.subject for job in jobs if job.run_id}
    runs = _read_runs({job.run_id for job in jobs if job.run_id})
    totals = accounted_seconds(site=site, subjects=attempts) if attempts else {}
    reported = _reported(site, attempts)
    uses: dict[str, dict[str, Use]] = defaultdict(dict)
    for job in jobs:
        if job.allocation_id is None:
            continue
        if job.run_id:
            use = books.use_of_attempt(
                run=runs[job.run_id],
                attempt=int(job.subject.rpartition(":")[2]),
                gpu_seconds=max(totals[job.subject], reported.get(job.subject, 0)),
                is_final=False,
            )
        else:
            use = Use(
                subject=job.subject,
                gpu_seconds=billed_seconds(job.gpu_seconds, system_of(site)),
                note=f"job {job.job_id} of {job.user_name or '?'}, not started from here",
            )
        uses[job.allocation_id][use.subject] = use
    settled = books.post_many(uses={key: list(each.values()) for key, each in uses.items()}, now=now)
    return sum(each.posted for each in settled.values())


def _reported(site: Site, subjects: set[str]) -> Mapping[str, int]:
    if not subjects:
        return {}
    rows = Usage.objects.filter(pk__in=subjects).values_list("pk", "gpu_seconds")
    return {key: billed_seconds(seconds, system_of(site)) for key, seconds in rows}
