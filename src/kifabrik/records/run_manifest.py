"""RunManifest: what a run was made from and with, written by the run itself, step by step."""

from typing import Literal

from pydantic import Field

from kifabrik.records.base import Digest, Part, Record
from kifabrik.records.recipe import Recipe


class Environment(Part):
    """With what the work was done."""

    python: str
    platform: str
    processor: str
    threads: int
    device: str
    packages: dict[str, str] = Field(description="distribution -> version")


class ComputeRecord(Part):
    """Floating-point work with its method (closed formula; Annex XI wants FLOP and how it was measured)."""

    flop: int = Field(ge=0)
    method: str
    train_tokens: int = Field(ge=0)
    wall_seconds: float = Field(ge=0)


class EnergyRecord(Part):
    """Energy with its quality class; without a hardware counter the figure is modelled and says so."""

    watt_hours: float = Field(ge=0)
    method_class: Literal["measured", "estimated", "modelled"]
    method: str


class StepRecord(Part):
    """One finished step of the walk and the digests of what it left."""

    step: str
    started_at: str
    ended_at: str
    wall_seconds: float
    outputs: dict[str, str] = Field(default_factory=dict, description="path in the run folder -> digest")
    figures: dict[str, float] = Field(default_factory=dict, description="name with its unit last -> value")


class ModelRecord(Part):
    """The model that came out."""

    architecture: str
    parameters: int = Field(ge=0)
    context_tokens: int
    vocabulary: int
    files: dict[str, str] = Field(description="path below model/ -> digest")
    model_digest: Digest


class RunManifest(Record):
    """The whole story of a run folder; `finished` is set once every step is recorded."""

    schema_version: Literal[1] = 1
    run_id: str
    recipe: Recipe
    recipe_digest: Digest
    dataset_digest: Digest
    dataset_name: str
    environment: Environment
    attempts: int = Field(ge=1, description="how often the run was started")
    steps: tuple[StepRecord, ...]
    compute: ComputeRecord | None = None
    energy: EnergyRecord | None = None
    model: ModelRecord | None = None
    evaluation_digest: Digest | None = None
    finished: bool = False
