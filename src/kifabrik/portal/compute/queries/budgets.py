"""What the books say: balances, statements, promises, how long a budget lasts. The rules stand in kifabrik.ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from kifabrik.ledger.books import Balance, Transfer, TransferKind, budget
from kifabrik.portal.compute.models import Allocation, LedgerTransfer, Run
from kifabrik.records.run_state import RunState

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a statement: what changed what may still be spent, and what was left afterwards."""

    row: LedgerTransfer
    change: int
    left: int
    is_overdraft: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a budget goes on: what is left, how much goes in a day, and the day on which it ends at this rate.

    `lasts_until` is empty when nothing was used yet, or when the period ends before the budget does.
    """

    balance: Balance
    promised: int
    per_day: float
    lasts_until: date | None

    @property
    def spendable(self) -> int:
        """What a new run may still ask for: what is left, less what waiting runs were promised."""
        return max(0, self.balance.available - self.promised)


def as_transfer(row: LedgerTransfer, keys: Mapping[str, str]) -> Transfer:
    """Read a row as a line of the ledger; `keys` names the key of each reservation's row."""
    return Transfer(
        key=row.key,
        allocation_id=row.allocation_id,
        number=row.number,
        kind=TransferKind(row.kind),
        debit=row.debit,
        credit=row.credit,
        gpu_seconds=row.gpu_seconds,
        at=row.at,
        reservation=keys[row.reservation_id] if row.reservation_id else "",
        run_id=row.run_id,
        note=row.note,
    )


def read_transfers(allocation_id: str) -> tuple[Transfer, ...]:
    """Read all lines of an allocation in the order of booking."""
    rows = list(LedgerTransfer.objects.filter(allocation=allocation_id).order_by("number"))
    keys = {row.pk: row.key for row in rows}
    return tuple(as_transfer(row, keys) for row in rows)


def balances(allocation_ids: Collection[str]) -> Mapping[str, Balance]:
    """Add up the books of several allocations in two reads, however many lines they have."""
    rows = LedgerTransfer.objects.filter(allocation__in=allocation_ids).order_by()
    accounts: dict[str, int] = defaultdict(int)
    granted: dict[str, int] = defaultdict(int)
    for row in rows.values("allocation", "kind", "debit", "credit").annotate(total=Sum("gpu_seconds")):
        accounts[row["debit"]] -= row["total"]
        accounts[row["credit"]] += row["total"]
        if row["kind"] == TransferKind.GRANT:
            granted[row["allocation"]] += row["total"]
    return {
        key: Balance(granted[key], *(accounts[f"{name}:{key}"] for name in ("reserved", "consumed", "expired")))
        for key in allocation_ids
    }


def balance_of(allocation_id: str) -> Balance:
    """Add up the books of one allocation."""
    return balances([allocation_id])[allocation_id]


def promised(allocation_id: str) -> int:
    """Add up what runs that wait for their first attempt will reserve."""
    waiting = Run.objects.filter(allocation=allocation_id, state=RunState.REQUESTED, attempts=0, wanted="run")
    return int(waiting.aggregate(total=Sum("reserved_gpu_seconds"))["total"] or 0)


def spendable(allocation_id: str) -> int:
    """Say what a new run may ask for; below zero after an overdraft."""
    return balance_of(allocation_id).available - promised(allocation_id)


def list_transfers(allocation: Allocation) -> QuerySet[LedgerTransfer]:
    """List the lines of an allocation in the order of booking."""
    return allocation.transfers.order_by("number")


def statement(allocation: Allocation, rows: Sequence[LedgerTransfer]) -> tuple[StatementLine, ...]:
    """Write consecutive lines as a statement, oldest line first, each with what was left after it."""
    account, lines = budget(allocation.pk), []
    left = _left_before(allocation, rows[0].number) if rows else 0
    for row in rows:
        change = row.gpu_seconds * ((row.credit == account) - (row.debit == account))
        left += change
        overdraft = row.kind == TransferKind.POST and row.debit == account
        lines.append(StatementLine(row, change, left, overdraft))
    return tuple(lines)


def outlook(allocation: Allocation, *, now: datetime) -> Outlook:
    """Foretell from the use so far how long a budget lasts."""
    booked = balance_of(allocation.pk)
    days = max((now - _begun_at(allocation)).total_seconds() / _SECONDS_PER_DAY, 1.0)
    per_day = booked.consumed / days
    lasts_until = None
    if per_day > 0 and booked.available > 0:
        days_left = booked.available / per_day
        if days_left < (allocation.ends_on - timezone.localdate(now)).days:
            lasts_until = timezone.localdate(now + timedelta(days=days_left))
    return Outlook(booked, promised(allocation.pk), per_day, lasts_until)


def used_by_runs(runs: Iterable[Run]) -> Mapping[str, int]:
    """Add up what each run consumed by the books, overdrafts included."""
    posted = LedgerTransfer.objects.filter(run_id__in=[run.pk for run in runs], kind=TransferKind.POST).order_by()
    return {row["run_id"]: row["total"] for row in posted.values("run_id").annotate(total=Sum("gpu_seconds"))}


def transfers_of_run(run: Run) -> Sequence[LedgerTransfer]:
    """Read the lines of the books that one run caused, oldest first."""
    return list(LedgerTransfer.objects.filter(allocation=run.allocation_id, run_id=run.pk).order_by("number"))


def open_reservations() -> QuerySet[LedgerTransfer]:
    """List the reservations that nothing has settled yet."""
    settled = LedgerTransfer.objects.filter(reservation=OuterRef("pk"))
    return LedgerTransfer.objects.filter(~Exists(settled), kind=TransferKind.RESERVE)


def runs_with_open_reservation(site_code: str) -> QuerySet[LedgerTransfer, str]:
    """Name the runs of a site whose time is still reserved."""
    return open_reservations().filter(allocation__site=site_code).values_list("run_id", flat=True)


def _left_before(allocation: Allocation, number: int) -> int:
    if number == 1:
        return 0
    account = budget(allocation.pk)
    before = allocation.transfers.filter(number__lt=number).order_by()
    sums = before.aggregate(
        credit=Sum("gpu_seconds", filter=Q(credit=account), default=0),
        debit=Sum("gpu_seconds", filter=Q(debit=account), default=0),
    )
    return int(sums["credit"] - sums["debit"])


def _begun_at(allocation: Allocation) -> datetime:
    start = datetime.combine(allocation.starts_on, datetime.min.time(), tzinfo=timezone.get_current_timezone())
    return max(allocation.opened_at, start)
