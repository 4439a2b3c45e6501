"""Books into the ledger's table: the rules of kifabrik.ledger, one writer at a time for each allocation.

Call everything here inside a transaction. Each booking has a key, so that booking twice is booking once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q

from kifabrik.core.canonical import Json
from kifabrik.ledger import books as rules
from kifabrik.ledger.books import Transfer, TransferKind
from kifabrik.portal.compute.models import Allocation, LedgerTransfer, Run, Usage
from kifabrik.portal.compute.queries.budgets import as_transfer, open_reservations, read_transfers

Build = Callable[[Sequence[Transfer]], Sequence[Transfer]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What was booked anew for one subject, in GPU seconds."""

    posted: int
    returned: int
    overdraft: int

    def as_dict(self) -> dict[str, Json]:
        """Write it for the audit log."""
        return {"posted": self.posted, "returned": self.returned, "overdraft": self.overdraft}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one subject used in all, in GPU seconds; `reservation` is the key of what was set aside for it, if any."""

    subject: str
    gpu_seconds: int
    run_id: str = ""
    reservation: str = ""
    note: str = ""
    is_final: bool = False


def lock(allocation_id: str) -> Allocation:
    """Take the one pen of an allocation's books until the transaction ends.

    PostgreSQL locks the row; SQLite's IMMEDIATE transactions stand in a queue already.
    """
    Allocation.objects.select_for_update().get(pk=allocation_id)
    return Allocation.objects.select_related("site", "organisation").get(pk=allocation_id)


def grant(*, allocation: Allocation, gpu_seconds: int, now: datetime, by_extension: bool = False) -> None:
    """Book what the award gives, or what its extension adds; each once."""
    key = f"grant:{allocation.pk}:extension" if by_extension else f"grant:{allocation.pk}"
    note = "extension granted" if by_extension else "award accepted"
    _book(
        allocation,
        lambda lines: rules.grant(
            lines, key=key, allocation_id=allocation.pk, gpu_seconds=gpu_seconds, at=now, note=note
        ),
    )


def find_reservation(*, run: Run, attempt: int) -> LedgerTransfer | None:
    """Find the line that set time aside for an attempt."""
    return LedgerTransfer.objects.filter(key=_reservation_key(run.pk, attempt)).first()


def reserve(*, run: Run, attempt: int, now: datetime) -> None:
    """Set aside what one attempt may use at most; raises Conflict if the budget does not hold it."""
    _book(
        run.allocation,
        lambda lines: rules.reserve(
            lines,
            key=_reservation_key(run.pk, attempt),
            allocation_id=run.allocation_id,
            gpu_seconds=run.reserved_gpu_seconds,
            at=now,
            run_id=run.pk,
            note=f"attempt {attempt}",
        ),
    )


def post(*, allocation: Allocation, uses: Sequence[Use], now: datetime) -> Mapping[str, Settled]:
    """Book how much each subject of an allocation used in all; what is booked already is not booked again.

    A final use gives back what its reservation still holds; an excess is a stated overdraft.
    """
    Allocation.objects.select_for_update().get(pk=allocation.pk)
    return post_many(uses={allocation.pk: uses}, now=now)


def post_many(*, uses: Mapping[str, Sequence[Use]], now: datetime) -> Mapping[str, Settled]:
    """Book the uses of many allocations at once, in a few reads of only their lines; the caller holds all the pens."""
    known = _read_lines_of([use for each in uses.values() for use in each])
    last_numbers = _last_numbers(uses)
    settled: dict[str, Settled] = {}
    new: list[Transfer] = []
    for allocation_id, wanted in uses.items():
        number = last_numbers.get(allocation_id, 0)
        for use in wanted:
            lines = rules.post(
                [line for group in (use.subject, use.reservation) if group for line in known.get(group, ())],
                subject=use.subject,
                allocation_id=allocation_id,
                gpu_seconds=use.gpu_seconds,
                at=now,
                reservation=use.reservation,
                run_id=use.run_id,
                note=use.note,
                is_final=use.is_final,
                last_number=number,
            )
            number += len(lines)
            new += lines
            settled[use.subject] = _settled(lines)
    _write(new)
    return settled


def use_of_attempt(*, run: Run, attempt: int, gpu_seconds: int, is_final: bool) -> Use:
    """Say how much one attempt used, against its reservation if it has one."""
    return Use(
        subject=attempt_subject(run.pk, attempt),
        gpu_seconds=gpu_seconds,
        run_id=run.pk,
        reservation=_reservation_key(run.pk, attempt) if attempt <= run.attempts else "",
        note=f"attempt {attempt}",
        is_final=is_final,
    )


def attempt_subject(run_id: str, attempt: int) -> str:
    """Name an attempt as posts name it."""
    return f"{run_id}:{attempt}"


def settle_earlier(*, run: Run, now: datetime) -> None:
    """End the attempts of a run whose last word was that they go on: another attempt begins, so they are over."""
    ongoing = list(Usage.objects.select_for_update().filter(run=run, is_final=False))
    uses = [
        use_of_attempt(run=run, attempt=int(usage.pk.rpartition(":")[2]), gpu_seconds=0, is_final=True)
        for usage in ongoing
    ]
    if uses:
        post(allocation=run.allocation, uses=uses, now=now)
        Usage.objects.filter(pk__in=[usage.pk for usage in ongoing]).update(is_final=True)


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


def hand_back(*, allocation: Allocation, key: str, gpu_seconds: int, note: str, now: datetime) -> None:
    """Return time to the pool; raises Conflict if the budget does not hold it."""
    _book(
        allocation,
        lambda lines: rules.hand_back(
            lines, key=key, allocation_id=allocation.pk, gpu_seconds=gpu_seconds, at=now, note=note
        ),
    )


def _book(allocation: Allocation, build: Build) -> Sequence[Transfer]:
    """Lock, read, let the rule decide, write what it says."""
    Allocation.objects.select_for_update().get(pk=allocation.pk)
    lines = build(read_transfers(allocation.pk))
    _write(lines)
    return lines


def _write(lines: Sequence[Transfer]) -> None:
    keys = {line.reservation for line in lines if line.reservation}
    reservations = {row.key: row for row in LedgerTransfer.objects.filter(key__in=keys)} if keys else {}
    LedgerTransfer.objects.bulk_create(
        [
            LedgerTransfer(
                key=line.key,
                allocation_id=line.allocation_id,
                number=line.number,
                kind=line.kind,
                debit=line.debit,
                credit=line.credit,
                gpu_seconds=line.gpu_seconds,
                reservation=reservations.get(line.reservation),
                run_id=line.run_id,
                subject=line.subject,
                at=line.at,
                note=line.note,
            )
            for line in lines
        ]
    )


def _read_lines_of(uses: Sequence[Use]) -> Mapping[str, Sequence[Transfer]]:
    """Read the lines of subjects and of their reservations: by the subject, or by the reservation's key."""
    wanted = [use.reservation for use in uses if use.reservation]
    made = list(LedgerTransfer.objects.filter(key__in=wanted)) if wanted else []
    subjects = [use.subject for use in uses]
    own = LedgerTransfer.objects.filter(Q(subject__in=subjects) | Q(reservation__in=[row.pk for row in made]))
    keys = {row.pk: row.key for row in made}
    groups: dict[str, list[Transfer]] = defaultdict(list)
    for row in (*made, *own.select_related("reservation").order_by("number")):
        if row.reservation:
            keys[row.reservation.pk] = row.reservation.key
        line = as_transfer(row, keys)
        groups[line.reservation or (line.key if row.kind == TransferKind.RESERVE else line.subject)].append(line)
    return groups


def _last_numbers(allocation_ids: Iterable[str]) -> Mapping[str, int]:
    rows = LedgerTransfer.objects.filter(allocation__in=list(allocation_ids)).order_by()
    return dict(rows.values_list("allocation").annotate(last=Max("number")))


def _settled(lines: Sequence[Transfer]) -> Settled:
    return Settled(
        posted=sum(line.gpu_seconds for line in lines if line.kind is TransferKind.POST),
        returned=sum(line.gpu_seconds for line in lines if line.kind is TransferKind.VOID),
        overdraft=sum(line.gpu_seconds for line in lines if rules.is_overdraft(line)),
    )


def _reservation_key(run_id: str, attempt: int) -> str:
    return f"reserve:{run_id}:{attempt}"
