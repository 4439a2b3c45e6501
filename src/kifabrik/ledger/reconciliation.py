"""The books against a cluster's accounting, subject by subject, each difference with its reason. Pure.

A subject is an attempt of a run or a job that no run started, as in `posting.py`. Knows no database and no cluster.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

REPORTED_WITHIN = timedelta(hours=1)  # accounting delivers late after an outage; a job inside this time may still come


class Reason(StrEnum):
    """Why a subject differs, or what is worth knowing about it although it does not."""

    RUNNING = "running"
    NOT_YET_REPORTED = "not-yet-reported"
    NEVER_REPORTED = "never-reported"
    LOST_AND_RERUN = "lost-and-rerun"
    BY_HAND = "by-hand"
    FOREIGN = "foreign"
    RUNAWAY = "runaway"
    AFTER_EXPIRY = "after-expiry"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What books and accounting say about one subject, in seconds of the site's unit.

    `accounted` is None where accounting has no job of it. `jobs` counts the jobs of an attempt; `is_foreign` says that
    its cluster account belongs to no allocation, `is_by_hand` that no run started it. The allocation of a subject was
    closed at `closed_at`.
    """

    name: str
    booked: int
    accounted: int | None
    jobs: int = 1
    is_running: bool = False
    is_foreign: bool = False
    is_by_hand: bool = False
    is_runaway: bool = False
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    allocation_id: str = ""
    run_id: str = ""
    job_id: str = ""
    user: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the report; `seconds` is accounting less books, 0 where only the reason is worth knowing."""

    subject: Subject
    seconds: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Agreed:
    """Subjects whose books and accounting were seen to agree: how many, and their seconds in all."""

    subjects: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The report: totals of what concerns the books, and the lines that differ or are worth knowing."""

    subjects: int
    booked: int
    accounted: int
    lines: tuple[Difference, ...]

    @property
    def difference(self) -> int:
        """Accounting less books over all jobs of known allocations; the target is 0 s."""
        return self.accounted - self.booked


def compare(subjects: Iterable[Subject], *, accounted_until: datetime | None, agreed: Agreed = Agreed()) -> Comparison:
    """Compare each subject; jobs of foreign accounts are listed, but are no part of the totals.

    `accounted_until` is the moment up to which accounting was read; `agreed` are subjects that need no line.
    """
    count, booked, accounted = agreed.subjects, agreed.seconds, agreed.seconds
    lines = []
    for subject in subjects:
        count += 1
        if not subject.is_foreign:
            booked += subject.booked
            accounted += subject.accounted or 0
        seconds = (subject.accounted or 0) - subject.booked
        reason = _reason(subject, seconds, accounted_until)
        if reason is not None:
            lines.append(Difference(subject, seconds, reason))
    return Comparison(count, booked, accounted, tuple(lines))


def _reason(subject: Subject, seconds: int, accounted_until: datetime | None) -> Reason | None:
    if subject.is_foreign:
        return Reason.FOREIGN
    if subject.is_runaway:
        return Reason.RUNAWAY
    if subject.accounted is None and seconds:
        return _reason_unreported(subject, accounted_until)
    if subject.jobs > 1:
        return Reason.LOST_AND_RERUN
    if subject.closed_at is not None and subject.ended_at is not None and subject.ended_at > subject.closed_at:
        return Reason.AFTER_EXPIRY
    if subject.is_by_hand:
        return Reason.BY_HAND
    if not seconds:
        return None
    return Reason.RUNNING if subject.is_running else Reason.UNEXPLAINED


def _reason_unreported(subject: Subject, accounted_until: datetime | None) -> Reason:
    if subject.is_running:
        return Reason.RUNNING
    if accounted_until is None or subject.ended_at is None or subject.ended_at + REPORTED_WITHIN > accounted_until:
        return Reason.NOT_YET_REPORTED
    return Reason.NEVER_REPORTED
