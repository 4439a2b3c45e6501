"""Where everything lies in a run folder. Knows names, not contents."""

from dataclasses import dataclass
from pathlib import Path

from kifabrik.records.recipe import Recipe


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The contract between a compute node and everything else: one folder, no network, no database."""

    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.json"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def events(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def lease(self) -> Path:
        return self.root / ".lease"

    @property
    def tokenizer(self) -> Path:
        return self.root / "tokenizer" / "tokenizer.json"

    @property
    def train_tokens(self) -> Path:
        return self.root / "encoding" / "train"

    @property
    def held_out_tokens(self) -> Path:
        return self.root / "encoding" / "held-out"

    @property
    def pairs(self) -> Path:
        return self.root / "encoding" / "pairs"

    @property
    def pretrained(self) -> Path:
        return self.root / "weights" / "pretrained.safetensors"

    @property
    def fine_tuned(self) -> Path:
        return self.root / "weights" / "fine-tuned.safetensors"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def untrained_model(self) -> Path:
        return self.root / "model_untrained"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluation.json"

    @property
    def failure(self) -> Path:
        return self.root / "failure.txt"

    def checkpoints(self, step: str) -> Path:
        """Give the folder of a step's checkpoints."""
        return self.root / "checkpoints" / step

    def trained_weights(self, recipe: Recipe) -> Path:
        """Give the weights that the recipe's last training step leaves."""
        return self.fine_tuned if recipe.fine_tuning else self.pretrained
