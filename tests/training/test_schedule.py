import pytest

from kifabrik.records.recipe import Budget
from kifabrik.training import schedule

STEPS, TIME = Budget(steps=100), Budget.model_validate({"time": "50 s"})


def test_a_time_box_counts_the_time_of_all_attempts() -> None:
    assert not schedule.is_done(TIME, step=3, elapsed_seconds=49.9)
    assert schedule.is_done(TIME, step=3, elapsed_seconds=50)
    assert not schedule.is_done(TIME, step=0, elapsed_seconds=60)
    assert schedule.seconds_left(TIME, step=3, elapsed_seconds=20) == 30


def test_a_step_box_counts_steps_and_forecasts_from_its_pace() -> None:
    assert schedule.share_done(STEPS, step=25, elapsed_seconds=1e9) == 0.25
    assert schedule.is_done(STEPS, step=100, elapsed_seconds=0)
    assert schedule.seconds_left(STEPS, step=25, elapsed_seconds=10) == 30
    assert schedule.seconds_left(STEPS, step=0, elapsed_seconds=0) is None


def test_the_learning_rate_warms_up_holds_and_cools_to_two_per_cent() -> None:
    factors = [schedule.learning_rate_factor(share) for share in (0, 0.015, 0.03, 0.2, 0.4, 0.7, 1.0)]

    assert factors == pytest.approx([0.05, 0.5, 1.0, 1.0, 1.0, 0.51, 0.02])
