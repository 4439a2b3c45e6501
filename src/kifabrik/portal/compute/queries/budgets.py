"""What the books say: balances, statements, promises, how long a budget lasts. The rules stand in kifabrik.ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from kifabrik.funding.reference import allocation_life
from kifabrik.ledger.books import Balance, Transfer, TransferKind, budget
from kifabrik.ledger.forecast import Forecast, foretell
from kifabrik.portal.compute.models import Allocation, LedgerTransfer, Run, Site
from kifabrik.records.run_state import RunState

_SAME = ("key", "number", "debit", "credit", "gpu_seconds", "at", "run_id", "note", "subject")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a statement: what changed what may still be spent, and what was left afterwards."""

    row: LedgerTransfer
    change: int
    left: int
    is_overdraft: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a budget goes on: what is left, how much goes in a day, and what that means at its end.

    `forecast.lasts_until` is empty when nothing is used now, or when the period ends before the budget does.
    """

    balance: Balance
    promised: int
    forecast: Forecast

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
        subject=row.subject,
    )


def read_transfers(allocation_id: str) -> tuple[Transfer, ...]:
    """Read all lines of an allocation in the order of booking; no rows are built, since there may be very many."""
    columns = ("pk", "reservation", "kind", *_SAME)
    rows = list(LedgerTransfer.objects.filter(allocation=allocation_id).order_by("number").values_list(*columns))
    keys = {row[0]: row[3] for row in rows}
    return tuple(
        Transfer(
            allocation_id=allocation_id,
            kind=TransferKind(kind),
            reservation=keys[reservation] if reservation else "",
            **dict(zip(_SAME, same, strict=True)),
        )
        for _pk, reservation, kind, *same in rows
    )


def balances(allocation_ids: Collection[str]) -> Mapping[str, Balance]:
    """Add up the books of several allocations in two reads, however many lines they have."""
    return _balances(LedgerTransfer.objects.filter(allocation__in=allocation_ids), allocation_ids)


def balances_at(site: Site, allocation_ids: Collection[str]) -> Mapping[str, Balance]:
    """Add up the books of a whole site in one read, for those of its allocations that are asked for."""
    return _balances(LedgerTransfer.objects.filter(allocation__site=site), allocation_ids)


def _balances(lines: QuerySet[LedgerTransfer], allocation_ids: Collection[str]) -> Mapping[str, Balance]:
    accounts: dict[str, int] = defaultdict(int)
    granted: dict[str, int] = defaultdict(int)
    returned: dict[str, int] = defaultdict(int)
    rows = lines.order_by().values("allocation", "kind", "debit", "credit").annotate(total=Sum("gpu_seconds"))
    for row in rows:
        accounts[row["debit"]] -= row["total"]
        accounts[row["credit"]] += row["total"]
        if row["kind"] == TransferKind.GRANT:
            granted[row["allocation"]] += row["total"]
        elif row["kind"] == TransferKind.RETURN:
            returned[row["allocation"]] += row["total"]
    return {
        key: Balance(
            granted=granted[key],
            reserved=accounts[f"reserved:{key}"],
            consumed=accounts[f"consumed:{key}"],
            expired=accounts[f"expired:{key}"],
            returned=returned[key],
        )
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
        overdraft = row.kind == TransferKind.POST and row.debit == account and row.reservation_id is not None
        lines.append(StatementLine(row, change, left, overdraft))
    return tuple(lines)


def outlook(allocation: Allocation, *, now: datetime) -> Outlook:
    """Foretell from the use of the last days how a budget goes on."""
    booked = balance_of(allocation.pk)
    used = used_since([allocation.pk], rate_begins_at(now)).get(allocation.pk, 0)
    return Outlook(booked, promised(allocation.pk), forecast_of(allocation, booked, used_recently=used, now=now))


def forecast_of(allocation: Allocation, booked: Balance, *, used_recently: int, now: datetime) -> Forecast:
    """Foretell one budget from what was used since `rate_begins_at`."""
    counted_from = max(begun_at(allocation), rate_begins_at(now))
    return foretell(
        available=booked.available,
        used_recently=used_recently,
        days=(now - counted_from) / timedelta(days=1),
        days_left=max(0, (allocation.ends_on - timezone.localdate(now)).days + 1),
        today=timezone.localdate(now),
    )


def rate_begins_at(now: datetime) -> datetime:
    """Say from when on use says how fast budgets go now."""
    return now - timedelta(days=allocation_life()["rate-days"].value)


def used_since(allocation_ids: Collection[str], since: datetime) -> Mapping[str, int]:
    """Add up what was posted in each allocation since a moment."""
    posted = LedgerTransfer.objects.filter(allocation__in=allocation_ids, kind=TransferKind.POST, at__gte=since)
    rows = posted.order_by().values("allocation").annotate(total=Sum("gpu_seconds"))
    return {row["allocation"]: row["total"] for row in rows}


def used_by_runs(runs: Iterable[Run]) -> Mapping[str, int]:
    """Add up what each run consumed by the books, overdrafts included."""
    posted = LedgerTransfer.objects.filter(run_id__in=[run.pk for run in runs], kind=TransferKind.POST).order_by()
    return {row["run_id"]: row["total"] for row in posted.values("run_id").annotate(total=Sum("gpu_seconds"))}


def transfers_of_run(run: Run) -> Sequence[LedgerTransfer]:
    """Read the lines of the books that one run caused, oldest first."""
    return list(LedgerTransfer.objects.filter(allocation=run.allocation_id, run_id=run.pk).order_by("number"))


def open_reservations() -> QuerySet[LedgerTransfer]:
    """List the reservations that still hold time: their attempts have not ended, or nobody said how much they used."""
    taken = LedgerTransfer.objects.filter(reservation=OuterRef("pk"), debit__startswith="reserved:").order_by()
    total = taken.values("reservation").annotate(total=Sum("gpu_seconds")).values("total")
    made = LedgerTransfer.objects.filter(kind=TransferKind.RESERVE)
    return made.annotate(taken=Coalesce(Subquery(total), 0)).filter(taken__lt=F("gpu_seconds"))


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


def begun_at(allocation: Allocation) -> datetime:
    """Say when an allocation could be used for the first time."""
    start = datetime.combine(allocation.starts_on, datetime.min.time(), tzinfo=timezone.get_current_timezone())
    return max(allocation.opened_at, start)
