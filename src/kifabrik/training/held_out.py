"""Loss and bits per byte on held-out text while training. Knows a model and windows of tokens."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from kifabrik.training import windows
from kifabrik.training.decoder import Model
from kifabrik.training.hardware import Hardware
from kifabrik.training.token_file import Array, TokenFile

SEQUENCES_MAX = 32


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The same held-out windows every time, and how many bytes of text a token stands for in them on average."""

    windows: Array
    bytes_per_token: float

    def measure(self, model: Model, hardware: Hardware, *, batch_sequences: int) -> Mapping[str, float]:
        """Give `held_out_loss` in nats a token and `held_out_bits_per_byte`; nothing if there is no held-out text."""
        if not len(self.windows):
            return {}
        losses = []
        with torch.inference_mode():
            for first in range(0, len(self.windows), batch_sequences):
                rows = torch.from_numpy(self.windows[first : first + batch_sequences]).to(hardware.device)
                losses.append(float(next_token_loss(model, rows, hardware)) * len(rows))
        loss = sum(losses) / len(self.windows)
        return {"held_out_loss": loss, "held_out_bits_per_byte": loss / math.log(2) / self.bytes_per_token}


def select(file: TokenFile, *, context_tokens: int) -> HeldOut:
    """Choose the windows to measure on."""
    rows = windows.spread(file.tokens, context_tokens=context_tokens, sequences_max=SEQUENCES_MAX)
    return HeldOut(windows=rows, bytes_per_token=file.sizes.text_bytes / max(1, file.sizes.tokens))


def next_token_loss(model: Model, rows: Any, hardware: Hardware) -> Any:
    """Mean cross-entropy of each token given the ones before it, in float32."""
    with hardware.autocast():
        logits = model(input_ids=rows[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
