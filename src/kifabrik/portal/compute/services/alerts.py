"""Tells once when the use of a budget passes a mark, and once when time will stay unused. Knows the books, no letter.

The people of the allocation find what was told on the home page and in the timeline of the allocation.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction

from kifabrik.funding.reference import allocation_life
from kifabrik.ledger.books import Balance
from kifabrik.portal.compute.models import Allocation, AllocationAlert, Site
from kifabrik.portal.compute.queries.budgets import balances, begun_at, forecast_of, rate_begins_at, used_since
from kifabrik.portal.people.services import audit

MARKS = (("used-50", "mark-1"), ("used-80", "mark-2"), ("used-95", "mark-3"))
UNUSED = "unused"
_VERBS = {
    "used-50": "allocation.half-used",
    "used-80": "allocation.mostly-used",
    "used-95": "allocation.nearly-used-up",
    UNUSED: "allocation.unused-warned",
}


def note_marks(*, allocation_ids: Collection[str], now: datetime) -> None:
    """Record the marks that the use of allocations has passed; call it in the transaction that booked the use."""
    booked = balances(allocation_ids)
    passed = {key: kinds for key in allocation_ids if (kinds := _marks_of(booked[key]))}
    if not passed:
        return
    told = set(AllocationAlert.objects.filter(allocation__in=passed).values_list("allocation_id", "kind"))
    for allocation in Allocation.objects.filter(pk__in=passed).exclude(state="closed").select_related("organisation"):
        fresh = [kind for kind in passed[allocation.pk] if (allocation.pk, kind) not in told]
        _tell(allocation, fresh, gpu_seconds=booked[allocation.pk].consumed, now=now)


def warn_of_unused(*, site: Site, now: datetime) -> int:
    """Warn once where much of a budget will be unused at the end of its period; returns how many were warned."""
    open_here = Allocation.objects.filter(site=site, state="open").exclude(alerts__kind=UNUSED)
    late = [row for row in open_here.select_related("organisation") if _is_late(row, now)]
    keys = [row.pk for row in late]
    booked, used = balances(keys), used_since(keys, rate_begins_at(now))
    warned = 0
    with transaction.atomic():
        for allocation in late:
            balance = booked[allocation.pk]
            forecast = forecast_of(allocation, balance, used_recently=used.get(allocation.pk, 0), now=now)
            if forecast.unused_at_end > allocation_life()["unused-share"].value * balance.usable:
                _tell(allocation, [UNUSED], gpu_seconds=forecast.unused_at_end, now=now)
                warned += 1
    return warned


def _marks_of(balance: Balance) -> list[str]:
    facts = allocation_life()
    usable = balance.granted - balance.returned
    return [kind for kind, code in MARKS if usable > 0 and balance.consumed >= facts[code].value * usable]


def _is_late(allocation: Allocation, now: datetime) -> bool:
    begun = begun_at(allocation)
    whole = (allocation.ends_on - begun.date()) + timedelta(days=1)
    return now - begun >= allocation_life()["unused-after"].value * whole


def _tell(allocation: Allocation, kinds: Iterable[str], *, gpu_seconds: int, now: datetime) -> None:
    rows = [AllocationAlert(allocation=allocation, kind=kind, gpu_seconds=gpu_seconds, at=now) for kind in kinds]
    if not rows:
        return
    AllocationAlert.objects.bulk_create(rows, ignore_conflicts=True)
    audit.append(
        by=None,
        verb=_VERBS[rows[-1].kind],
        what=allocation,
        organisation=allocation.organisation,
        details={"gpu_seconds": gpu_seconds},
        now=now,
    )
