"""How long a budget lasts at the rate of the last days, and what will be left when its period ends. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Forecast:
    """What follows from the rate: GPU seconds a day, the day the budget ends on, and what will be unused at the end.

    `lasts_until` is None when nothing is used now, nothing is left, or the period ends first. `needed_per_day` is the
    rate that would use everything up exactly.
    """

    per_day: float
    lasts_until: date | None
    unused_at_end: int
    needed_per_day: float


def foretell(*, available: int, used_recently: int, days: float, days_left: int, today: date) -> Forecast:
    """Foretell from what was used in the last `days`, less than one counted as one; `days_left` counts today."""
    per_day = used_recently / max(days, 1.0)
    left = max(0, available)
    unused = max(0, round(left - per_day * days_left))
    lasts_until = None
    if per_day > 0 and left > 0 and left / per_day < days_left:
        lasts_until = today + timedelta(days=int(left / per_day))
    return Forecast(per_day, lasts_until, unused, left / days_left if days_left else 0.0)
