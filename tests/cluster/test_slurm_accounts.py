"""Plans for accounts: pure, complete, at rest when nothing differs; limits that never give more than is left."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.cluster.slurm.accounts import Change, DesiredAccount, ObservedAccount, Verb, limit_minutes, plan
from kifabrik.core.errors import InvalidInput

OPEN = DesiredAccount(
    name="kf-one", state="open", budget_gpu_seconds=6000, accounted_gpu_seconds=60, members=frozenset({"ada"})
)
AT_REST = ObservedAccount(limit_minutes=100, counter_minutes=1, members=frozenset({"ada", "service"}))
PARENT = {"kifabrik": ObservedAccount(limit_minutes=None)}


def steps(desired: DesiredAccount, seen: ObservedAccount | None) -> list[str]:
    observed = PARENT | ({desired.name: seen} if seen else {})
    return [str(change) for change in plan([desired], observed, parent="kifabrik", agent_user="service")]


seconds = st.integers(0, 10**10)


@given(budget=seconds, accounted=seconds, counter=st.integers(0, 10**8))
def test_limit_never_gives_more_than_is_left_nor_a_minute_less(budget: int, accounted: int, counter: int) -> None:
    limit = limit_minutes(budget_gpu_seconds=budget, accounted_gpu_seconds=accounted, counter_minutes=counter)
    can_be_had_seconds = 60 * (limit - counter)  # Slurm compares whole minutes: the counter's and those of a job

    left_seconds = max(0, budget - accounted)
    assert left_seconds - 60 < can_be_had_seconds <= left_seconds


@given(budget=seconds, before=seconds, used=st.integers(0, 10**6), counter=st.integers(0, 10**6))
def test_what_runs_between_the_two_readings_makes_the_limit_smaller(
    budget: int, before: int, used: int, counter: int
) -> None:
    read_later = limit_minutes(budget_gpu_seconds=budget, accounted_gpu_seconds=before + used, counter_minutes=counter)

    assert read_later <= limit_minutes(budget_gpu_seconds=budget, accounted_gpu_seconds=before, counter_minutes=counter)


def test_account_at_rest_needs_nothing() -> None:
    assert steps(OPEN, AT_REST) == []


def test_new_account_is_paused_until_it_has_its_limit() -> None:
    assert steps(OPEN, None) == [
        "add account kf-one",
        "add member kf-one ada",
        "add member kf-one service",
        "limit kf-one 99",
        "resume kf-one",
    ]


def test_account_without_a_sum_stays_paused() -> None:
    assert "resume kf-one" not in steps(replace(OPEN, accounted_gpu_seconds=None), None)
    unlimited = replace(AT_REST, limit_minutes=None)
    assert steps(replace(OPEN, accounted_gpu_seconds=None), unlimited) == ["pause kf-one"]


def test_counter_that_fell_back_lowers_the_limit() -> None:
    assert steps(OPEN, replace(AT_REST, counter_minutes=0)) == ["limit kf-one 99"]


def test_minute_of_rounding_in_a_busy_account_changes_nothing() -> None:
    busy = replace(OPEN, is_busy=True)

    assert steps(busy, replace(AT_REST, limit_minutes=99)) == []
    assert steps(busy, replace(AT_REST, limit_minutes=98)) == ["limit kf-one 100"]
    assert steps(busy, replace(AT_REST, limit_minutes=101)) == ["limit kf-one 100"]
    assert steps(OPEN, replace(AT_REST, limit_minutes=99)) == ["limit kf-one 100"]


@pytest.mark.parametrize(
    ("state", "seen", "expected"),
    [
        ("paused", AT_REST, ["pause kf-one"]),
        ("paused", replace(AT_REST, is_paused=True), []),
        ("open", replace(AT_REST, is_paused=True), ["resume kf-one"]),
        ("closed", AT_REST, ["pause kf-one", "remove member kf-one ada"]),
        ("closed", replace(AT_REST, is_paused=True, members=frozenset({"service"})), []),
    ],
)
def test_state_decides_who_may_start(state: str, seen: ObservedAccount, expected: list[str]) -> None:
    assert steps(replace(OPEN, state=state), seen) == expected  # type: ignore[arg-type]


def test_stranger_in_an_account_is_removed_and_the_agent_never() -> None:
    seen = replace(AT_REST, members=frozenset({"mallory"}))

    assert steps(OPEN, seen) == ["add member kf-one ada", "add member kf-one service", "remove member kf-one mallory"]


def test_parent_comes_first_and_accounts_of_others_are_let_be() -> None:
    observed = {"kf-other": AT_REST}

    changes = plan([OPEN], observed, parent="kifabrik", agent_user="service")

    assert changes[0] == Change(Verb.ADD, "kifabrik")
    assert all(change.account != "kf-other" for change in changes)


@pytest.mark.parametrize("name", ["", "a,b", "KF", "kf one", "-x", "root=1", "a" * 41, "kf-ö", "a;b", "a\nb"])
def test_account_name_that_could_mean_something_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        steps(replace(OPEN, name=name), None)


@pytest.mark.parametrize("name", ["", "a,b", "Ada", "a b", "-x", "root=1", "a" * 40, "ä", "a;b", "a\nb", "../x"])
def test_user_name_that_could_mean_something_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        steps(replace(OPEN, members=frozenset({name})), None)
