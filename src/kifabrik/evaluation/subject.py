"""What a test gets and gives: the model under test with everything beside it, and an outcome. Knows no test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer

from kifabrik.core import model_files
from kifabrik.core.errors import InvalidInput
from kifabrik.evaluation import language_model, overlap
from kifabrik.evaluation.canaries import CanaryBook
from kifabrik.evaluation.documents import TokenizedDocuments
from kifabrik.evaluation.language_model import LanguageModel
from kifabrik.evaluation.overlap import Overlap
from kifabrik.records.evaluation_report import Verdict
from kifabrik.records.recipe import Recipe


class Subject:
    """The model under test, the untrained one, the texts and the canaries; models are loaded on first use."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        model_folder: Path,
        untrained_folder: Path,
        train: TokenizedDocuments,
        held_out: TokenizedDocuments,
        canaries: CanaryBook | None,
        model_digest: str,
        passes: float | None = None,
    ) -> None:
        self.recipe = recipe
        self.model_folder = model_folder
        self.untrained_folder = untrained_folder
        self.train = train
        self.held_out = held_out
        self.canaries = canaries
        self.model_digest = model_digest
        self.passes = passes  # how often pre-training read the text, if that is known

    @cached_property
    def model(self) -> LanguageModel:
        """The model under test."""
        return self._load(self.model_folder)

    @cached_property
    def untrained(self) -> LanguageModel:
        """The same architecture with its first random weights."""
        return self._load(self.untrained_folder)

    @cached_property
    def overlap(self) -> Overlap:
        """How much of each held-out document the training text holds."""
        return overlap.measure(self.train, self.held_out)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return language_model.load_tokenizer(self.model_folder)

    def _load(self, folder: Path) -> LanguageModel:
        for finding in model_files.check(folder):
            raise InvalidInput(f"the model is not loaded: {finding.where} {finding.message}")
        return language_model.load(folder, device=self.recipe.hardware.device)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one test found."""

    verdict: Verdict
    reason: str
    n: int
    statistic: float | None = None
    interval: tuple[float, float] | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)


class NotRun(Exception):
    """A test cannot say anything here; the message says why, and what would let it."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test: how it is called, its red line in words, where it comes from, and the work itself."""

    __test__ = False  # its name makes pytest look for tests in it

    name: str
    title: str
    version: int
    unit: str
    threshold: str
    reference: str
    run: Callable[[Subject], Outcome]
