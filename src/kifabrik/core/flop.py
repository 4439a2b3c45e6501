"""The closed formula for a decoder's floating-point work. Knows shapes, not hardware.

Counted as in Narayanan et al. 2021 and Hoffmann et al. 2022, appendix F: two operations a multiply-add, the backward
pass costs twice the forward pass, attention counted in full (not the causal half).
"""

from dataclasses import dataclass

METHOD = "closed formula: matrix products and full attention, forward + 2x backward; adapters skip frozen weights"


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """Sizes of a Llama-architecture decoder with tied embeddings."""

    hidden_size: int
    layers: int
    feedforward_size: int
    vocabulary: int
    context_tokens: int

    @property
    def layer_weights(self) -> int:
        """Weights of one layer that take part in matrix products: four attention and three feed-forward matrices."""
        return 4 * self.hidden_size**2 + 3 * self.hidden_size * self.feedforward_size

    @property
    def matrix_weights(self) -> int:
        """Weights that take part in matrix products, the output layer included."""
        return self.layers * self.layer_weights + self.hidden_size * self.vocabulary

    @property
    def parameters(self) -> int:
        """All weights; the tied embedding counts once, each layer has two norms and the model a last one."""
        return self.matrix_weights + (2 * self.layers + 1) * self.hidden_size


def forward_flop(shape: DecoderShape, tokens: int) -> int:
    """Operations to read `tokens` tokens in full contexts."""
    return tokens * (2 * shape.matrix_weights + _attention_flop(shape))


def training_flop(shape: DecoderShape, tokens: int) -> int:
    """Operations to train all weights on `tokens` tokens."""
    return 3 * forward_flop(shape, tokens)


def adapter_training_flop(shape: DecoderShape, tokens: int, *, rank: int) -> int:
    """Operations to train low-rank adapters of `rank` on every layer matrix.

    Frozen weights need no gradient of their own, only one for what flows through; attention has no weights and costs
    its full backward pass.
    """
    adapter_weights = (
        shape.layers * rank * (4 * 2 * shape.hidden_size + 3 * (shape.hidden_size + shape.feedforward_size))
    )
    return tokens * (4 * shape.matrix_weights + 3 * _attention_flop(shape) + 6 * adapter_weights)


def _attention_flop(shape: DecoderShape) -> int:
    """Operations of one token's scores and weighted sums over a full context, in all layers."""
    return 4 * shape.layers * shape.context_tokens * shape.hidden_size
