"""How used time is booked: as it grows, against its reservation, and settled at the end. Pure; knows no database.

What is posted belongs to a subject: an attempt of a run, or a job that no run started. A report says how much the
subject used in all; only what is more than the books hold already is posted. So a report may come twice, late or out
of order, and a post never shrinks.
"""

from collections.abc import Sequence
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

Part = tuple[TransferKind, str, str, int, str, str]  # kind, debit, credit, amount, ending of the key, note


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
    covered = min(growth, left)
    said = f"{OVERDRAFT}: {note}" if note and reservation else OVERDRAFT if reservation else note
    parts: list[Part] = []
    if covered or (is_final and not growth and not own):
        parts.append((TransferKind.POST, reserved(allocation_id), consumed(allocation_id), covered, "", note))
    if growth > covered:
        excess = growth - covered
        parts.append((TransferKind.POST, budget(allocation_id), consumed(allocation_id), excess, f":{OVERDRAFT}", said))
    if is_final and left > covered:
        rest = left - covered
        parts.append((TransferKind.VOID, reserved(allocation_id), budget(allocation_id), rest, ":rest", note))
    before = len(transfers) if last_number is None else last_number
    return tuple(
        Transfer(
            key=f"post:{subject}@{gpu_seconds}{ending}",
            allocation_id=allocation_id,
            number=before + number,
            kind=kind,
            debit=debit,
            credit=credit,
            gpu_seconds=amount,
            at=at,
            reservation=reservation,
            run_id=run_id,
            subject=subject,
            note=words,
        )
        for number, (kind, debit, credit, amount, ending, words) in enumerate(_usable(parts, reservation), start=1)
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


def _usable(parts: list[Part], reservation: str) -> list[Part]:
    """Nothing was used and nothing was set aside: there is nothing to say."""
    return parts if reservation else [part for part in parts if part[3]]
