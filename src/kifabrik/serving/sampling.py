"""Chooses the next token from a model's logits. Knows numbers, not text."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How freely a model may answer; temperature 0 always takes the likeliest token."""

    tokens_max: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    stops: tuple[str, ...] = ()


class Chooser:
    """Draws tokens; the same seed, settings and logits give the same tokens."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._generator = torch.Generator()
        if sampling.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(sampling.seed % 2**63)

    def choose(self, logits: torch.Tensor) -> int:
        """Choose one of the candidates that top-k and top-p leave over."""
        logits = logits.float().cpu()
        if self._sampling.temperature == 0:
            return int(logits.argmax())
        values, places = torch.sort(logits / self._sampling.temperature, descending=True)
        if self._sampling.top_k:
            values, places = values[: self._sampling.top_k], places[: self._sampling.top_k]
        shares = torch.softmax(values, dim=-1)
        # A token stays while those before it do not reach top_p together; so the likeliest one always stays.
        stays = shares.cumsum(dim=-1) - shares < self._sampling.top_p
        shares = torch.where(stays, shares, torch.zeros_like(shares))
        return int(places[torch.multinomial(shares, 1, generator=self._generator)])
