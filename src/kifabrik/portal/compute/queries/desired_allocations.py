"""What a site should make of its allocations: state, budget and members, with a digest that is cheap to compare.

Amounts are in seconds of the scheduler's devices, as the site counts them. Writes nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Max, Q, QuerySet, Sum

from kifabrik.core.digests import digest_bytes
from kifabrik.funding.units import device_seconds
from kifabrik.portal.compute.models import Allocation, ClusterUser, Site
from kifabrik.portal.compute.queries.accounting import cluster_account
from kifabrik.portal.compute.queries.budgets import balances_at
from kifabrik.portal.compute.queries.machines import system_of

# An agent that was away longer finds an account it should close by itself: the portal names it no more.
CLOSED_KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class DesiredAllocation:
    """What a site should make of one allocation."""

    id: str
    cluster_account: str
    state: str
    granted_gpu_seconds: int
    budget_gpu_seconds: int
    ends_on: date
    members: tuple[str, ...]


def allocations_digest(site: Site) -> str:
    """Name the present state of a site's allocations without reading them.

    The token changes with every write of this chapter; members come and go in the organisations, which do not know
    this chapter, so their count, newest and sum are part of it.
    """
    token = Site.objects.values_list("allocations_token", flat=True).get(pk=site.pk)
    memberships = F("person__memberships")
    row = _known_members(site).aggregate(
        count=Count("person__memberships"), newest=Max(memberships), total=Sum(memberships)
    )
    return digest_bytes(f"{site.pk}|{token}|{row['count']}|{row['newest']}|{row['total']}".encode())


def desired_allocations(site: Site, *, now: datetime) -> Sequence[DesiredAllocation]:
    """List the allocations that a site should know, the oldest first; those closed long ago are left out."""
    kept = Q(closed_at__isnull=True) | Q(closed_at__gte=now - CLOSED_KEPT_FOR)
    rows = list(Allocation.objects.filter(kept, site=site).order_by("opened_at", "pk"))
    booked = balances_at(site, [row.pk for row in rows])
    members, system = _members(site), system_of(site)
    return [
        DesiredAllocation(
            id=row.pk,
            cluster_account=cluster_account(row.pk),
            state=row.state,
            granted_gpu_seconds=device_seconds(booked[row.pk].granted, system),
            budget_gpu_seconds=device_seconds(booked[row.pk].usable, system),
            ends_on=row.ends_on,
            members=tuple(members.get(row.organisation_id, ())),
        )
        for row in rows
    ]


def _known_members(site: Site) -> QuerySet[ClusterUser]:
    return ClusterUser.objects.filter(site=site, person__is_active=True).order_by()


def _members(site: Site) -> Mapping[str, Sequence[str]]:
    """Name the cluster users of each organisation; a member without a user name at the site is not listed."""
    members: dict[str, list[str]] = defaultdict(list)
    pairs = _known_members(site).values_list("person__memberships__organisation", "user_name").order_by("user_name")
    for organisation_id, user_name in pairs:
        if organisation_id is not None:
            members[organisation_id].append(user_name)
    return members
