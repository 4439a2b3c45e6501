"""Reads of what accounting says: how much each subject used, and whose a cluster account is. Writes nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from kifabrik.funding.units import billed_seconds
from kifabrik.portal.compute.models import Allocation, JobAccount, Site
from kifabrik.portal.compute.queries.machines import system_of

ACCOUNT_PREFIX = "kf-"
RUNAWAY = "RUNAWAY"  # what an agent says of a job that accounting believes alive and the controller does not know
SILENT_AFTER = timedelta(hours=1)  # of a job that runs there is news every few minutes
SILENT_JOBS_MAX = 500
_KIND = "alloc-"


def cluster_account(allocation_id: str) -> str:
    """Name the cluster account of an allocation; a site may put its own word in place of the prefix."""
    return ACCOUNT_PREFIX + allocation_id.removeprefix(_KIND).lower()


def allocations_of_accounts(site: Site, accounts: Collection[str]) -> Mapping[str, str]:
    """Find the allocations of a site by cluster accounts, whatever the prefix; accounts of nobody are left out."""
    wished = {account: _KIND + account.rpartition("-")[2] for account in accounts if account}
    known = set(Allocation.objects.filter(site=site, pk__in=wished.values()).values_list("pk", flat=True))
    return {account: key for account, key in wished.items() if key in known}


def accounted_seconds(*, site: Site, subjects: Collection[str]) -> Mapping[str, int]:
    """Add up the GPU seconds of all jobs of each subject, each job rounded up once."""
    system, total = system_of(site), defaultdict[str, int](int)
    rows = JobAccount.objects.filter(site=site, subject__in=subjects).order_by()
    for subject, seconds in rows.values_list("subject", "gpu_seconds"):
        total[subject] += billed_seconds(seconds, system)
    return dict(total)


def silent_jobs(site: Site, *, now: datetime) -> Sequence[str]:
    """Name the jobs that began, have no end and of which nothing was said for long, the newest first.

    An agent sees jobs change by their end; one whose end was set back to its start, as the fix of a runaway does, or
    that ended while no agent was there, it must be asked about.
    """
    rows = JobAccount.objects.filter(site=site, ended_at__isnull=True, started_at__isnull=False)
    silent = rows.filter(changed_at__lt=now - SILENT_AFTER).order_by("-changed_at")
    return list(silent.values_list("job_id", flat=True)[:SILENT_JOBS_MAX])
