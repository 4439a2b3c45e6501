"""Recipe: the declared work of a run. Knows names, units and limits, not how to train.

A recipe is YAML; `recipe_file.py` reads it and names the line of a mistake.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from kifabrik.core.quantities import parse_duration
from kifabrik.records.base import Part, Record


def _read_seconds(value: object) -> object:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{value} has no unit; write for example '{value} s' or '{value} min'")
    return value


def _write_seconds(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds} s"


Duration = Annotated[
    int,
    BeforeValidator(_read_seconds),
    Field(gt=0, description="seconds; written as a number with s, min, h or d"),
    PlainSerializer(_write_seconds, return_type=str),
]


class Budget(Part):
    """When a training phase ends: after so many steps, or after so much time on a schedule that cools down in time."""

    steps: Annotated[int, Field(gt=0, le=100_000_000)] | None = None
    time: Duration | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.steps is None) == (self.time is None):
            raise ValueError("give either 'steps' or 'time', not both and not neither")
        return self


class TokenizerRecipe(Part):
    """A byte-level BPE tokenizer, trained on the training split."""

    kind: Literal["byte-bpe"] = "byte-bpe"
    vocabulary: int = Field(default=2048, ge=320, le=262_144)


class ModelRecipe(Part):
    """A Llama-architecture decoder with tied embeddings."""

    architecture: Literal["llama"] = "llama"
    hidden_size: int = Field(default=128, ge=16, le=16_384)
    layers: int = Field(default=4, ge=1, le=256)
    heads: int = Field(default=4, ge=1, le=256)
    feedforward_size: int = Field(default=344, ge=16, le=131_072)
    context_tokens: int = Field(default=256, ge=32, le=131_072)

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden_size % self.heads or (self.hidden_size // self.heads) % 2:
            raise ValueError("hidden_size must be an even multiple of heads")
        return self


class PretrainingRecipe(Part):
    """Next-token training from random weights."""

    budget: Budget
    batch_sequences: int = Field(default=8, ge=1, le=65_536)
    optimiser: Literal["muon", "adamw"] = "muon"
    learning_rate: float = Field(default=4e-3, gt=0, lt=1, description="of AdamW")
    matrix_learning_rate: float = Field(default=0.02, gt=0, lt=1, description="of Muon, for hidden matrices")
    checkpoint_every: Duration = 15
    checkpoint_every_steps: Annotated[int, Field(gt=0)] | None = None


class FineTuningRecipe(Part):
    """Low-rank adaptation (Hu et al. 2021) on pairs taken from the dataset itself, merged into the model at the end."""

    method: Literal["lora"] = "lora"
    pairs: Literal["signature-docstring", "prompt-completion"] = "signature-docstring"
    budget: Budget
    rank: int = Field(default=8, ge=1, le=1024)
    alpha: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0, lt=1)
    batch_sequences: int = Field(default=8, ge=1)
    checkpoint_every: Duration = 15
    checkpoint_every_steps: Annotated[int, Field(gt=0)] | None = None


class CanaryRecipe(Part):
    """Random strings planted in the training text to measure memorisation (Carlini et al. 2019)."""

    planted: int = Field(default=8, ge=0, le=10_000, description="different canaries per repetition count")
    repetitions: tuple[int, ...] = (1, 4, 16)
    controls: int = Field(default=64, ge=0, le=10_000, description="canaries never planted")


class EvaluationRecipe(Part):
    """Size of the tests, not their red lines: those are the gate's."""

    held_out_documents: int = Field(default=200, ge=1)
    bootstrap_rounds: int = Field(default=1000, ge=100)
    extraction_windows: int = Field(default=500, ge=0, description="fewer than 268 can never pass the red line of 1 %")
    canary_candidates: int = Field(default=256, ge=16, description="strings each canary is ranked among")


class HardwareRecipe(Part):
    """What the work may use."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    nodes: int = Field(default=1, ge=1, le=1024, description="machines that train together")
    processes_per_node: int = Field(
        default=1, ge=1, le=64, description="training processes on each machine, one for each of its accelerators used"
    )
    threads: int = Field(default=0, ge=0, description="0 = the cores granted to the job")


class Recipe(Record):
    """One declared piece of work; two runs of the same step-boxed recipe on the same machine give the same model."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    dataset: str = Field(description="a dataset folder, or the digest of a dataset version")
    seed: int = Field(default=17, ge=0, lt=2**31)
    tokenizer: TokenizerRecipe = TokenizerRecipe()
    model: ModelRecipe = ModelRecipe()
    pretraining: PretrainingRecipe
    fine_tuning: FineTuningRecipe | None = None
    canaries: CanaryRecipe = CanaryRecipe()
    evaluation: EvaluationRecipe = EvaluationRecipe()
    hardware: HardwareRecipe = HardwareRecipe()
    licence: str = Field(default="Apache-2.0", description="licence of the model, SPDX")
    intended_use: str = ""
