"""A tiny model in the layout that the workbench packages, made once for all tests of this room."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXTS = ["def add(a, b): return a + b", "Grüße aus Köln, wo die Fabrik steht.", "the quick brown fox jumps"] * 20


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory):
    from kifabrik.records.recipe import Recipe
    from kifabrik.training.tokenizer import train_tokenizer
    from kifabrik.workbench.packaging import write_model

    tokenizer = train_tokenizer(TEXTS, vocabulary=330)

    def make(folder: Path, *, chats: bool = True) -> Path:
        recipe = Recipe.model_validate(
            {
                "name": "tiny",
                "dataset": "x",
                "model": {"hidden_size": 32, "layers": 2, "heads": 2, "feedforward_size": 64, "context_tokens": 96},
                "pretraining": {"budget": {"steps": 1}},
                "fine_tuning": {"budget": {"steps": 1}} if chats else None,
            }
        )
        folder.mkdir(parents=True)
        write_model(folder / "model", recipe, tokenizer=tokenizer, weights=None)
        return folder

    return make


@pytest.fixture(scope="session")
def release(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("releases") / "tiny")


@pytest.fixture(scope="session")
def release_that_does_not_chat(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("releases") / "plain", chats=False)
