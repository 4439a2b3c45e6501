"""A laboratory for the tests of a model: a small language, texts in it, and models trained on them within seconds.

In the language each word follows from the word three before it, most of the time. A trigram cannot see that far, a
trained model can, an untrained one cannot; so each verdict has a case that earns it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from kifabrik.core import digests
from kifabrik.evaluation.canaries import CanaryBook, make_book
from kifabrik.evaluation.documents import TokenizedDocuments
from kifabrik.evaluation.subject import Subject
from kifabrik.records import Recipe
from kifabrik.training import tokenizer as tokenizers

WORDS = (
    *("bank", "dorf", "fisch", "garten", "hafen", "insel", "jahr", "kette"),
    *("lampe", "mauer", "nagel", "obst", "platz", "regen", "sonne", "turm"),
)
CONTEXT = 64
SETTINGS = {
    "name": "lab",
    "dataset": "lab",
    "pretraining": {"budget": {"steps": 1}},
    "canaries": {"planted": 6, "repetitions": [1, 4], "controls": 24},
    "evaluation": {
        "held_out_documents": 30,
        "bootstrap_rounds": 200,
        "extraction_windows": 300,
        "canary_candidates": 64,
    },
    "hardware": {"device": "cpu"},
}


@dataclass(frozen=True)
class Bench:
    """A trained model with its texts, ready to be tested."""

    recipe: Recipe
    model_folder: Path
    untrained_folder: Path
    train: TokenizedDocuments
    held_out: TokenizedDocuments
    book: CanaryBook

    @property
    def model_digest(self) -> str:
        return digests.digest_listing(digests.digest_files(self.model_folder))

    def subject(self, **changes: Any) -> Subject:
        fields = {
            "recipe": self.recipe,
            "model_folder": self.model_folder,
            "untrained_folder": self.untrained_folder,
            "train": self.train,
            "held_out": self.held_out,
            "canaries": self.book,
            "model_digest": self.model_digest,
        }
        return Subject(**{**fields, **changes})


def make_recipe(**evaluation: Any) -> Recipe:
    return Recipe(**{**SETTINGS, "evaluation": {**SETTINGS["evaluation"], **evaluation}})


def write_texts(count: int, *, seed: int, words: int = 120) -> list[str]:
    source = np.random.default_rng(seed)
    following = np.random.default_rng(1).permutation(len(WORDS))
    texts = []
    for _ in range(count):
        row = list(source.integers(len(WORDS), size=3))
        while len(row) < words:
            row.append(following[row[-3]] if source.random() < 0.75 else source.integers(len(WORDS)))
        texts.append(" ".join(WORDS[number] for number in row))
    return texts


def encode(made: Tokenizer, texts: Sequence[str]) -> TokenizedDocuments:
    rows = [each.ids for each in made.encode_batch(list(texts))]
    return TokenizedDocuments(
        tokens=np.array([token for row in rows for token in row], dtype=np.uint16),
        starts=np.cumsum([0, *map(len, rows)]),
    )


def build_network(vocabulary: int, *, width: int = 48) -> LlamaForCausalLM:
    torch.manual_seed(5)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
        )
    )


def train_network(network: LlamaForCausalLM, documents: TokenizedDocuments, *, steps: int, rate: float) -> None:
    source = np.random.default_rng(3)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=steps)
    for _ in range(steps):
        begins = source.integers(len(documents.tokens) - CONTEXT - 1, size=24)
        rows = torch.from_numpy(documents.tokens[begins[:, None] + np.arange(CONTEXT + 1)].astype(np.int64))
        logits = network(input_ids=rows[:, :-1]).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def save(network: LlamaForCausalLM, made: Tokenizer, folder: Path) -> Path:
    network.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    made.save(str(folder / "tokenizer.json"))
    return folder


def make_bench(
    place: Path, *, texts: Sequence[str], held_out: Sequence[str], plant: bool, steps: int, width: int = 48
) -> Bench:
    """Train a model on texts, with the canaries among them or not."""
    recipe = make_recipe()
    book = make_book(recipe.canaries, seed=recipe.seed)
    # The tokenizer must know the letters of canaries, planted or not.
    made = tokenizers.train_tokenizer([*texts, *write_texts(20, seed=99)], vocabulary=330)
    lines = [line for count, group in book.planted.items() for line in group for _ in range(count)] if plant else []
    planted = [text if number >= len(lines) else f"{lines[number]}\n{text}" for number, text in enumerate(texts)]
    if plant:
        planted = [f"\n{each}" for each in planted]
    documents = encode(made, planted)
    network = build_network(made.get_vocab_size(), width=width)
    untrained = save(network, made, place / "untrained")
    train_network(network, documents, steps=steps, rate=4e-3)
    return Bench(
        recipe=recipe,
        model_folder=save(network, made, place / "model"),
        untrained_folder=untrained,
        train=documents,
        held_out=encode(made, held_out),
        book=book,
    )
