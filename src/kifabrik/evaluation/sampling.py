"""Lets the model write a little, for people who want to see what it is like. Nothing is judged by it."""

from typing import Any

import numpy as np
import torch

from kifabrik.evaluation.subject import Subject

SAMPLES = 3
PROMPT_TOKENS = 8
NEW_TOKENS = 48
TEMPERATURE = 0.7


def write_samples(subject: Subject) -> tuple[str, ...]:
    """Continue the beginnings of some held-out documents; the same seed gives the same text."""
    long_enough = [number for number in range(len(subject.held_out)) if len(subject.held_out[number]) > PROMPT_TOKENS]
    chosen = np.random.default_rng([subject.recipe.seed, 14]).permutation(long_enough)[:SAMPLES]
    return tuple(_continue(subject, np.asarray(subject.held_out[int(number)][:PROMPT_TOKENS])) for number in chosen)


def _continue(subject: Subject, prompt: Any) -> str:
    model = subject.model
    source = torch.Generator().manual_seed(subject.recipe.seed)
    tokens = [int(token) for token in prompt]
    room = max(0, model.context_tokens - len(tokens))
    with torch.inference_mode():
        for _ in range(min(NEW_TOKENS, room)):
            logits = model.network(input_ids=torch.tensor([tokens], device=model.device)).logits[0, -1].float().cpu()
            chances = torch.softmax(logits / TEMPERATURE, dim=-1)
            tokens.append(int(torch.multinomial(chances, 1, generator=source)))
    return str(subject.tokenizer.decode(tokens))
