"""The training steps: pre-training, then fine-tuning. They hand the walk's folders and listeners to `training`."""

from kifabrik.core.errors import InvalidInput
from kifabrik.training import fine_tuning, pair_file, pretraining, token_file, tokenizer
from kifabrik.training.checkpoint import Checkpoints
from kifabrik.training.loop import Outcome
from kifabrik.workbench.step import StepResult, Walk

PYTHON_PROMPT = "def "
PROMPT_TOKENS = 6


def pretrain(walk: Walk) -> StepResult:
    """Train the model from random weights, going on from the last checkpoint."""
    folder = walk.folder
    checkpoints = Checkpoints(
        folder.checkpoints("pretraining"),
        belongs_to=walk.key_of(folder.tokenizer, folder.train_tokens.with_name("train.bin")),
    )
    outcome = pretraining.train(
        walk.recipe,
        tokenizer=tokenizer.load(folder.tokenizer),
        train_tokens=token_file.read(folder.train_tokens),
        held_out_tokens=token_file.read(folder.held_out_tokens),
        hardware=walk.hardware,
        checkpoints=checkpoints,
        weights_path=folder.pretrained,
        sample_prompt=_sample_prompt(walk),
        report=walk.report("pretraining"),
        should_stop=walk.should_stop,
        team=walk.team,
    )
    return StepResult(outputs=(folder.pretrained,), figures=_figures(outcome))


def fine_tune(walk: Walk) -> StepResult:
    """Adapt the pre-trained model to the pairs and merge, going on from the last checkpoint."""
    folder, settings = walk.folder, walk.recipe.fine_tuning
    if settings is None:
        raise InvalidInput("the recipe has no fine_tuning part.", where="fine_tuning")
    checkpoints = Checkpoints(
        folder.checkpoints("fine-tuning"),
        belongs_to=walk.key_of(folder.pretrained, folder.pairs.with_name("pairs.bin")),
    )
    outcome = fine_tuning.adapt(
        walk.recipe,
        settings,
        tokenizer=tokenizer.load(folder.tokenizer),
        pairs=pair_file.read(folder.pairs),
        hardware=walk.hardware,
        pretrained_path=folder.pretrained,
        checkpoints=checkpoints,
        weights_path=folder.fine_tuned,
        report=walk.report("fine-tuning"),
        should_stop=walk.should_stop,
        team=walk.team,
    )
    return StepResult(outputs=(folder.fine_tuned,), figures=_figures(outcome))


def _sample_prompt(walk: Walk) -> str:
    commonest = max(walk.card.formats, key=lambda name: walk.card.formats[name], default="")
    if commonest.lstrip(".") == "py":
        return PYTHON_PROMPT
    made = tokenizer.load(walk.folder.tokenizer)
    first = token_file.read(walk.folder.held_out_tokens).tokens[1 : 1 + PROMPT_TOKENS]
    return str(made.decode([int(token) for token in first]))


def _figures(outcome: Outcome) -> dict[str, float]:
    return {
        "steps": outcome.steps,
        "tokens": outcome.tokens,
        "elapsed_seconds": outcome.elapsed_seconds,
        "flop": outcome.flop,
        "train_loss": outcome.train_loss,
        **outcome.measured,
    }
