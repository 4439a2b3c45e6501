"""Books into the ledger's table: the rules of kifabrik.ledger, one writer at a time for each allocation.

Call everything here inside a transaction. Each booking has a key, so that booking twice is booking once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kifabrik.core.canonical import Json
from kifabrik.ledger import books as rules
from kifabrik.ledger.books import Transfer, TransferKind
from kifabrik.portal.compute.models import Allocation, LedgerTransfer, Run
from kifabrik.portal.compute.queries.budgets import open_reservations, read_transfers

Build = Callable[[Sequence[Transfer]], Sequence[Transfer]]


@dataclass(frozen=True, slots=True)
class Settled:
    """How the usage of one attempt was booked, in GPU seconds."""

    posted: int
    returned: int
    overdraft: int

    def as_dict(self) -> dict[str, Json]:
        """Write it for the audit log."""
        return {"posted": self.posted, "returned": self.returned, "overdraft": self.overdraft}


def lock(allocation_id: str) -> Allocation:
    """Take the one pen of an allocation's books until the transaction ends.

    PostgreSQL locks the row; SQLite's IMMEDIATE transactions stand in a queue already.
    """
    Allocation.objects.select_for_update().get(pk=allocation_id)
    return Allocation.objects.select_related("site", "organisation").get(pk=allocation_id)


def grant(*, allocation: Allocation, gpu_seconds: int, now: datetime) -> None:
    """Book what the award gives."""
    key = f"grant:{allocation.pk}"
    _book(
        allocation,
        lambda lines: rules.grant(
            lines, key=key, allocation_id=allocation.pk, gpu_seconds=gpu_seconds, at=now, note="award accepted"
        ),
    )


def find_reservation(*, run: Run, attempt: int) -> LedgerTransfer | None:
    """Find the line that set time aside for an attempt."""
    return LedgerTransfer.objects.filter(key=_reservation_key(run, attempt)).first()


def reserve(*, run: Run, attempt: int, now: datetime) -> None:
    """Set aside what one attempt may use at most; raises Conflict if the budget does not hold it."""
    _book(
        run.allocation,
        lambda lines: rules.reserve(
            lines,
            key=_reservation_key(run, attempt),
            allocation_id=run.allocation_id,
            gpu_seconds=run.reserved_gpu_seconds,
            at=now,
            run_id=run.pk,
            note=f"attempt {attempt}",
        ),
    )


def settle(*, run: Run, attempt: int, gpu_seconds: int, now: datetime) -> Settled:
    """Book what an attempt used against its reservation; the rest comes back, an excess is a stated overdraft."""
    lines = _book(
        run.allocation,
        lambda lines: rules.post(
            lines,
            key=f"post:{run.pk}:{attempt}",
            allocation_id=run.allocation_id,
            gpu_seconds=gpu_seconds,
            at=now,
            reservation=_reservation_key(run, attempt),
            run_id=run.pk,
            note=f"attempt {attempt}",
        ),
    )
    return Settled(
        posted=sum(line.gpu_seconds for line in lines if line.kind is TransferKind.POST),
        returned=sum(line.gpu_seconds for line in lines if line.kind is TransferKind.VOID),
        overdraft=sum(line.gpu_seconds for line in lines if rules.is_overdraft(line)),
    )


def void_all(*, run: Run, now: datetime) -> None:
    """Give back what is still set aside for a run that never became a job."""
    for reservation in open_reservations().filter(allocation=run.allocation_id, run_id=run.pk):
        _void(run, reservation.key, now=now)


def expire_rest(*, allocation: Allocation, key: str, now: datetime) -> int:
    """Take what a closed allocation still holds; returns how much. What is reserved stays until it is settled."""
    lines = _book(
        allocation,
        lambda lines: rules.expire(lines, key=key, allocation_id=allocation.pk, at=now, note="allocation closed"),
    )
    return sum(line.gpu_seconds for line in lines)


def _void(run: Run, reservation_key: str, *, now: datetime) -> None:
    _book(
        run.allocation,
        lambda lines: rules.void(
            lines,
            key=f"void:{reservation_key}",
            allocation_id=run.allocation_id,
            reservation=reservation_key,
            at=now,
            run_id=run.pk,
            note="never submitted",
        ),
    )


def _book(allocation: Allocation, build: Build) -> Sequence[Transfer]:
    """Lock, read, let the rule decide, write what it says."""
    Allocation.objects.select_for_update().get(pk=allocation.pk)
    lines = build(read_transfers(allocation.pk))
    for line in lines:
        reservation = LedgerTransfer.objects.filter(key=line.reservation).first() if line.reservation else None
        LedgerTransfer.objects.create(
            key=line.key,
            allocation=allocation,
            number=line.number,
            kind=line.kind,
            debit=line.debit,
            credit=line.credit,
            gpu_seconds=line.gpu_seconds,
            reservation=reservation,
            run_id=line.run_id,
            at=line.at,
            note=line.note,
        )
    return lines


def _reservation_key(run: Run, attempt: int) -> str:
    return f"reserve:{run.pk}:{attempt}"
