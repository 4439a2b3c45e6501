"""Muon for hidden matrices (Jordan et al. 2024), AdamW for the rest. Knows named weights, not the model around them."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from kifabrik.training.decoder import Model

Optimiser = Any  # torch.optim.Optimizer
MATRIX_WEIGHT_DECAY = 0.01


def for_pretraining(
    model: Model, *, kind: str, learning_rate: float, matrix_learning_rate: float
) -> tuple[Optimiser, ...]:
    """Give each hidden matrix to Muon (or all to AdamW) and embeddings and norms to AdamW."""
    named = list(model.named_parameters())
    matrices = [weights for name, weights in named if weights.ndim == 2 and "embed_tokens" not in name]
    if kind == "adamw":
        return (_adamw([weights for _, weights in named], learning_rate),)
    chosen = {id(weights) for weights in matrices}
    rest = [weights for _, weights in named if id(weights) not in chosen]
    muon = torch.optim.Muon(matrices, lr=matrix_learning_rate, weight_decay=MATRIX_WEIGHT_DECAY, momentum=0.95)
    return (_remember_rate(muon), _adamw(rest, learning_rate))


def for_adapters(parameters: Sequence[Any], *, learning_rate: float) -> tuple[Optimiser, ...]:
    """AdamW over the adapter weights."""
    return (_adamw(parameters, learning_rate),)


def scale_rates(optimisers: Iterable[Optimiser], factor: float) -> None:
    """Set every learning rate to its initial value times a factor."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["first_lr"] * factor


def _adamw(parameters: Sequence[Any], learning_rate: float) -> Optimiser:
    return _remember_rate(torch.optim.AdamW(parameters, lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.0))


def _remember_rate(optimiser: Optimiser) -> Optimiser:
    for group in optimiser.param_groups:
        group["first_lr"] = group["lr"]
    return optimiser
