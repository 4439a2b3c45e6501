"""The shapes in which the comparison of books and accounting answers programs."""

from datetime import date, datetime

from ninja import Schema

from kifabrik.ledger.reconciliation import Comparison, Difference
from kifabrik.portal.compute.models import Reconciliation
from kifabrik.portal.doors.paging import PAGE_SIZE_MAX


class DifferenceOut(Schema):
    """One attempt or job that differs or is worth knowing; `difference` is accounting less books."""

    subject: str
    allocation: str
    run: str
    job: str
    user: str
    state: str
    booked: int
    accounted: int | None
    difference: int
    reason: str

    @classmethod
    def of(cls, line: Difference) -> "DifferenceOut":
        subject = line.subject
        return cls(
            subject=subject.name,
            allocation=subject.allocation_id,
            run=subject.run_id,
            job=subject.job_id,
            user=subject.user,
            state=subject.state,
            booked=subject.booked,
            accounted=subject.accounted,
            difference=line.seconds,
            reason=line.reason,
        )


class ComparisonOut(Schema):
    """The comparison as it is now, its lines cut into pages; amounts in seconds of the site's unit."""

    accounted_until: datetime | None
    subjects: int
    booked: int
    accounted: int
    difference: int
    items: list[DifferenceOut]
    total: int
    page: int
    pages: int
    size: int

    @classmethod
    def of(cls, found: Comparison, *, accounted_until: datetime | None, page: int, size: int) -> "ComparisonOut":
        size = min(max(1, size), PAGE_SIZE_MAX)
        pages = max(1, -(-len(found.lines) // size))
        page = min(max(1, page), pages)
        return cls(
            accounted_until=accounted_until,
            subjects=found.subjects,
            booked=found.booked,
            accounted=found.accounted,
            difference=found.difference,
            items=[DifferenceOut.of(line) for line in found.lines[(page - 1) * size : page * size]],
            total=len(found.lines),
            page=page,
            pages=pages,
            size=size,
        )


class DailyReportOut(Schema):
    """What the comparison of one day said."""

    day: date
    made_at: datetime
    accounted_until: datetime | None
    subjects: int
    booked: int
    accounted: int
    difference: int

    @classmethod
    def of(cls, row: Reconciliation) -> "DailyReportOut":
        return cls(
            day=row.day,
            made_at=row.made_at,
            accounted_until=row.accounted_until,
            subjects=row.subjects,
            booked=row.booked_gpu_seconds,
            accounted=row.accounted_gpu_seconds,
            difference=row.difference,
        )
