"""The loop with a clock that the test moves: one weight, one second a step."""

from pathlib import Path

import pytest
import torch

from kifabrik.core.errors import InvalidInput
from kifabrik.records.recipe import Budget
from kifabrik.training import loop
from kifabrik.training.checkpoint import Checkpoints, Position
from kifabrik.training.optimisers import for_adapters
from kifabrik.training.stopping import Stopped
from kifabrik.training.telemetry import Measured, Progress, Saved, Telemetry

BOX = Budget.model_validate({"time": "100 s"})


class Bench:
    """A clock, a weight, and what the loop told; every step takes `pace` seconds."""

    def __init__(self, folder: Path, *, pace: float = 1.0) -> None:
        self.seconds, self.pace = 1000.0, pace
        self.weight = torch.nn.Parameter(torch.ones(2))
        self.told: list[Telemetry] = []
        self.folder = folder

    def run(self, budget: Budget, *, stop_at: int = -1, **phase: float | None) -> Position:
        def loss_of_step(step: int):
            self.seconds += self.pace
            return self.weight.square().sum(), 10

        work = loop.Work(
            loss_of_step=loss_of_step,
            weights={"weight": self.weight},
            optimisers=for_adapters([self.weight], learning_rate=0.5),
            measure=dict,
            sample=str,
        )
        return loop.run(
            loop.Phase(name="bench", budget=budget, **{"checkpoint_seconds": 30, "tell_seconds": 0, **phase}),
            work,
            checkpoints=Checkpoints(self.folder, belongs_to="bench"),
            report=self.told.append,
            should_stop=lambda: sum(isinstance(each, Measured) for each in self.told) == stop_at,
            clock=lambda: self.seconds,
        )

    def rates(self) -> list[float]:
        return [each.values["learning_rate"] for each in self.told if isinstance(each, Measured)]


def test_a_time_box_ends_on_time_and_cooled_at_any_pace(tmp_path: Path) -> None:
    fast, slow = Bench(tmp_path / "fast", pace=1), Bench(tmp_path / "slow", pace=20)

    ended = fast.run(BOX), slow.run(BOX)

    assert [(position.step, position.elapsed_seconds) for position in ended] == [(100, 100), (5, 100)]
    assert fast.rates()[-1] < 0.03 * 0.5
    assert slow.rates()[-1] < 0.3 * 0.5


def test_a_time_box_goes_on_with_the_time_it_has_left(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    with pytest.raises(Stopped):
        first.run(BOX, stop_at=40)

    second = Bench(tmp_path)
    ended = second.run(BOX)

    assert (ended.step, ended.elapsed_seconds, ended.tokens) == (100, 100, 1000)
    assert len(second.rates()) == 60


def test_checkpoints_come_by_time_or_by_steps(tmp_path: Path) -> None:
    by_time, by_steps = Bench(tmp_path / "time"), Bench(tmp_path / "steps")

    by_time.run(BOX)
    by_steps.run(BOX, checkpoint_steps=45)

    assert [each.step for each in by_time.told if isinstance(each, Saved)] == [30, 60, 90, 100]
    assert [each.step for each in by_steps.told if isinstance(each, Saved)] == [45, 90, 100]


def test_the_time_left_is_the_rest_of_the_box_or_a_forecast_by_pace(tmp_path: Path) -> None:
    boxed, stepped = Bench(tmp_path / "time"), Bench(tmp_path / "steps", pace=3)

    boxed.run(BOX)
    stepped.run(Budget(steps=50))

    left = [[each.seconds_left for each in bench.told if isinstance(each, Progress)] for bench in (boxed, stepped)]
    assert left[0][:2] == [99, 98]
    assert left[1][:2] == [147, 144]
    assert left[0][-1] == left[1][-1] == 0


def test_long_phases_tell_less_often(tmp_path: Path) -> None:
    short, long = Bench(tmp_path / "short"), Bench(tmp_path / "long", pace=1000)

    short.run(Budget(steps=300), tell_seconds=0.5)
    long.run(Budget(steps=300), tell_seconds=10)

    assert len(short.rates()) == 300
    assert len(long.rates()) == pytest.approx(150, abs=10)


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run(Budget(steps=1))
    broken = Bench(tmp_path / "broken")
    broken.weight.register_hook(lambda gradient: gradient * float("nan"))

    with pytest.raises(InvalidInput, match="hold a value that is not a number at step 1") as caught:
        broken.run(Budget(steps=1))

    assert caught.value.code == "training-diverged"
    assert not list((tmp_path / "broken").glob("step-*"))
