"""Writes a model folder in Hugging Face layout: weights as safetensors, no code, no pickle. Knows no run."""

import json
import shutil
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from kifabrik.core import digests, files
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_manifest import ModelRecord
from kifabrik.training import tokenizer as tokenizers
from kifabrik.training.checkpoint import read_tensors, write_tensors
from kifabrik.training.pair_file import CHAT_TEMPLATE
from kifabrik.training.pretraining import build_untrained

GENERATION = {"do_sample": True, "temperature": 0.6, "top_k": 30, "max_new_tokens": 128}


def write_model(folder: Path, recipe: Recipe, *, tokenizer: Tokenizer, weights: Path | None) -> ModelRecord:
    """Write the model with the stored weights, or the untrained one if there are none; whole or not at all."""
    model = build_untrained(recipe, tokenizer)
    if weights is not None:
        read_tensors(weights, into=dict(model.named_parameters()))
    half = folder.with_name(f".{folder.name}.half")
    with files.explain_disk_errors(folder):
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        write_tensors(half / "model.safetensors", dict(model.named_parameters()), metadata={"format": "pt"})
        _write_json(half / "config.json", _configuration(model, recipe))
        _write_json(half / "generation_config.json", _generation(tokenizer))
        _write_json(half / "tokenizer_config.json", _tokenizer_configuration(recipe))
        tokenizers.save(tokenizer, half / "tokenizer.json")
        shutil.rmtree(folder, ignore_errors=True)
        half.rename(folder)
        files.fsync_folder(folder.parent)
    listing = digests.digest_files(folder)
    return ModelRecord(
        architecture="LlamaForCausalLM",
        parameters=sum(each.numel() for each in model.parameters()),
        context_tokens=recipe.model.context_tokens,
        vocabulary=tokenizer.get_vocab_size(),
        files=listing,
        model_digest=digests.digest_listing(listing),
    )


def _configuration(model: Any, recipe: Recipe) -> dict[str, Any]:
    return {
        **json.loads(model.config.to_json_string(use_diff=False)),
        "architectures": ["LlamaForCausalLM"],
        "dtype": "float32",
        "max_position_embeddings": recipe.model.context_tokens,
    }


def _generation(tokenizer: Tokenizer) -> dict[str, Any]:
    end = tokenizers.special_id(tokenizer, tokenizers.END_OF_TEXT)
    return {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, **GENERATION}


def _tokenizer_configuration(recipe: Recipe) -> dict[str, Any]:
    """Describe the tokenizer; a chat template only where fine-tuning taught the model its format."""
    chat = {"chat_template": CHAT_TEMPLATE} if recipe.fine_tuning else {}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": recipe.model.context_tokens,
        "bos_token": tokenizers.END_OF_TEXT,
        "eos_token": tokenizers.END_OF_TEXT,
        "pad_token": tokenizers.END_OF_TEXT,
        "clean_up_tokenization_spaces": False,
        **chat,
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    files.write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
