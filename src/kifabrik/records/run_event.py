"""RunEvent: one line of a run folder's `events.jsonl`, the only thing progress bars, curves and pages are fed from."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from kifabrik.records.base import Part, Record


class EventKind(StrEnum):
    """What a line of `events.jsonl` says."""

    ATTEMPT = "attempt"
    STEP_STARTED = "step-started"
    PROGRESS = "progress"
    METRIC = "metric"
    SAMPLE = "sample"
    CHECKPOINT = "checkpoint"
    STEP_ENDED = "step-ended"
    WARNING = "warning"
    FAILED = "failed"
    FINISHED = "finished"


class Metric(Part):
    """One number of one series at one training step."""

    name: str
    value: float
    step: int = Field(ge=0)


class RunEvent(Record):
    """One thing that happened in a run; `sequence` counts from 1 and never repeats within a run folder."""

    schema_version: Literal[1] = 1
    sequence: int = Field(ge=1)
    at: str = Field(description="UTC, ISO 8601")
    kind: EventKind
    step: str = Field(default="", description="dataset, tokenizer, encoding, pretraining, fine-tuning, evaluation, ...")
    done: float | None = Field(default=None, description="share of the step that is done, 0 to 1")
    seconds_left: float | None = Field(default=None, description="expected, for this step")
    metrics: tuple[Metric, ...] = ()
    message: str = ""
