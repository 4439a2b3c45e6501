"""Encoded pairs: a token file of whole sequences, and beside it how many first tokens of each are the prompt.

A sequence is <|endoftext|><|prompt|>…<|completion|>…<|endoftext|>; CHAT_TEMPLATE writes the same for a served model.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from kifabrik.core import files
from kifabrik.core.errors import InvalidInput
from kifabrik.training import token_file
from kifabrik.training.memo_encoder import MemoEncoder
from kifabrik.training.pairs import Pair, PairCounts
from kifabrik.training.token_file import Array, TokenFile
from kifabrik.training.tokenizer import COMPLETION, END_OF_TEXT, PROMPT, special_id

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}" + COMPLETION + "{{ message['content'] }}" + END_OF_TEXT + "{% else %}"
    "{% if loop.first or messages[loop.index0 - 1]['role'] == 'assistant' %}"
    + PROMPT
    + "{% else %}{{ '\n' }}{% endif %}"
    "{{ message['content'] }}{% endif %}{% endfor %}{% if add_generation_prompt %}" + COMPLETION + "{% endif %}"
)


@dataclass(frozen=True, slots=True)
class PairSizes:
    """How many pairs were kept and what was lost, for the figures of the step."""

    documents: int
    unreadable_documents: int
    duplicates: int
    pairs: int
    truncated_completions: int
    dropped_long_prompts: int


@dataclass(frozen=True, slots=True)
class PairFile:
    """Encoded pairs; `prompt_tokens[i]` first tokens of sequence i carry no loss."""

    sequences: TokenFile
    prompt_tokens: Array


def write(
    path: Path, pairs: Iterable[Pair], *, counts: PairCounts, tokenizer: Tokenizer, context_tokens: int
) -> PairSizes:
    """Encode and store pairs; a completion beyond the context is cut, a prompt of more than half of it is left out.

    Both are counted. Raises InvalidInput if no pair is left.
    """
    encoder = _PairEncoder(tokenizer, context_tokens)
    token_file.write(path, encoder.encode_all(pairs), vocabulary=tokenizer.get_vocab_size())
    if not encoder.prompt_tokens:
        raise InvalidInput(
            "the training documents hold no pair to fine-tune on "
            f"({counts.documents} documents looked at, {encoder.dropped} prompts too long).",
            where="fine_tuning.pairs",
            remedy="Use 'signature-docstring' for Python sources with docstrings, 'prompt-completion' for prose, "
            "or take fine_tuning out of the recipe.",
        )
    token_file.write_array(path.with_name(f"{path.name}.prompts.npy"), np.asarray(encoder.prompt_tokens))
    sizes = PairSizes(
        documents=counts.documents,
        unreadable_documents=counts.unreadable_documents,
        duplicates=counts.duplicates,
        pairs=len(encoder.prompt_tokens),
        truncated_completions=encoder.truncated,
        dropped_long_prompts=encoder.dropped,
    )
    files.write_text(path.with_name(f"{path.name}.sizes.json"), json.dumps(asdict(sizes), indent=2) + "\n")
    return sizes


def read(path: Path) -> PairFile:
    """Open stored pairs."""
    prompts = np.load(path.with_name(f"{path.name}.prompts.npy"), allow_pickle=False)
    return PairFile(sequences=token_file.read(path), prompt_tokens=prompts)


class _PairEncoder:
    """Encodes pairs one by one and counts what it had to cut or leave out."""

    def __init__(self, tokenizer: Tokenizer, context_tokens: int) -> None:
        self._encoder = MemoEncoder(tokenizer)
        self._end, self._prompt, self._completion = (
            special_id(tokenizer, token) for token in (END_OF_TEXT, PROMPT, COMPLETION)
        )
        self._context = context_tokens
        self.prompt_tokens: list[int] = []
        self.truncated = 0
        self.dropped = 0

    def encode_all(self, pairs: Iterable[Pair]) -> Iterator[tuple[int, list[int]]]:
        for pair in pairs:
            head = self._encode_head(pair)
            if not head:
                self.dropped += 1
                continue
            tokens = [*head, *self._encoder.encode(pair.completion), self._end]
            if len(tokens) > self._context + 1:
                self.truncated += 1
                tokens = tokens[: self._context + 1]
            self.prompt_tokens.append(len(head))
            yield len(pair.prompt.encode()) + len(pair.completion.encode()), tokens

    def _encode_head(self, pair: Pair) -> list[int]:
        """Encode what comes before a completion in at most half of the context; the oldest exchanges go first.

        Gives nothing if the prompt alone is longer.
        """
        head = [self._end, self._prompt, *self._encoder.encode(pair.prompt), self._completion]
        if len(head) > self._context // 2:
            return []
        for prompt, completion in reversed(pair.before):
            earlier = [self._end, self._prompt, *self._encoder.encode(prompt), self._completion]
            earlier += self._encoder.encode(completion)
            if len(earlier) + len(head) > self._context // 2:
                break
            head = earlier + head
        return head
