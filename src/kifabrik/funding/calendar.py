"""Working days and months: how long a decision took, and how long it may take. Knows no time of day.

A working day is Monday to Friday without the holidays of the reference data (Regulation (EEC, Euratom) 1182/71 counts
so; the official calendar of the EU institutions is not known here).
"""

import calendar
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from kifabrik.funding.reference.rows import AccessMode

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Promise:
    """How a decision stands against what its mode promises, in working days; `due_on` is the last promised day."""

    elapsed_days: int
    promised_days: int | None
    counts_from: date
    due_on: date | None

    @property
    def is_late(self) -> bool:
        """Say whether more working days have passed than were promised."""
        return self.promised_days is not None and self.elapsed_days > self.promised_days

    @property
    def days_left(self) -> int | None:
        """How many promised working days are left; below zero when late."""
        return None if self.promised_days is None else self.promised_days - self.elapsed_days


def is_working_day(day: date, *, holidays: Collection[date]) -> bool:
    """Say whether a day is neither a weekend day nor a holiday."""
    return day.weekday() < _SATURDAY and day not in holidays


def working_days_between(start: date, end: date, *, holidays: Collection[date]) -> int:
    """Count the working days after `start` up to and including `end`; 0 if `end` is not later."""
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_working_day(day, holidays=holidays) for day in days)


def add_working_days(start: date, days: int, *, holidays: Collection[date]) -> date:
    """Find the day on which `days` working days after `start` have passed."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day, holidays=holidays)
    return day


def add_months(day: date, months: int) -> date:
    """Move a day by calendar months; the 31st becomes the last day of a shorter month."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))


def judge_promise(mode: AccessMode, *, submitted_on: date, today: date, holidays: Collection[date]) -> Promise:
    """Compare elapsed working time with the mode's promise; `today` is the day of the decision once there is one.

    Modes with cut-offs count from the next cut-off; without a known one they count from submission.
    """
    counts_from = submitted_on
    if mode.sla_from == "cutoff":
        counts_from = next((day for day in mode.cutoffs if day >= submitted_on), submitted_on)
    promised = mode.sla_working_days
    return Promise(
        elapsed_days=working_days_between(counts_from, today, holidays=holidays),
        promised_days=promised,
        counts_from=counts_from,
        due_on=None if promised is None else add_working_days(counts_from, promised, holidays=holidays),
    )
