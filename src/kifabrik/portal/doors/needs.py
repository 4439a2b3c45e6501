"""What needs a person now: the one shape in which every chapter tells the home page. Knows no table.

Each chapter offers `queries.<...>.needs(user, *, now) -> list[Need]`; `web/home.py` puts them together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to do: `title` says the deed, `text` why, `url` where; a higher `weight` (0 to 100) comes first."""

    title: str
    text: str
    url: str
    due_at: datetime | None = None
    weight: int = 50


def sort_by_weight(needs: Iterable[Need]) -> list[Need]:
    """Put the heaviest first; among equals the earliest due, then those without a date."""
    return sorted(needs, key=lambda need: (-need.weight, need.due_at is None, need.due_at and need.due_at.timestamp()))
