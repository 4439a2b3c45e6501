"""How used time is booked: as it grows, against its reservation, and settled at the end. Pure; knows no database.

What is posted belongs to a subject: an attempt of a run, or a job that no run started. A report says how much the
subject used in all; only what is more than the books hold already is posted. So a report may come twice, late or out
of order, and a post never shrinks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.ledger.transfers import (
    OVERDRAFT,
    Transfer,
    TransferKind,
    budget,
    consumed,
    reserved,
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One line of a booking before it has its number; `ending` is added to its key."""

    kind: TransferKind
    debit: str
    credit: str
    gpu_seconds: int
    ending: str = ""


def post(
    transfers: Sequence[Transfer],
    *,
    subject: str,
    allocation_id: str,
    gpu_seconds: int,
    at: datetime,
    reservation: str = "",
    run_id: str = "",
    note: str = "",
    is_final: bool = True,
    last_number: int | None = None,
) -> tuple[Transfer, ...]:
    """Book that a subject used `gpu_seconds` in all; a final report voids back what its reservation still holds.

    Usage beyond the reservation, or without one, is booked all the same, from the budget. `transfers` may be only the
    lines of the subject and of its reservation, if `last_number` names the last line of the books. Raises Conflict if
    the reservation belongs to another subject, or if no such reservation exists.
    """
    if gpu_seconds < 0:
        raise InvalidInput("used time cannot be negative.", where="gpu_seconds")
    own = [line for line in transfers if line.subject == subject and line.kind is TransferKind.POST]
    left = _left_for(transfers, reservation, subject) if reservation else 0
    growth = max(0, gpu_seconds - sum(line.gpu_seconds for line in own))
    parts = _parts(allocation_id, growth=growth, left=left, is_final=is_final)
    if reservation and is_final and not growth and not own:
        parts.insert(0, _nothing(allocation_id))
    before = len(transfers) if last_number is None else last_number
    return tuple(
        Transfer(
            key=f"post:{subject}@{gpu_seconds}{part.ending}",
            allocation_id=allocation_id,
            number=before + number,
            kind=part.kind,
            debit=part.debit,
            credit=part.credit,
            gpu_seconds=part.gpu_seconds,
            at=at,
            reservation=reservation,
            run_id=run_id,
            subject=subject,
            note=_note(part, note, reservation),
        )
        for number, part in enumerate(parts, start=1)
    )


def left_of(transfers: Sequence[Transfer], reservation: str) -> int:
    """Say what a reservation still holds; raises Conflict if there is none."""
    made = next((line for line in transfers if line.key == reservation and line.kind is TransferKind.RESERVE), None)
    if made is None:
        raise Conflict("there is no such reservation.", where=reservation)
    taken = (line for line in transfers if line.reservation == reservation and line.debit == made.credit)
    return made.gpu_seconds - sum(line.gpu_seconds for line in taken)


def is_posted(transfers: Sequence[Transfer], reservation: str) -> bool:
    """Say whether any use of a reservation is booked."""
    return any(line.kind is TransferKind.POST and line.reservation == reservation for line in transfers)


def _left_for(transfers: Sequence[Transfer], reservation: str, subject: str) -> int:
    left = left_of(transfers, reservation)
    if any(line.kind is TransferKind.POST and line.subject != subject for line in _of(transfers, reservation)):
        raise Conflict("the use of this reservation is booked already.", where=reservation)
    return left


def _of(transfers: Sequence[Transfer], reservation: str) -> list[Transfer]:
    return [line for line in transfers if line.reservation == reservation]


def _parts(allocation_id: str, *, growth: int, left: int, is_final: bool) -> list[_Part]:
    """Split what is new into what the reservation covers, what it does not, and what comes back at the end."""
    covered, parts = min(growth, left), []
    if covered:
        parts.append(_Part(TransferKind.POST, reserved(allocation_id), consumed(allocation_id), covered))
    if growth > covered:
        excess = growth - covered
        parts.append(_Part(TransferKind.POST, budget(allocation_id), consumed(allocation_id), excess, f":{OVERDRAFT}"))
    if is_final and left > covered:
        rest = left - covered
        parts.append(_Part(TransferKind.VOID, reserved(allocation_id), budget(allocation_id), rest, ":rest"))
    return parts


def _nothing(allocation_id: str) -> _Part:
    """That an attempt used nothing is said too."""
    return _Part(TransferKind.POST, reserved(allocation_id), consumed(allocation_id), 0)


def _note(part: _Part, note: str, reservation: str) -> str:
    if not reservation or part.ending != f":{OVERDRAFT}":
        return note
    return f"{OVERDRAFT}: {note}" if note else OVERDRAFT
