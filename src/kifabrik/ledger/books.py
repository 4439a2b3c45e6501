"""The rules of the books: which transfers may follow which, and what they add up to. Pure; knows no database.

Each allocation has four accounts beside the common pool. Time is granted from the pool into the budget, reserved for an
attempt of a run, then posted as consumed (`posting.py`); what a reservation did not need is voided back, what its
owners do not need they hand back to the pool, what the budget still holds at the end expires. A builder is given the
allocation's lines so far and returns the lines to add: none if its key is booked already, so that booking twice is
booking once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.ledger.invariants import check_invariants
from kifabrik.ledger.posting import is_posted, left_of, post
from kifabrik.ledger.transfers import (
    OVERDRAFT,
    Transfer,
    TransferKind,
    budget,
    consumed,
    expired,
    is_overdraft,
    is_unreserved,
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
    "hand_back",
    "is_overdraft",
    "is_unreserved",
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
    returned: int = 0

    @property
    def usable(self) -> int:
        """What was granted and neither expired nor was handed back: the budget as the site enforces it."""
        return self.granted - self.expired - self.returned

    @property
    def available(self) -> int:
        """What can still be reserved; below zero after an overdraft."""
        return self.usable - self.reserved - self.consumed


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
    returned = sum(line.gpu_seconds for line in lines if line.kind is TransferKind.RETURN)
    return Balance(granted, sums["reserved"], sums["consumed"], sums["expired"], returned)


def open_reservations(transfers: Iterable[Transfer]) -> Mapping[str, int]:
    """Say what is left of each reservation by its key; those that hold nothing any more are left out."""
    left: dict[str, int] = {}
    for line in transfers:
        if line.kind is TransferKind.RESERVE:
            left[line.key] = line.gpu_seconds
        elif line.reservation in left and line.debit.startswith("reserved:"):
            left[line.reservation] -= line.gpu_seconds
    return {key: amount for key, amount in left.items() if amount > 0}


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
    left = left_of(transfers, reservation)
    if is_posted(transfers, reservation):
        raise Conflict("the use of this reservation is booked already.", where=reservation)
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


def hand_back(
    transfers: Sequence[Transfer], *, key: str, allocation_id: str, gpu_seconds: int, at: datetime, note: str = ""
) -> tuple[Transfer, ...]:
    """Return time that nobody will need to the pool; raises Conflict if the budget does not hold that much."""
    _require_positive(gpu_seconds)
    line = Transfer(
        key=key,
        allocation_id=allocation_id,
        number=len(transfers) + 1,
        kind=TransferKind.RETURN,
        debit=budget(allocation_id),
        credit=pool(),
        gpu_seconds=gpu_seconds,
        at=at,
        note=note,
    )
    new = _once(transfers, line)
    left = balance(transfers).available
    if new and gpu_seconds > left:
        raise Conflict(
            f"the budget has {max(0, left)} s left and {gpu_seconds} s cannot be handed back.",
            where=allocation_id,
            remedy="Hand back less: what is reserved or used belongs to its runs.",
            code="budget-too-small",
        )
    return new


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


def _key_conflict(key: str) -> Conflict:
    return Conflict("another transfer is booked under this key.", where=key, code="key-taken")
