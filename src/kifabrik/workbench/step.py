"""What a step of the walk gets and gives. Knows no step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kifabrik.core import canonical, digests
from kifabrik.records.dataset_card import DatasetCard
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_event import EventKind
from kifabrik.records.run_manifest import ModelRecord
from kifabrik.training.hardware import Hardware
from kifabrik.training.stopping import ShouldStop
from kifabrik.training.team import ALONE, Team
from kifabrik.training.telemetry import Measured, Progress, Report, Sampled, Saved, Telemetry
from kifabrik.workbench.events import Clock, EventLog
from kifabrik.workbench.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Walk:
    """Everything the steps of one attempt share."""

    recipe: Recipe
    run_id: str
    folder: RunFolder
    dataset: Path
    card: DatasetCard
    hardware: Hardware
    log: EventLog
    should_stop: ShouldStop
    now: Clock
    team: Team = ALONE

    def report(self, step: str) -> Report:
        """Give a listener that writes what a step tells into the events file."""

        def write(told: Telemetry) -> None:
            match told:
                case Progress(done, seconds_left, message):
                    self.log.write(
                        kind=EventKind.PROGRESS, step=step, done=done, seconds_left=seconds_left, message=message
                    )
                case Measured(training_step, values):
                    self.log.write(kind=EventKind.METRIC, step=step, values=values, training_step=training_step)
                case Sampled(training_step, text):
                    self.log.write(kind=EventKind.SAMPLE, step=step, training_step=training_step, message=text)
                case Saved(training_step):
                    self.log.write(kind=EventKind.CHECKPOINT, step=step, message=f"checkpoint at step {training_step}")
                case _:
                    self.warn(step, told.message)

        return write

    def warn(self, step: str, message: str) -> None:
        """Write something a person should know into the events file."""
        self.log.write(kind=EventKind.WARNING, step=step, message=message)

    def key_of(self, *inputs: Path) -> str:
        """Name what a checkpoint belongs to: recipe, dataset and input files; any change makes it another."""
        names = [self.recipe.digest(), self.card.dataset_digest, *map(digests.digest_file, inputs)]
        return canonical.digest(names)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a finished step left: files and folders, figures, and what the manifest records of it."""

    outputs: tuple[Path, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    model: ModelRecord | None = None
    evaluation_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk and its name in events and manifest; the processes of a team make a shared one together."""

    name: str
    run: Callable[[Walk], StepResult]
    is_shared: bool = False
