"""Books against accounting: the difference is to the second, and every difference has its reason."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.ledger.reconciliation import Agreed, Reason, Subject, compare

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make(**changes):
    return Subject(**{"name": "run-1:1", "booked": 100, "accounted": 100, **changes})


def only_line(subject, *, until=AT):
    (line,) = compare([subject], accounted_until=until).lines
    return line


def test_what_agrees_needs_no_words() -> None:
    found = compare([make(), make(name="run-2:1", booked=7, accounted=7)], accounted_until=AT)

    assert (found.subjects, found.booked, found.accounted, found.difference) == (2, 107, 107, 0)
    assert found.lines == ()


@pytest.mark.parametrize(
    ("changes", "seconds", "reason"),
    [
        ({"accounted": 130, "is_running": True}, 30, Reason.RUNNING),
        ({"accounted": None, "is_running": True}, -100, Reason.RUNNING),
        ({"accounted": None, "ended_at": AT - HOUR / 2}, -100, Reason.NOT_YET_REPORTED),
        ({"accounted": None, "ended_at": None}, -100, Reason.NOT_YET_REPORTED),
        ({"accounted": None, "ended_at": AT - 2 * HOUR}, -100, Reason.NEVER_REPORTED),
        ({"accounted": 150, "jobs": 2}, 50, Reason.LOST_AND_RERUN),
        ({"accounted": 0, "is_runaway": True}, -100, Reason.RUNAWAY),
        ({"accounted": 120, "ended_at": AT, "closed_at": AT - HOUR}, 20, Reason.AFTER_EXPIRY),
        ({"accounted": 120}, 20, Reason.UNEXPLAINED),
        ({"accounted": 100, "is_by_hand": True}, 0, Reason.BY_HAND),
        ({"accounted": 100, "jobs": 2}, 0, Reason.LOST_AND_RERUN),
    ],
)
def test_a_difference_has_its_reason(changes, seconds, reason) -> None:
    line = only_line(make(**changes))

    assert (line.seconds, line.reason) == (seconds, reason)


def test_what_was_seen_to_agree_counts_without_a_line() -> None:
    found = compare([make(accounted=101)], accounted_until=AT, agreed=Agreed(subjects=3, seconds=50))

    assert (found.subjects, found.booked, found.accounted, len(found.lines)) == (4, 150, 151, 1)


def test_a_site_without_accounting_has_reported_nothing_yet() -> None:
    assert only_line(make(accounted=None, ended_at=AT - 9 * HOUR), until=None).reason is Reason.NOT_YET_REPORTED


def test_jobs_of_foreign_accounts_are_listed_and_not_counted() -> None:
    found = compare([make(), make(name="job-9", booked=0, accounted=5000, is_foreign=True)], accounted_until=AT)

    assert found.difference == 0
    assert [(line.seconds, line.reason) for line in found.lines] == [(5000, Reason.FOREIGN)]


@given(st.lists(st.tuples(st.integers(0, 500), st.none() | st.integers(0, 500)), max_size=20))
def test_the_lines_explain_the_whole_difference(pairs) -> None:
    subjects = [make(name=str(number), booked=booked, accounted=said) for number, (booked, said) in enumerate(pairs)]

    found = compare(subjects, accounted_until=AT)

    assert sum(line.seconds for line in found.lines) == found.difference
