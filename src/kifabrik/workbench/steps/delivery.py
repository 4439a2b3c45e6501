"""The last steps: the model folder is written, then exactly those files are evaluated."""

from kifabrik.training import tokenizer
from kifabrik.workbench import packaging
from kifabrik.workbench.step import StepResult, Walk


def package(walk: Walk) -> StepResult:
    """Write `model/`, the only thing that leaves the run folder for a release."""
    made = tokenizer.load(walk.folder.tokenizer)
    weights = walk.folder.trained_weights(walk.recipe)
    record = packaging.write_model(walk.folder.model, walk.recipe, tokenizer=made, weights=weights)
    return StepResult(outputs=(walk.folder.model,), figures={"parameters": record.parameters}, model=record)
