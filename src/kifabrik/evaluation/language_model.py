"""A model folder as something that can be asked for probabilities. Knows tensors, not what the tests make of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from kifabrik.evaluation.documents import Array

TOKENS_PER_BATCH = 8192
IGNORED = -100


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A loaded model; every number it gives is a float32 or better, on the CPU."""

    network: Any
    device: Any
    context_tokens: int
    vocabulary: int

    def log_likelihoods(self, rows: Array, targets: Array) -> Array:
        """Give log p(target | row up to it) in nats for each position; 0 where the target is IGNORED."""
        return np.concatenate([each for each, _ in self._judge(rows, targets)] or [np.zeros(targets.shape)])

    def hits(self, rows: Array, targets: Array) -> Array:
        """Say for each position whether the target is the likeliest token."""
        return np.concatenate([each for _, each in self._judge(rows, targets)] or [np.zeros(targets.shape, dtype=bool)])

    def rank_endings(self, beginning: Array, endings: Array, lengths: Array) -> Array:
        """Give log p(ending | beginning) in nats for each row of `endings`, of which `lengths` tokens count.

        The beginning is read once and shared by all endings.
        """
        with torch.inference_mode():
            start = self.network(input_ids=self._tensor(beginning[None, :]), use_cache=True)
            start.past_key_values.batch_repeat_interleave(len(endings))
            tokens = self._tensor(endings)
            rest = self.network(input_ids=tokens[:, :-1], past_key_values=start.past_key_values).logits
            first = start.logits[:, -1:].expand(len(endings), -1, -1)
            logits = torch.cat([first, rest], dim=1).float()
            nats = -functional.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none")
            counted = torch.arange(tokens.shape[1], device=self.device)[None, :] < self._tensor(lengths)[:, None]
            return np.asarray((nats.view_as(tokens) * counted).sum(dim=1).double().cpu().numpy())

    def _judge(self, rows: Array, targets: Array) -> Iterator[tuple[Array, Array]]:
        size = max(1, TOKENS_PER_BATCH // max(1, rows.shape[1]))
        for first in range(0, len(rows), size):
            with torch.inference_mode():
                wanted = self._tensor(targets[first : first + size])
                logits = self.network(input_ids=self._tensor(rows[first : first + size]), use_cache=False).logits
                nats = functional.cross_entropy(
                    logits.float().flatten(0, 1), wanted.flatten(), reduction="none", ignore_index=IGNORED
                ).view_as(wanted)
                yield -nats.double().cpu().numpy(), (logits.argmax(dim=-1) == wanted).cpu().numpy()

    def _tensor(self, rows: Array) -> Any:
        return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)).to(self.device)


def load(folder: Path, *, device: str) -> LanguageModel:
    """Load a model folder from this disk alone, as safetensors alone; its files must have been checked before."""
    chosen = "cuda" if device in ("auto", "cuda") and torch.cuda.is_available() else "cpu"
    transformers_logging.disable_progress_bar()  # loading small models is quick, and the terminal is not ours
    network = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
    )
    return LanguageModel(
        network=network.to(chosen).eval(),
        device=torch.device(chosen),
        context_tokens=int(network.config.max_position_embeddings),
        vocabulary=int(network.config.vocab_size),
    )


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a model folder."""
    return Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))


def token_bytes(tokenizer: Tokenizer, vocabulary: int) -> Array:
    """Give how many bytes of text each token stands for; special tokens stand for none.

    In a byte-level tokenizer each character of a token's spelling is one byte.
    """
    sizes = np.zeros(vocabulary, dtype=np.int64)
    for spelling, number in tokenizer.get_vocab(with_added_tokens=True).items():
        sizes[number] = len(spelling)
    for number in tokenizer.get_added_tokens_decoder():
        sizes[number] = 0
    return sizes
