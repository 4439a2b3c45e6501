"""The home page: what needs a person now, what they own; for a visitor, what the factory offers.

Puts together what the chapters tell and knows no rule of theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kifabrik.portal.doors.needs import Need, sort_by_weight
from kifabrik.portal.people.models import User

CHAPTERS: tuple[Callable[..., list[Need]], ...] = ()


def needs_of(user: User, *, now: datetime) -> list[Need]:
    """Ask every chapter what needs this person, the heaviest first."""
    return sort_by_weight(need for ask in CHAPTERS for need in ask(user, now=now))
