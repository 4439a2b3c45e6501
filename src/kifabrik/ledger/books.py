"""The rules of the books: which transfers may follow which, and what they add up to. Pure; knows no database.

Each allocation has four accounts beside the common pool. Time is granted from the pool into the budget, reserved for an
attempt of a run, then posted as consumed; what a reservation did not need is voided back, what the budget still holds
at the end expires. A builder is given the allocation's lines so far and returns the lines to add: none if its key is
booked already, so that booking twice is booking once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.ledger.invariants import check_invariants
from kifabrik.ledger.transfers import (
    OVERDRAFT,
    Transfer,
    TransferKind,
    budget,
    consumed,
    expired,
    is_overdraft,
    pool,
    reserved,
)

__all__ = [
    "OVERDRAFT",
    "Balance",
    "Transfer",
    "TransferKind",
    "account_balances",
    "balance",
    "budget",
    "check_invariants",
    "consumed",
    "expire",
    "expired",
    "grant",
    "is_overdraft",
    "open_reservations",
    "pool",
    "post",
    "reserve",
    "reserved",
    "void",
]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a set of lines adds up to, in GPU seconds."""

    granted: int = 0
    reserved: int = 0
    consumed: int = 0
    expired: int = 0

    @property
    def available(self) -> int:
        """What can still be reserved; below zero after an overdraft."""
        return self.granted - self.reserved - self.consumed - self.expired


def account_balances(transfers: Iterable[Transfer]) -> Mapping[str, int]:
    """Add up what every account holds: credits less debits."""
    accounts: dict[str, int] = defaultdict(int)
    for transfer in transfers:
        accounts[transfer.debit] -= transfer.gpu_seconds
        accounts[transfer.credit] += transfer.gpu_seconds
    return dict(accounts)


def balance(transfers: Iterable[Transfer]) -> Balance:
    """Add up the lines of one allocation, or of several together."""
    lines = list(transfers)
    sums: dict[str, int] = defaultdict(int)
    for account, amount in account_balances(lines).items():
        sums[account.partition(":")[0]] += amount
    granted = sum(line.gpu_seconds for line in lines if line.kind is TransferKind.GRANT)
    return Balance(granted, sums["reserved"], sums["consumed"], sums["expired"])


def open_reservations(transfers: Iterable[Transfer]) -> Mapping[str, int]:
    """Say what is left of each reservation by its key; settled ones are left out."""
    left: dict[str, int] = {}
    for line in transfers:
        if line.kind is TransferKind.RESERVE:
            left[line.key] = line.gpu_seconds
        elif line.reservation in left and line.debit.startswith("reserved:"):
            left[line.reservation] -= line.gpu_seconds
    settled = {line.reservation for line in transfers if line.kind in (TransferKind.POST, TransferKind.VOID)}
    return {key: amount for key, amount in left.items() if key not in settled}


def grant(
    transfers: Sequence[Transfer], *, key: str, allocation_id: str, gpu_seconds: int, at: datetime, note: str = ""
) -> tuple[Transfer, ...]:
    """Give an allocation time from the pool; raises InvalidInput for an amount that is not positive."""
    _require_positive(gpu_seconds)
    line = Transfer(
        key=key,
        allocation_id=allocation_id,
        number=len(transfers) + 1,
        kind=TransferKind.GRANT,
        debit=pool(),
        credit=budget(allocation_id),
        gpu_seconds=gpu_seconds,
        at=at,
        note=note,
    )
    return _once(transfers, line)


def reserve(
    transfers: Sequence[Transfer],
    *,
    key: str,
    allocation_id: str,
    gpu_seconds: int,
    at: datetime,
    run_id: str = "",
    note: str = "",
) -> tuple[Transfer, ...]:
    """Set time aside for one attempt; raises Conflict if the budget does not hold that much."""
    _require_positive(gpu_seconds)
    line = Transfer(
        key=key,
        allocation_id=allocation_id,
        number=len(transfers) + 1,
        kind=TransferKind.RESERVE,
        debit=budget(allocation_id),
        credit=reserved(allocation_id),
        gpu_seconds=gpu_seconds,
        at=at,
        run_id=run_id,
        note=note,
    )
    new = _once(transfers, line)
    left = balance(transfers).available
    if new and gpu_seconds > left:
        raise Conflict(
            f"the budget has {max(0, left)} s left and {gpu_seconds} s are needed.",
            where=allocation_id,
            remedy="Make the run smaller, or wait until running work gives back what it does not need.",
            code="budget-too-small",
        )
    return new


def post(
    transfers: Sequence[Transfer],
    *,
    key: str,
    allocation_id: str,
    gpu_seconds: int,
    at: datetime,
    reservation: str = "",
    run_id: str = "",
    note: str = "",
) -> tuple[Transfer, ...]:
    """Book what an attempt really used: from its reservation, the rest of which is voided back.

    Usage beyond the reservation, or without one, is booked all the same, as a stated overdraft from the budget. Raises
    Conflict if the reservation is posted already under another key, or if no such reservation exists.
    """
    if gpu_seconds < 0:
        raise InvalidInput("used time cannot be negative.", where="gpu_seconds")
    known = [line for line in transfers if line.key == key]
    if known:
        _require_same_post(transfers, key=key, gpu_seconds=gpu_seconds, reservation=reservation)
        return ()
    left = _left_of(transfers, reservation) if reservation else 0
    covered = min(gpu_seconds, left)
    parts: list[tuple[TransferKind, str, str, int, str]] = []
    if covered or not gpu_seconds:
        parts.append((TransferKind.POST, reserved(allocation_id), consumed(allocation_id), covered, note))
    if gpu_seconds > covered:
        said = f"{OVERDRAFT}: {note}" if note else OVERDRAFT
        parts.append((TransferKind.POST, budget(allocation_id), consumed(allocation_id), gpu_seconds - covered, said))
    if left > covered:
        parts.append((TransferKind.VOID, reserved(allocation_id), budget(allocation_id), left - covered, note))
    return tuple(
        Transfer(
            key=key if index == 0 else f"{key}:{OVERDRAFT if kind is TransferKind.POST else 'rest'}",
            allocation_id=allocation_id,
            number=len(transfers) + 1 + index,
            kind=kind,
            debit=debit,
            credit=credit,
            gpu_seconds=amount,
            at=at,
            reservation=reservation,
            run_id=run_id,
            note=words,
        )
        for index, (kind, debit, credit, amount, words) in enumerate(parts)
    )


def void(
    transfers: Sequence[Transfer],
    *,
    key: str,
    allocation_id: str,
    reservation: str,
    at: datetime,
    run_id: str = "",
    note: str = "",
) -> tuple[Transfer, ...]:
    """Give a whole reservation back, because its attempt used nothing.

    Raises Conflict if the reservation is settled already under another key, or if there is none.
    """
    known = next((line for line in transfers if line.key == key), None)
    if known is not None:
        if known.kind is not TransferKind.VOID or known.reservation != reservation:
            raise _key_conflict(key)
        return ()
    left = _left_of(transfers, reservation)
    if not left:
        raise Conflict("this reservation was given back already.", where=reservation)
    return (
        Transfer(
            key=key,
            allocation_id=allocation_id,
            number=len(transfers) + 1,
            kind=TransferKind.VOID,
            debit=reserved(allocation_id),
            credit=budget(allocation_id),
            gpu_seconds=left,
            at=at,
            reservation=reservation,
            run_id=run_id,
            note=note,
        ),
    )


def expire(
    transfers: Sequence[Transfer], *, key: str, allocation_id: str, at: datetime, note: str = ""
) -> tuple[Transfer, ...]:
    """Take what the budget still holds at the end of the period; nothing to take gives no line.

    Open reservations stay; call it again under another key when they are settled.
    """
    known = next((line for line in transfers if line.key == key), None)
    if known is not None:
        if known.kind is not TransferKind.EXPIRE:
            raise _key_conflict(key)
        return ()
    left = balance(transfers).available
    if left <= 0:
        return ()
    return (
        Transfer(
            key=key,
            allocation_id=allocation_id,
            number=len(transfers) + 1,
            kind=TransferKind.EXPIRE,
            debit=budget(allocation_id),
            credit=expired(allocation_id),
            gpu_seconds=left,
            at=at,
            note=note,
        ),
    )


def _require_positive(gpu_seconds: int) -> None:
    if gpu_seconds <= 0:
        raise InvalidInput("the amount must be at least one GPU second.", where="gpu_seconds")


def _once(transfers: Sequence[Transfer], line: Transfer) -> tuple[Transfer, ...]:
    known = next((old for old in transfers if old.key == line.key), None)
    if known is None:
        return (line,)
    if (known.kind, known.gpu_seconds, known.debit) != (line.kind, line.gpu_seconds, line.debit):
        raise _key_conflict(line.key)
    return ()


def _require_same_post(transfers: Sequence[Transfer], *, key: str, gpu_seconds: int, reservation: str) -> None:
    lines = [line for line in transfers if line.key in (key, f"{key}:{OVERDRAFT}")]
    posted = sum(line.gpu_seconds for line in lines if line.kind is TransferKind.POST)
    if lines[0].kind is not TransferKind.POST or posted != gpu_seconds or lines[0].reservation != reservation:
        raise _key_conflict(key)


def _left_of(transfers: Sequence[Transfer], reservation: str) -> int:
    """What a reservation still holds; 0 after it was voided. Raises Conflict for none and for a posted one."""
    lines = [line for line in transfers if line.reservation == reservation or line.key == reservation]
    made = next((line for line in lines if line.key == reservation and line.kind is TransferKind.RESERVE), None)
    if made is None:
        raise Conflict("there is no such reservation.", where=reservation)
    if any(line.kind is TransferKind.POST for line in lines):
        raise Conflict("the use of this reservation is booked already.", where=reservation)
    return made.gpu_seconds - sum(line.gpu_seconds for line in lines if line.kind is TransferKind.VOID)


def _key_conflict(key: str) -> Conflict:
    return Conflict("another transfer is booked under this key.", where=key, code="key-taken")
