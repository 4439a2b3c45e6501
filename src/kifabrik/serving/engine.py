"""Loads one model folder and continues text with it. Knows transformers, not HTTP and not releases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as hub_logging

from kifabrik.core.errors import InvalidInput
from kifabrik.serving.sampling import Chooser, Sampling
from kifabrik.serving.text_flow import TextFlow

TEMPERATURE_DEFAULT = 1.0
PARAMETERS_OF_A_SMALL_MODEL = 50_000_000
_THREADS = torch.get_num_threads()

hub_logging.disable_progress_bar()  # a server's log is no terminal


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer; the last one says why it is the last."""

    text: str
    tokens: int
    finish: Literal["stop", "length"] | None = None


class Engine:
    """A loaded model; one generation at a time, which is the caller's care."""

    def __init__(self, model_folder: Path) -> None:
        safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        self._tokenizer = AutoTokenizer.from_pretrained(model_folder, **safe)
        self._model = AutoModelForCausalLM.from_pretrained(model_folder, use_safetensors=True, **safe)
        self._model.eval()
        # A small model's steps are shorter than the meeting of threads: one is up to twenty times as fast as two.
        is_small = self._model.num_parameters() < PARAMETERS_OF_A_SMALL_MODEL
        self._threads = 1 if is_small else _THREADS
        generation = self._model.generation_config
        self.context_tokens: int = self._model.config.max_position_embeddings
        self.temperature = float(generation.temperature if generation.temperature is not None else TEMPERATURE_DEFAULT)
        self.top_p = float(generation.top_p if generation.top_p is not None else 1.0)
        self.top_k = int(generation.top_k or 0)
        ends = generation.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])

    def encode_text(self, text: str) -> list[int]:
        """Turn text to be continued into tokens, with the beginning the model was trained with."""
        return list(self._tokenizer.encode(text))

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Write a conversation as the model's chat template wants it; raises InvalidInput if it has none."""
        if not self._tokenizer.chat_template:
            raise InvalidInput(
                "this model was not taught to chat: it has no chat template.",
                where="messages",
                remedy="Use /v1/completions.",
            )
        tokens = self._tokenizer.apply_chat_template(
            [dict(message) for message in messages], add_generation_prompt=True, return_dict=False
        )
        return list(tokens)

    def room_after(self, prompt: Sequence[int]) -> int:
        """Say how many tokens fit behind a prompt; raises InvalidInput if none does, or if it is no prompt."""
        if not prompt:
            raise InvalidInput("the prompt is empty.", where="prompt", remedy="Write at least one character.")
        if min(prompt) < 0 or max(prompt) >= self._model.config.vocab_size:
            raise InvalidInput("the prompt holds a number that is no token of this model.", where="prompt")
        room = self.context_tokens - len(prompt)
        if room < 1:
            raise InvalidInput(
                f"the prompt has {len(prompt)} tokens, and this model reads {self.context_tokens} in all.",
                where="prompt",
                remedy="Shorten the prompt.",
                code="context_length_exceeded",
            )
        return room

    def generate(self, prompt: Sequence[int], sampling: Sampling) -> Iterator[Piece]:
        """Continue a prompt, one piece a token; whoever stops iterating stops the work."""
        flow = TextFlow(self._decode, stops=sampling.stops)
        chooser = Chooser(sampling)
        tokens, cache = torch.tensor([list(prompt)], device=self._model.device), None
        for number in range(1, sampling.tokens_max + 1):
            logits, cache = self._advance(tokens, cache)
            token = chooser.choose(logits)
            if token in self._ends:
                yield Piece(flow.end(), number, "stop")
                return
            text = flow.push(token)
            if flow.is_stopped:
                yield Piece(text, number, "stop")
                return
            if number == sampling.tokens_max:
                rest = text + flow.end()
                yield Piece(rest, number, "stop" if flow.is_stopped else "length")
                return
            yield Piece(text, number)
            tokens = torch.tensor([[token]], device=self._model.device)

    @torch.inference_mode()
    def _advance(self, tokens: torch.Tensor, cache: Any) -> tuple[torch.Tensor, Any]:
        torch.set_num_threads(self._threads)  # holds for the calling thread, and each step may come from another
        answer = self._model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return answer.logits[0, -1], answer.past_key_values

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text
