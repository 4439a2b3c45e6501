"""The records that a release is made from, and the question whether they speak of the same thing. Knows no file."""

from dataclasses import dataclass

from kifabrik.core.errors import Conflict
from kifabrik.records import DatasetCard, EvaluationReport, RunManifest
from kifabrik.records.evaluation_report import Waiver
from kifabrik.records.passport import AwardRecord, Decision, UsageSummary
from kifabrik.records.run_manifest import ModelRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePapers:
    """Every record that a release is made from; `award` and `usage` are None for a run made with no portal."""

    model_name: str
    release_version: str
    organisation: str
    dataset: DatasetCard
    run: RunManifest
    evaluation: EvaluationReport
    summary: str = ""
    waivers: tuple[Waiver, ...] = ()
    award: AwardRecord | None = None
    usage: UsageSummary | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def model(self) -> ModelRecord:
        """The model that came out of the run; raises Conflict if the run has not finished."""
        if not self.run.finished or self.run.model is None:
            raise Conflict("the run has not finished; only a finished run can be released.", where=self.run.run_id)
        return self.run.model


def require_agreement(papers: ReleasePapers) -> None:
    """Raise Conflict that names the first two papers that contradict each other."""
    run, evaluation = papers.run, papers.evaluation
    model = papers.model
    pairs = (
        ("the run's dataset", run.dataset_digest, "the dataset card", papers.dataset.dataset_digest),
        ("the evaluation's dataset", evaluation.dataset_digest, "the dataset card", papers.dataset.dataset_digest),
        ("the evaluated model", evaluation.model_digest, "the run's model", model.model_digest),
        ("the evaluated run", evaluation.run_id, "the run", run.run_id),
        ("the run's evaluation", run.evaluation_digest, "the evaluation", evaluation.digest()),
        ("the run's recipe digest", run.recipe_digest, "its recipe", run.recipe.digest()),
    )
    for one, name, other, other_name in pairs:
        if name != other_name:
            raise Conflict(
                f"{one} ({name}) and {other} ({other_name}) are not the same.",
                where=run.run_id,
                remedy="Give the papers of one run; they cannot be mixed.",
                code="papers-disagree",
            )
