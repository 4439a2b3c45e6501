"""One line of the books, its kinds and the names of the accounts. The rules about them stand in `books.py`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

OVERDRAFT = "overdraft"


class TransferKind(StrEnum):
    """Reserve and settle, as in two-phase transfers: what is reserved is posted or voided, what is left expires.

    What its owners know they will not need they return to the pool before it expires.
    """

    GRANT = "grant"
    RESERVE = "reserve"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One immutable line: `gpu_seconds` leave the account `debit` and enter the account `credit`.

    `key` names what is booked, so that it is booked once; `reservation` is the key of the reserve line that a post or
    void settles; `subject` names what used the time of a post: an attempt, or a job that no run started; `number`
    counts the lines of one allocation from 1.
    """

    key: str
    allocation_id: str
    number: int
    kind: TransferKind
    debit: str
    credit: str
    gpu_seconds: int
    at: datetime
    reservation: str = ""
    run_id: str = ""
    note: str = ""
    subject: str = ""


def pool() -> str:
    """Name the account from which all time is granted."""
    return "pool"


def budget(allocation_id: str) -> str:
    """Name the account that holds what an allocation can still reserve."""
    return f"budget:{allocation_id}"


def reserved(allocation_id: str) -> str:
    """Name the account that holds what running attempts were promised."""
    return f"reserved:{allocation_id}"


def consumed(allocation_id: str) -> str:
    """Name the account of time that was really used."""
    return f"consumed:{allocation_id}"


def expired(allocation_id: str) -> str:
    """Name the account of time that nobody used in the period."""
    return f"expired:{allocation_id}"


def is_unreserved(transfer: Transfer) -> bool:
    """Say whether a line books usage straight from the budget, which may fall below zero by it."""
    return transfer.kind is TransferKind.POST and transfer.debit.startswith("budget:")


def is_overdraft(transfer: Transfer) -> bool:
    """Say whether a line books what an attempt used beyond its reservation."""
    return is_unreserved(transfer) and transfer.reservation != ""
