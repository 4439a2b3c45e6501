"""A tiny text, its tokenizer and its token files, made once a session; everything runs on the CPU in seconds."""

import inspect
import json
import textwrap

import pytest
import torch
from tokenizers import Tokenizer

from kifabrik.records.recipe import Recipe
from kifabrik.training import token_file
from kifabrik.training.hardware import Hardware
from kifabrik.training.memo_encoder import MemoEncoder
from kifabrik.training.token_file import TokenFile
from kifabrik.training.tokenizer import train_tokenizer

TEXTS = [inspect.getsource(module) for module in (json, json.decoder, json.encoder, textwrap)]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, vocabulary=400)


@pytest.fixture(scope="session")
def tokens(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> TokenFile:
    path = tmp_path_factory.mktemp("tokens") / "train"
    encoder = MemoEncoder(tokenizer)
    documents = ((len(text.encode()), encoder.encode(text)) for text in TEXTS)
    token_file.write(path, documents, vocabulary=tokenizer.get_vocab_size())
    return token_file.read(path)


@pytest.fixture
def hardware() -> Hardware:
    torch.set_num_threads(1)
    return Hardware(device="cpu", threads=1, uses_bfloat16=False)


@pytest.fixture
def recipe() -> Recipe:
    return Recipe.model_validate(
        {
            "name": "tiny",
            "dataset": "none",
            "tokenizer": {"vocabulary": 400},
            "model": {
                "hidden_size": 32,
                "layers": 2,
                "heads": 2,
                "feedforward_size": 64,
                "context_tokens": 32,
            },
            "pretraining": {"budget": {"steps": 12}, "batch_sequences": 4, "checkpoint_every_steps": 5},
            "fine_tuning": {
                "budget": {"steps": 8},
                "batch_sequences": 4,
                "rank": 2,
                "alpha": 4,
                "checkpoint_every_steps": 3,
            },
        }
    )
