"""Pre-training: next-token prediction from random weights. Knows token files, not where they come from.

The loop itself is in `loop.py`; here stand the model, its optimisers and its windows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from kifabrik.core import flop
from kifabrik.records.recipe import Recipe
from kifabrik.training import decoder, held_out, loop, optimisers
from kifabrik.training.checkpoint import Checkpoints, write_tensors
from kifabrik.training.decoder import Model
from kifabrik.training.hardware import Hardware
from kifabrik.training.sampling import write_sample
from kifabrik.training.stopping import ShouldStop, never
from kifabrik.training.team import ALONE, Team
from kifabrik.training.telemetry import Report, discard
from kifabrik.training.token_file import TokenFile
from kifabrik.training.tokenizer import END_OF_TEXT, special_id
from kifabrik.training.windows import Windows


def build_untrained(recipe: Recipe, tokenizer: Tokenizer) -> Model:
    """Make the model as it is before the first step: a pure function of recipe and vocabulary."""
    return decoder.build(
        recipe.model,
        vocabulary=tokenizer.get_vocab_size(),
        end_id=special_id(tokenizer, END_OF_TEXT),
        seed=recipe.seed,
    )


def train(
    recipe: Recipe,
    *,
    tokenizer: Tokenizer,
    train_tokens: TokenFile,
    held_out_tokens: TokenFile,
    hardware: Hardware,
    checkpoints: Checkpoints,
    weights_path: Path,
    sample_prompt: str = "",
    report: Report = discard,
    should_stop: ShouldStop = never,
    tell_seconds: float = 0.5,
    team: Team = ALONE,
) -> loop.Outcome:
    """Train the recipe's model and write its weights to `weights_path`; goes on from a checkpoint if there is one.

    The processes of a `team` share each batch; its leader writes.

    Raises as `loop.run` does, and InvalidInput if there is too little text for one window.
    """
    settings, context = recipe.pretraining, recipe.model.context_tokens
    model = build_untrained(recipe, tokenizer).to(hardware.device).train()
    rows_a_step, mine, trained = settings.batch_sequences, team.share(settings.batch_sequences), team.wrap(model)
    stream = Windows(train_tokens.tokens, context_tokens=context, batch_sequences=rows_a_step, seed=recipe.seed)
    unseen = held_out.select(held_out_tokens, context_tokens=context)

    def loss_of_step(step: int) -> tuple[Any, int]:
        rows = torch.from_numpy(stream.batch(step)[mine]).to(hardware.device)
        return held_out.next_token_loss(trained, rows, hardware), rows_a_step * context

    def measure() -> Mapping[str, float]:
        return unseen.measure(model, hardware, batch_sequences=rows_a_step)

    def sample() -> str:
        prompt_tokens = tokenizer.encode(sample_prompt).ids
        return write_sample(model, tokenizer, prompt_tokens=prompt_tokens, hardware=hardware, context_tokens=context)

    work = loop.Work(
        loss_of_step=loss_of_step,
        weights=dict(model.named_parameters()),
        optimisers=optimisers.for_pretraining(
            model,
            kind=settings.optimiser,
            learning_rate=settings.learning_rate,
            matrix_learning_rate=settings.matrix_learning_rate,
        ),
        measure=measure,
        sample=sample,
    )
    phase = loop.Phase.of("pretraining", settings, tell_seconds=tell_seconds)
    position = loop.run(phase, work, checkpoints=checkpoints, report=report, should_stop=should_stop, team=team)
    if not team.is_leader:
        return loop.Outcome.of(position, flop=0, measured={})
    write_tensors(weights_path, dict(model.named_parameters()))
    shape = decoder.shape_of(recipe.model, vocabulary=tokenizer.get_vocab_size())
    return loop.Outcome.of(position, flop=flop.training_flop(shape, position.tokens), measured=measure())
