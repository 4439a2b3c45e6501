"""Working days, months, and what a mode promises."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.funding.calendar import add_months, add_working_days, judge_promise, working_days_between
from kifabrik.funding.reference import access_modes, holidays

HOLIDAYS = {holiday.day for holiday in holidays()}
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2026, 11, 24), date(2026, 11, 24), 0),
        (date(2026, 11, 24), date(2026, 11, 25), 1),
        (date(2026, 11, 27), date(2026, 11, 30), 1),  # Friday to Monday
        (date(2026, 12, 24), date(2026, 12, 28), 1),  # over Christmas Day and a weekend
        (date(2026, 11, 25), date(2026, 11, 24), 0),
    ],
)
def test_working_days_leave_out_weekends_and_holidays(start, end, expected) -> None:
    assert working_days_between(start, end, holidays=HOLIDAYS) == expected


@given(start=days, count=st.integers(0, 60))
def test_adding_and_counting_agree(start, count) -> None:
    end = add_working_days(start, count, holidays=HOLIDAYS)

    assert working_days_between(start, end, holidays=HOLIDAYS) == count


@given(start=days, middle=days, end=days)
def test_counting_in_two_parts_is_counting_once(start, middle, end) -> None:
    first, second, third = sorted((start, middle, end))

    parts = working_days_between(first, second, holidays=HOLIDAYS) + working_days_between(
        second, third, holidays=HOLIDAYS
    )
    assert parts == working_days_between(first, third, holidays=HOLIDAYS)


def test_months_end_where_the_month_ends() -> None:
    assert add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert add_months(date(2026, 12, 1), 1) == date(2027, 1, 1)
    assert add_months(date(2026, 3, 31), -1) == date(2026, 2, 28)


def test_a_promise_is_kept_until_its_last_day() -> None:
    mode, submitted = access_modes()["playground"], date(2026, 11, 27)

    kept = judge_promise(mode, submitted_on=submitted, today=date(2026, 12, 1), holidays=HOLIDAYS)
    late = judge_promise(mode, submitted_on=submitted, today=date(2026, 12, 2), holidays=HOLIDAYS)

    assert (kept.elapsed_days, kept.due_on, kept.days_left, kept.is_late) == (2, date(2026, 12, 1), 0, False)
    assert (late.elapsed_days, late.days_left, late.is_late) == (3, -1, True)


def test_modes_with_cutoffs_count_from_the_next_one() -> None:
    mode = access_modes()["large-scale"]

    promise = judge_promise(mode, submitted_on=date(2026, 11, 20), today=date(2026, 12, 1), holidays=HOLIDAYS)
    beyond = judge_promise(mode, submitted_on=date(2027, 3, 1), today=date(2027, 3, 2), holidays=HOLIDAYS)

    assert (promise.counts_from, promise.elapsed_days) == (date(2026, 11, 30), 1)
    assert beyond.counts_from == date(2027, 3, 1)
    assert promise.due_on == add_working_days(date(2026, 11, 30), 10, holidays=HOLIDAYS)
    assert promise.due_on > promise.counts_from + timedelta(days=10)
