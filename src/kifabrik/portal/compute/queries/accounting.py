"""Reads of what accounting says: how much each subject used, and whose a cluster account is. Writes nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from kifabrik.funding.units import billed_seconds
from kifabrik.portal.compute.models import Allocation, JobAccount, Site
from kifabrik.portal.compute.queries.machines import system_of

ACCOUNT_PREFIX = "kf-"
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
