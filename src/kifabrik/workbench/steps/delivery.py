"""The last steps: the model folder is written, then exactly those files are evaluated."""

from transformers.utils.logging import disable_progress_bar

from kifabrik.core import digests
from kifabrik.evaluation import progress, suite
from kifabrik.evaluation.canaries import make_book
from kifabrik.evaluation.documents import TokenizedDocuments
from kifabrik.records.run_manifest import RunManifest
from kifabrik.training import token_file, tokenizer
from kifabrik.training.telemetry import Progress
from kifabrik.training.token_file import TokenFile
from kifabrik.workbench import packaging
from kifabrik.workbench.step import StepResult, Walk
from kifabrik.workbench.stop_signal import require_going_on


def package(walk: Walk) -> StepResult:
    """Write `model/`, the only thing that leaves the run folder for a release."""
    made = tokenizer.load(walk.folder.tokenizer)
    weights = walk.folder.trained_weights(walk.recipe)
    record = packaging.write_model(walk.folder.model, walk.recipe, tokenizer=made, weights=weights)
    return StepResult(outputs=(walk.folder.model,), figures={"parameters": record.parameters}, model=record)


def evaluate(walk: Walk) -> StepResult:
    """Run the tests of the release gate on the packaged model, beside the untrained one."""
    folder, made = walk.folder, tokenizer.load(walk.folder.tokenizer)
    packaging.write_model(folder.untrained_model, walk.recipe, tokenizer=made, weights=None)
    report = walk.report("evaluation")
    disable_progress_bar()  # transformers draws bars of its own into the log

    def tell(note: progress.Progress) -> None:
        require_going_on(walk.should_stop)
        report(Progress(done=note.done, seconds_left=note.seconds_left, message=note.message))

    evaluated = suite.evaluate(
        recipe=walk.recipe,
        run_id=walk.run_id,
        model_folder=folder.model,
        untrained_folder=folder.untrained_model,
        train=_documents(token_file.read(folder.train_tokens)),
        held_out=_documents(token_file.read(folder.held_out_tokens)),
        canaries=make_book(walk.recipe.canaries, seed=walk.recipe.seed),
        dataset_digest=walk.card.dataset_digest,
        model_digest=digests.digest_listing(digests.digest_files(folder.model)),
        now=walk.now(),
        passes=_count_passes(walk),
        report=tell,
    )
    evaluated.write(folder.evaluation)
    return StepResult(outputs=(folder.evaluation,), evaluation_digest=evaluated.digest())


def _count_passes(walk: Walk) -> float | None:
    """Say how often pre-training read the training text, from what the steps before noted."""
    figures = {record.step: record.figures for record in RunManifest.read(walk.folder.manifest).steps}
    read, there = figures.get("pretraining", {}).get("tokens"), figures.get("encoding", {}).get("train_tokens")
    return read / there if read is not None and there else None


def _documents(file: TokenFile) -> TokenizedDocuments:
    return TokenizedDocuments(tokens=file.tokens, starts=file.starts)
