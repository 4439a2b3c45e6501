"""Fine-tuning with low-rank adapters (Hu et al. 2021), loss on the completion only, merged into the model at the end.

The loop itself is in `loop.py`. Knows encoded pairs, not where they come from.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from kifabrik.core import flop
from kifabrik.core.errors import KifabrikError
from kifabrik.records.recipe import FineTuningRecipe, Recipe
from kifabrik.training import decoder, loop, optimisers
from kifabrik.training.checkpoint import Checkpoints, Position, read_tensors, write_tensors
from kifabrik.training.decoder import Model
from kifabrik.training.hardware import Hardware
from kifabrik.training.pair_file import PairFile
from kifabrik.training.pretraining import build_untrained
from kifabrik.training.sampling import write_sample
from kifabrik.training.stopping import ShouldStop, never
from kifabrik.training.team import ALONE, Team
from kifabrik.training.telemetry import Report, discard
from kifabrik.training.token_file import Array
from kifabrik.training.tokenizer import END_OF_TEXT, special_id

ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
HELD_BACK_SHARE = 0.05
HELD_BACK_MAX = 64
MERGE_TOLERANCE = 1e-3  # largest difference of a logit, merged against adapter, both in float32
_NO_LOSS = -100


def adapt(
    recipe: Recipe,
    settings: FineTuningRecipe,
    *,
    tokenizer: Tokenizer,
    pairs: PairFile,
    hardware: Hardware,
    pretrained_path: Path,
    checkpoints: Checkpoints,
    weights_path: Path,
    report: Report = discard,
    should_stop: ShouldStop = never,
    tell_seconds: float = 0.5,
    team: Team = ALONE,
) -> loop.Outcome:
    """Adapt pre-trained weights to the pairs, merge, check the merge and write `weights_path`.

    The processes of a `team` share each batch; its leader merges and writes.

    Raises as `loop.run` does, and KifabrikError if the merged model does not answer as the adapted one did.
    """
    adapted = _load_adapted(recipe, settings, tokenizer=tokenizer, path=pretrained_path).to(hardware.device).train()
    batches = _Batches(
        pairs, batch_sequences=settings.batch_sequences, seed=recipe.seed, pad_id=special_id(tokenizer, END_OF_TEXT)
    )
    work = _plan_work(recipe, settings, adapted, batches, tokenizer=tokenizer, hardware=hardware, team=team)
    phase = loop.Phase.of("fine-tuning", settings, tell_seconds=tell_seconds)
    position = loop.run(phase, work, checkpoints=checkpoints, report=report, should_stop=should_stop, team=team)
    if not team.is_leader:
        return loop.Outcome.of(position, flop=0, measured={})
    measured = batches.measure(adapted, hardware)
    merged = merge_checked(adapted, rows=torch.from_numpy(batches.batch(0)[0]).to(hardware.device))
    write_tensors(weights_path, dict(merged.named_parameters()))
    used = _count_flop(recipe, settings, position, vocabulary=tokenizer.get_vocab_size())
    return loop.Outcome.of(position, flop=used, measured=measured)


def merge_checked(adapted: Model, *, rows: Any) -> Model:
    """Fold the adapters into the weights; raises KifabrikError if a logit then differs by more than the tolerance."""
    with torch.inference_mode():
        before = adapted(input_ids=rows, use_cache=False).logits
    merged = adapted.merge_and_unload(safe_merge=True)
    with torch.inference_mode():
        after = merged(input_ids=rows, use_cache=False).logits
    difference = float((after - before).abs().max())
    if not difference <= MERGE_TOLERANCE * max(1.0, float(before.abs().max())):
        raise KifabrikError(
            f"the merged model differs from the adapted one: a logit moved by {difference:.3g}.",
            where="fine-tuning",
            remedy="Start the step again; if it happens again, lower fine_tuning.learning_rate or alpha.",
            code="merge-differs",
        )
    return merged


def _count_flop(recipe: Recipe, settings: FineTuningRecipe, position: Position, *, vocabulary: int) -> int:
    """Count operations; the pairs are of different lengths, so attention is counted at their mean."""
    mean_tokens = position.tokens // max(1, position.step * settings.batch_sequences)
    shape = replace(decoder.shape_of(recipe.model, vocabulary=vocabulary), context_tokens=mean_tokens)
    return flop.adapter_training_flop(shape, position.tokens, rank=settings.rank)


def _plan_work(
    recipe: Recipe,
    settings: FineTuningRecipe,
    adapted: Model,
    batches: "_Batches",
    *,
    tokenizer: Tokenizer,
    hardware: Hardware,
    team: Team,
) -> loop.Work:
    """Say what the loop does in a step, which weights it moves, what it measures and what it shows."""
    weights = {name: each for name, each in adapted.named_parameters() if each.requires_grad}
    mine, trained = team.share(settings.batch_sequences), team.wrap(adapted)

    def loss_of_step(step: int) -> tuple[Any, int]:
        inputs, targets = (torch.from_numpy(rows).to(hardware.device) for rows in batches.batch(step))
        # Completions differ in length: each token counts the same, whichever process it fell to.
        loss = _summed_loss(trained, inputs[mine], targets[mine], hardware) * team.size / _count(targets)
        return loss, inputs.numel()

    def sample() -> str:
        return write_sample(
            adapted,
            tokenizer,
            prompt_tokens=batches.example_prompt(),
            hardware=hardware,
            context_tokens=recipe.model.context_tokens,
        )

    return loop.Work(
        loss_of_step=loss_of_step,
        weights=weights,
        optimisers=optimisers.for_adapters(list(weights.values()), learning_rate=settings.learning_rate),
        measure=lambda: batches.measure(adapted, hardware),
        sample=sample,
    )


def _load_adapted(recipe: Recipe, settings: FineTuningRecipe, *, tokenizer: Tokenizer, path: Path) -> Model:
    """Build the model with the pre-trained weights and put fresh adapters on it."""
    model = build_untrained(recipe, tokenizer)
    read_tensors(path, into=dict(model.named_parameters()))
    return _add_adapters(model, settings, seed=recipe.seed)


def _add_adapters(model: Model, settings: FineTuningRecipe, *, seed: int) -> Model:
    torch.manual_seed(seed)
    configuration = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        bias="none",
        target_modules=list(ADAPTED),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft still asks transformers by an old name
        return peft.get_peft_model(model, configuration)


def _completion_loss(model: Model, inputs: Any, targets: Any, hardware: Hardware) -> Any:
    return _summed_loss(model, inputs, targets, hardware) / _count(targets)


def _summed_loss(model: Model, inputs: Any, targets: Any, hardware: Hardware) -> Any:
    with hardware.autocast():
        logits = model(input_ids=inputs, use_cache=False).logits
    flat = logits.float().flatten(0, 1)
    return functional.cross_entropy(flat, targets.flatten(), ignore_index=_NO_LOSS, reduction="sum")


def _count(targets: Any) -> Any:
    return (targets != _NO_LOSS).sum()


@dataclass(frozen=True, slots=True)
class _Split:
    """Which pairs are trained on and which are held back to measure."""

    trained: Array
    held_back: Array


class _Batches:
    """Padded batches of pairs; which pairs a step sees is a pure function of seed and step."""

    def __init__(self, pairs: PairFile, *, batch_sequences: int, seed: int, pad_id: int) -> None:
        self._pairs, self._batch, self._seed, self._pad = pairs, batch_sequences, seed, pad_id
        order = np.random.default_rng([seed, 1]).permutation(len(pairs.prompt_tokens))
        held_back = min(HELD_BACK_MAX, int(len(order) * HELD_BACK_SHARE))
        self._split = _Split(trained=order[held_back:], held_back=order[:held_back])
        self._epoch = -1
        self._order = self._split.trained

    def batch(self, step: int) -> tuple[Array, Array]:
        """Give inputs and targets of a step; targets of prompt and padding carry no loss."""
        first = step * self._batch
        return self._pad_together([self._pick(place) for place in range(first, first + self._batch)])

    def example_prompt(self) -> list[int]:
        """Give the prompt of a pair that is not trained on, if any is held back."""
        pair = int(next(iter(self._split.held_back), self._split.trained[0]))
        start = int(self._pairs.sequences.starts[pair])
        return [
            int(token) for token in self._pairs.sequences.tokens[start : start + int(self._pairs.prompt_tokens[pair])]
        ]

    def measure(self, model: Model, hardware: Hardware) -> Mapping[str, float]:
        """Give the mean completion loss on the pairs held back; nothing if there are too few pairs to hold any back."""
        losses = []
        with torch.inference_mode():
            for first in range(0, len(self._split.held_back), self._batch):
                chosen = [int(pair) for pair in self._split.held_back[first : first + self._batch]]
                inputs, targets = (torch.from_numpy(each).to(hardware.device) for each in self._pad_together(chosen))
                losses.append(float(_completion_loss(model, inputs, targets, hardware)) * len(chosen))
        return {"held_back_completion_loss": sum(losses) / len(self._split.held_back)} if losses else {}

    def _pick(self, place: int) -> int:
        epoch, index = divmod(place, len(self._split.trained))
        if epoch != self._epoch:
            self._order = np.random.default_rng([self._seed, 2, epoch]).permutation(self._split.trained)
            self._epoch = epoch
        return int(self._order[index])

    def _pad_together(self, chosen: list[int]) -> tuple[Array, Array]:
        starts = self._pairs.sequences.starts
        rows = [self._pairs.sequences.tokens[starts[pair] : starts[pair + 1]] for pair in chosen]
        width = max(len(row) for row in rows) - 1
        inputs = np.full((len(rows), width), self._pad, dtype=np.int64)
        targets = np.full((len(rows), width), _NO_LOSS, dtype=np.int64)
        for line, (pair, row) in enumerate(zip(chosen, rows, strict=True)):
            prompt = int(self._pairs.prompt_tokens[pair])
            inputs[line, : len(row) - 1] = row[:-1]
            targets[line, prompt - 1 : len(row) - 1] = row[prompt:]
        return inputs, targets
