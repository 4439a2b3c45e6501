"""Workflow states as data: an allowed-moves table and the one question asked of it. Knows no workflow."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from kifabrik.core.errors import Conflict

State = TypeVar("State", bound=StrEnum)


def require_move(moves: Mapping[State, frozenset[State]], *, now: State, to: State, what: str) -> None:
    """Raise Conflict with the allowed moves in words if `what` may not go from state `now` to `to`."""
    allowed = moves.get(now, frozenset())
    if to not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing: this is final"
        raise Conflict(f"{what} is {now} and cannot become {to}; from here it can become: {names}.")
