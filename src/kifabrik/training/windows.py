"""Which piece of the token stream each training step sees: a pure function of seed and step, so nothing needs saving.

Each epoch shifts the windows by a random offset and visits them in a random order. Knows token ids, not their meaning.
"""

import numpy as np

from kifabrik.core.errors import InvalidInput
from kifabrik.training.token_file import Array


class Windows:
    """Cuts (inputs and next tokens) of `context_tokens` + 1 tokens out of a stream."""

    def __init__(self, tokens: Array, *, context_tokens: int, batch_sequences: int, seed: int) -> None:
        self._tokens = tokens
        self._context = context_tokens
        self._batch = batch_sequences
        self._seed = seed
        self._per_epoch = (len(tokens) - 1) // context_tokens - 1
        if self._per_epoch < 1:
            raise InvalidInput(
                f"the training text has {len(tokens)} tokens; at least {2 * context_tokens + 1} are needed.",
                where="pretraining",
                remedy="Give more text, or a smaller model.context_tokens.",
            )
        self._epoch = -1
        self._order: Array = np.zeros(0, dtype=np.int64)

    def batch(self, step: int) -> Array:
        """Give the windows of a step (from 0) as int64 of shape (batch, context + 1)."""
        first = step * self._batch
        starts = [self._start(place) for place in range(first, first + self._batch)]
        return np.stack([self._tokens[start : start + self._context + 1] for start in starts]).astype(np.int64)

    def _start(self, place: int) -> int:
        epoch, index = divmod(place, self._per_epoch)
        if epoch != self._epoch:
            random = np.random.default_rng([self._seed, epoch])
            shift = int(random.integers(self._context))
            self._order = random.permutation(self._per_epoch) * self._context + shift
            self._epoch = epoch
        return int(self._order[index])


def spread(tokens: Array, *, context_tokens: int, sequences_max: int) -> Array:
    """Take evenly spread windows for a held-out measurement; the same ones every time. Empty if there is too little."""
    available = (len(tokens) - 1) // context_tokens
    count = min(available, sequences_max)
    if count < 1:
        return np.zeros((0, context_tokens + 1), dtype=np.int64)
    places = np.linspace(0, available - 1, count).astype(np.int64) * context_tokens
    return np.stack([tokens[start : start + context_tokens + 1] for start in places]).astype(np.int64)
