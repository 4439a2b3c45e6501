"""Builds the Llama-architecture decoder of a recipe. Knows shapes and seeds, not how it is trained."""

from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from kifabrik.core.flop import DecoderShape
from kifabrik.records.recipe import ModelRecipe

Model = Any  # a transformers module; the library ships no types that can be followed


def shape_of(recipe: ModelRecipe, *, vocabulary: int) -> DecoderShape:
    """Give the sizes that the closed FLOP formula needs."""
    return DecoderShape(
        hidden_size=recipe.hidden_size,
        layers=recipe.layers,
        feedforward_size=recipe.feedforward_size,
        vocabulary=vocabulary,
        context_tokens=recipe.context_tokens,
    )


def build(recipe: ModelRecipe, *, vocabulary: int, end_id: int, seed: int) -> Model:
    """Make the untrained decoder; the same recipe and seed give the same weights to the bit."""
    torch.manual_seed(seed)
    configuration = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden_size,
        intermediate_size=recipe.feedforward_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context_tokens,
        tie_word_embeddings=True,
        bos_token_id=end_id,
        eos_token_id=end_id,
        pad_token_id=end_id,
        attention_dropout=0.0,
        use_cache=True,
    )
    return LlamaForCausalLM(configuration)
