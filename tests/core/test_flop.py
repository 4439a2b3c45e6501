"""The closed formula against PyTorch's own counter, on tiny decoders with eager attention (sdpa is not counted)."""

import warnings

import peft
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from kifabrik.core.flop import DecoderShape, adapter_training_flop, forward_flop, training_flop

SHAPES = [
    DecoderShape(hidden_size=64, layers=2, feedforward_size=176, vocabulary=512, context_tokens=64),
    DecoderShape(hidden_size=32, layers=8, feedforward_size=80, vocabulary=256, context_tokens=256),
]
SEQUENCES = 2


def build(shape: DecoderShape) -> LlamaForCausalLM:
    configuration = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.feedforward_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=shape.context_tokens,
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    return LlamaForCausalLM(configuration)


def count(model, shape: DecoderShape, *, backward: bool) -> int:
    rows = torch.zeros((SEQUENCES, shape.context_tokens), dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        logits = model(input_ids=rows, use_cache=False).logits
        if backward:
            logits.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_and_training_agree_with_the_counter_within_two_per_cent(shape: DecoderShape) -> None:
    model = build(shape)
    tokens = SEQUENCES * shape.context_tokens

    assert forward_flop(shape, tokens) == pytest.approx(count(model, shape, backward=False), rel=0.02)
    assert training_flop(shape, tokens) == pytest.approx(count(model, shape, backward=True), rel=0.02)


def test_adapter_training_agrees_with_the_counter_within_two_per_cent() -> None:
    shape, rank = SHAPES[1], 4
    adapted = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = peft.get_peft_model(build(shape), peft.LoraConfig(r=rank, target_modules=list(adapted)))

    counted = count(model, shape, backward=True)

    assert adapter_training_flop(shape, SEQUENCES * shape.context_tokens, rank=rank) == pytest.approx(counted, rel=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_parameters_are_those_of_the_model(shape: DecoderShape) -> None:
    assert shape.parameters == sum(weights.numel() for weights in build(shape).parameters())
