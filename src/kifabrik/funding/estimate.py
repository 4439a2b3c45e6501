"""How much work a recipe is: operations, tokens, device seconds and energy on a system. Knows no machine's real speed.

Operations come from the closed formula of `core.flop`; time is operations over peak x utilisation, both reference data.
A phase with a time budget takes its budget; what it will get done in it follows from the same rate.
"""

import math
from dataclasses import dataclass

from kifabrik.core.flop import DecoderShape, adapter_training_flop, forward_flop, training_flop
from kifabrik.funding.reference import assumptions
from kifabrik.funding.reference.rows import System
from kifabrik.records import Recipe
from kifabrik.records.recipe import Budget


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will probably need: `gpu_seconds` of all its devices together; `watt_hours` is modelled, not measured.

    `time_limit_seconds` is the wall time after which it is ended.
    """

    flop: int
    tokens: int
    gpu_seconds: int
    time_limit_seconds: int
    watt_hours: float
    assumptions: tuple[str, ...]
    devices: int = 1

    @property
    def gpu_seconds_at_most(self) -> int:
        """Say what one attempt can use until its time limit ends it, never less than estimated: so much is reserved."""
        return max(self.gpu_seconds, self.time_limit_seconds * self.devices)


@dataclass(frozen=True, slots=True)
class _Phase:
    tokens: int
    flop: int
    seconds: float


def estimate(*, recipe: Recipe, system: System, text_bytes: int | None = None) -> Estimate:
    """Work out what a recipe needs on the devices it asks for; `text_bytes` is the size of the dataset if known.

    All devices share the training; they are held, and paid for, while the first prepares and evaluates.
    """
    shape = DecoderShape(
        hidden_size=recipe.model.hidden_size,
        layers=recipe.model.layers,
        feedforward_size=recipe.model.feedforward_size,
        vocabulary=recipe.tokenizer.vocabulary,
        context_tokens=recipe.model.context_tokens,
    )
    devices = recipe.hardware.nodes * recipe.hardware.processes_per_node
    rate = system.peak_flops * utilisation_of(system)
    pretraining = _phase(
        budget=recipe.pretraining.budget,
        batch_tokens=recipe.pretraining.batch_sequences * shape.context_tokens,
        flop_per_token=training_flop(shape, 1),
        rate=rate * devices,
    )
    phases = [pretraining]
    if recipe.fine_tuning is not None:
        phases.append(
            _phase(
                budget=recipe.fine_tuning.budget,
                batch_tokens=recipe.fine_tuning.batch_sequences * shape.context_tokens,
                flop_per_token=adapter_training_flop(shape, 1, rank=recipe.fine_tuning.rank),
                rate=rate * devices,
            )
        )
    evaluation = _evaluation_phase(recipe, shape, rate)
    preparation = (text_bytes or 0) / assumptions()["preparation-bytes-a-second"].value + system.overhead_seconds
    busy = sum(phase.seconds for phase in (*phases, evaluation)) + preparation
    wall_seconds = math.ceil(busy * (1 + assumptions()["reserve"].value))
    gpu_seconds = wall_seconds * devices
    limit = math.ceil(wall_seconds * assumptions()["time-limit"].value)
    return Estimate(
        flop=sum(phase.flop for phase in (*phases, evaluation)),
        tokens=sum(phase.tokens for phase in phases),
        gpu_seconds=gpu_seconds,
        time_limit_seconds=limit,
        watt_hours=round(gpu_seconds * system.watts_per_device / 3600, 3),
        assumptions=_words(system, text_bytes=text_bytes, devices=devices),
        devices=devices,
    )


def utilisation_of(system: System) -> float:
    """Say which share of its peak a system reaches: its own figure, or the general assumption."""
    return system.utilisation if system.utilisation is not None else assumptions()["utilisation"].value


def gpu_seconds_for(*, parameters: int, tokens: int, system: System) -> int:
    """Work out device seconds for training a decoder of N parameters on D tokens: 6 N D over peak x utilisation.

    The rule of thumb for a proposal, where no recipe exists yet (Kaplan et al. 2020); the reserve is included.
    """
    seconds = training_flop_for(parameters=parameters, tokens=tokens) / (system.peak_flops * utilisation_of(system))
    return max(1, math.ceil(seconds * (1 + assumptions()["reserve"].value)))


def training_flop_for(*, parameters: int, tokens: int) -> int:
    """Count 6 N D operations."""
    return 6 * parameters * tokens


def _phase(*, budget: Budget, batch_tokens: int, flop_per_token: int, rate: float) -> _Phase:
    if budget.steps is not None:
        tokens = budget.steps * batch_tokens
        return _Phase(tokens, tokens * flop_per_token, tokens * flop_per_token / rate)
    seconds = float(budget.time or 0)
    tokens = int(seconds * rate / flop_per_token)
    return _Phase(tokens, tokens * flop_per_token, seconds)


def _evaluation_phase(recipe: Recipe, shape: DecoderShape, rate: float) -> _Phase:
    """Reading for the tests: held-out documents by two models, extraction windows, canaries among their candidates."""
    tests, canaries = recipe.evaluation, recipe.canaries
    asked = canaries.planted * len(canaries.repetitions) + canaries.controls
    tokens = 2 * tests.held_out_documents * shape.context_tokens
    tokens += tests.extraction_windows * shape.context_tokens
    tokens += asked * tests.canary_candidates * int(assumptions()["candidate-tokens"].value)
    flop = forward_flop(shape, tokens)
    return _Phase(tokens, flop, flop / rate)


def _words(system: System, *, text_bytes: int | None, devices: int) -> tuple[str, ...]:
    reserve, limit = assumptions()["reserve"], assumptions()["time-limit"]
    lines = [
        f"{system.device}: {system.peak_flops:.3g} FLOP/s peak, {utilisation_of(system):.0%} reached ({system.grade}).",
        f"{reserve.value:.0%} reserve: {reserve.words}.",
        f"Time limit: {limit.value:g} times the estimate.",
        f"{system.overhead_seconds} s for starting, tokenizer training and packaging.",
        f"Energy is modelled: {system.watts_per_device:g} W for each device, nothing was measured.",
    ]
    if devices > 1:
        lines.append(
            f"{devices} devices share the training evenly; what they lose talking to each other is not counted."
        )
    if text_bytes is None:
        lines.append("The size of the dataset was not known; reading it is not counted.")
    return tuple(lines)
