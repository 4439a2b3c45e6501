"""Lets a model write a little text, for people to look at while it trains. Knows a model and a tokenizer."""

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer

from kifabrik.training.decoder import Model
from kifabrik.training.hardware import Hardware
from kifabrik.training.tokenizer import END_OF_TEXT, special_id

TOKENS = 64
TEMPERATURE = 0.6
CANDIDATES = 30


def write_sample(
    model: Model, tokenizer: Tokenizer, *, prompt_tokens: Sequence[int], hardware: Hardware, context_tokens: int
) -> str:
    """Continue a prompt by up to 64 tokens at temperature 0.6 among the 30 likeliest; ends where the model ends.

    The same weights give the same text, which starts with the prompt.
    """
    generator = torch.Generator().manual_seed(0)
    tokens, end_id = list(prompt_tokens), special_id(tokenizer, END_OF_TEXT)
    with torch.inference_mode():
        for _ in range(TOKENS):
            rows = torch.tensor([tokens[-context_tokens:]], device=hardware.device)
            with hardware.autocast():
                logits = model(input_ids=rows, use_cache=False).logits[0, -1].float().cpu()
            best, places = torch.topk(logits / TEMPERATURE, min(CANDIDATES, len(logits)))
            choice = torch.multinomial(torch.softmax(best, dim=-1), 1, generator=generator)
            token = int(places[choice])
            if token == end_id:
                break
            tokens.append(token)
    return str(tokenizer.decode(tokens, skip_special_tokens=True))
