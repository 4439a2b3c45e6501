"""The training loop that pre-training and fine-tuning share: budget, schedule, telemetry, checkpoints, stopping.

Knows a function that gives the loss of a step; not what the model or its data are. The data order is a pure function
of seed and step, so weights, optimiser and position are all there is to resume. Several processes make each step
together; the leader's clock and wishes hold for all, and the leader alone measures, tells and saves.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.records.recipe import Budget, FineTuningRecipe, PretrainingRecipe
from kifabrik.training import schedule
from kifabrik.training.checkpoint import Checkpoints, Position
from kifabrik.training.optimisers import Optimiser, scale_rates
from kifabrik.training.stopping import ShouldStop, Stopped, never
from kifabrik.training.team import ALONE, Team
from kifabrik.training.telemetry import Measured, Progress, Report, Sampled, Saved, discard

Clock = Callable[[], float]  # seconds that never go back
GRADIENT_NORM_MAX = 1.0
SAVE_SHARE_MAX = 0.05  # of the time goes into checkpoints: those of a large model come less often than the recipe asks
VISIBLE_SECONDS_MAX = 120
TELL_SLOWDOWN_MAX = 120  # long phases tell once a minute, not twice a second


@dataclass(frozen=True, slots=True)
class Phase:
    """How long a phase lasts, and how often it saves, measures and tells."""

    name: str
    budget: Budget
    checkpoint_seconds: float
    checkpoint_steps: int | None = None
    measurements: int = 10  # on held-out text, spread evenly over the phase
    tell_seconds: float = 0.5

    @classmethod
    def of(cls, name: str, part: PretrainingRecipe | FineTuningRecipe, *, tell_seconds: float) -> "Phase":
        """Read a phase from its part of a recipe."""
        return cls(
            name=name,
            budget=part.budget,
            checkpoint_seconds=part.checkpoint_every,
            checkpoint_steps=part.checkpoint_every_steps,
            tell_seconds=tell_seconds,
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What a phase trains: the loss and the token count of a step, the weights it changes, and how it is looked at.

    `measure` gives figures on held-out text, `sample` a text that the model writes.
    """

    loss_of_step: Callable[[int], tuple[Any, int]]
    weights: Mapping[str, Any]
    optimisers: Sequence[Optimiser]
    measure: Callable[[], Mapping[str, float]]
    sample: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a phase did; `flop` by the closed formula over the tokens really processed, `measured` by `Work.measure`."""

    steps: int
    tokens: int
    elapsed_seconds: float
    flop: int
    train_loss: float
    measured: Mapping[str, float]

    @classmethod
    def of(cls, position: Position, *, flop: int, measured: Mapping[str, float]) -> "Outcome":
        """Sum up a phase from where it ended."""
        return cls(
            steps=position.step,
            tokens=position.tokens,
            elapsed_seconds=position.elapsed_seconds,
            flop=flop,
            train_loss=position.loss or 0.0,
            measured=measured,
        )


def run(
    phase: Phase,
    work: Work,
    *,
    checkpoints: Checkpoints,
    report: Report = discard,
    should_stop: ShouldStop = never,
    clock: Clock = time.monotonic,
    team: Team = ALONE,
) -> Position:
    """Train until the budget is used; resumes from the newest checkpoint and leaves one at the end.

    Raises InvalidInput if the loss stops being a number, Stopped if asked to stop (after saving), Unavailable if the
    disk is full (the checkpoint before stays whole).
    """
    position = _resume(work, checkpoints, team)
    trainer = _Loop(phase, work, checkpoints=checkpoints, report=report, position=position, clock=clock, team=team)
    while trainer.goes_on():
        trainer.step()
        if team.agree([should_stop()])[0]:
            trainer.save()
            raise Stopped(
                f"{phase.name} stopped at step {trainer.position.step}, as asked; the checkpoint is saved.",
                remedy="Start the run again to go on from there.",
            )
    trainer.finish()
    return trainer.position


def _resume(work: Work, checkpoints: Checkpoints, team: Team) -> Position:
    """Load the newest checkpoint; followers take the leader's, which a shared file system may show them a little later.

    Raises Unavailable if a follower does not see it within two minutes.
    """
    position = checkpoints.load(weights=work.weights, optimisers=work.optimisers)
    step = int(team.agree([position.step])[0])
    limit = time.monotonic() + VISIBLE_SECONDS_MAX
    while position.step != step and time.monotonic() < limit:
        time.sleep(1)
        position = checkpoints.load(weights=work.weights, optimisers=work.optimisers)
    if position.step != step:
        raise Unavailable(
            f"process {team.rank} does not see the checkpoint of step {step} that the first process resumes from.",
            remedy="The run folder must lie on a file system that all nodes share.",
        )
    return position


class _Loop:
    """The state of a running phase: position, clock, and when something was last told, measured and saved."""

    def __init__(
        self,
        phase: Phase,
        work: Work,
        *,
        checkpoints: Checkpoints,
        report: Report,
        position: Position,
        clock: Clock,
        team: Team,
    ) -> None:
        self.position, self._clock, self._team = position, clock, team
        self._phase, self._work, self._checkpoints, self._report = phase, work, checkpoints, report
        self._begun_at = self._clock() - position.elapsed_seconds
        self._saved_at = self._told_at = self._clock()
        self._told_tokens = position.tokens
        self._measured = math.floor(self._share() * phase.measurements)
        self._saved_step, self._save_seconds = position.step, 0.0
        self._elapsed = position.elapsed_seconds
        if position.step == 0 and team.is_leader:
            self._measure()
            self._report(Sampled(step=0, text=self._work.sample()))

    def elapsed(self) -> float:
        return self._clock() - self._begun_at

    def goes_on(self) -> bool:
        """Say whether there is a step left to make, by the leader's clock."""
        (self._elapsed,) = self._team.agree([self.elapsed()])
        return not schedule.is_done(self._phase.budget, step=self.position.step, elapsed_seconds=self._elapsed)

    def step(self) -> None:
        """Make one step; tell, measure and save when it is time."""
        share = schedule.share_done(self._phase.budget, step=self.position.step, elapsed_seconds=self._elapsed)
        scale_rates(self._work.optimisers, schedule.learning_rate_factor(share))
        loss, tokens = self._work.loss_of_step(self.position.step)
        value = self._team.add(float(loss.detach())) / self._team.size
        self._require_number(value)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._work.weights.values(), GRADIENT_NORM_MAX)
        for optimiser in self._work.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.position = Position(
            step=self.position.step + 1,
            elapsed_seconds=self.elapsed(),
            tokens=self.position.tokens + tokens,
            loss=value,
        )
        if self._team.is_leader:
            self._look_after()

    def _look_after(self) -> None:
        self._tell_when_due()
        if math.floor(self._share() * self._phase.measurements) > self._measured:
            self._measured = math.floor(self._share() * self._phase.measurements)
            self._measure()
        if self._is_save_due():
            self.save()

    def save(self) -> None:
        """Write a checkpoint of the present position, with the time used so far; the leader's is everybody's."""
        if not self._team.is_leader:
            return
        self._require_finite_weights()
        begun = self._clock()
        self.position = replace(self.position, elapsed_seconds=self.elapsed())
        self._checkpoints.save(self.position, weights=self._work.weights, optimisers=self._work.optimisers)
        self._saved_at, self._saved_step = self._clock(), self.position.step
        self._save_seconds = self._saved_at - begun
        self._report(Saved(step=self.position.step))

    def finish(self) -> None:
        """Tell the last figures and leave a checkpoint of the end."""
        if not self._team.is_leader:
            return
        if self._told_tokens < self.position.tokens:
            self._tell()
        if self._saved_step < self.position.step:
            self.save()
        self._report(Sampled(step=self.position.step, text=self._work.sample()))
        self._report(Progress(done=1.0, seconds_left=0.0))

    def _share(self) -> float:
        return schedule.share_done(self._phase.budget, step=self.position.step, elapsed_seconds=self.elapsed())

    def _is_save_due(self) -> bool:
        if self._phase.checkpoint_steps is not None:
            return self.position.step % self._phase.checkpoint_steps == 0
        pause = max(self._phase.checkpoint_seconds, self._save_seconds / SAVE_SHARE_MAX)
        return self._clock() - self._saved_at >= pause

    def _tell_when_due(self) -> None:
        pause = self._phase.tell_seconds * max(1.0, min(TELL_SLOWDOWN_MAX, self.elapsed() / 150))
        if self.position.step == 1 or self._clock() - self._told_at >= pause:
            self._tell()

    def _tell(self) -> None:
        seconds = max(1e-9, self._clock() - self._told_at)
        values = {
            "train_loss": self.position.loss or 0.0,
            "tokens_per_second": (self.position.tokens - self._told_tokens) / seconds,
            "learning_rate": float(self._work.optimisers[-1].param_groups[0]["lr"]),
        }
        self._report(Measured(step=self.position.step, values=values))
        left = schedule.seconds_left(self._phase.budget, step=self.position.step, elapsed_seconds=self.elapsed())
        self._report(Progress(done=self._share(), seconds_left=left))
        self._told_at, self._told_tokens = self._clock(), self.position.tokens

    def _measure(self) -> None:
        values = self._work.measure()
        if values:
            self._report(Measured(step=self.position.step, values=values))

    def _require_number(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise InvalidInput(
                f"the loss became {loss} at step {self.position.step + 1}: the training diverged.",
                where=self._phase.name,
                remedy="Lower the learning rates in the recipe and start a new run; the last checkpoint is kept.",
                code="training-diverged",
            )

    def _require_finite_weights(self) -> None:
        for name, weights in self._work.weights.items():
            if not bool(torch.isfinite(weights).all()):
                raise InvalidInput(
                    f"the weights {name} hold a value that is not a number at step {self.position.step}.",
                    where=self._phase.name,
                    remedy="Lower the learning rates in the recipe and start a new run; the last checkpoint is kept.",
                    code="training-diverged",
                )
