"""Tokens a second of the own pre-training loop against transformers.Trainer, same model, batch and number format.

Rounds are interleaved, so that a busy machine slows both; trust the ratio of the medians, not the figures.
    python benchmarks/training_speed.py --steps 40 --rounds 3
"""

import argparse
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from kifabrik.records.recipe import Budget, HardwareRecipe, ModelRecipe
from kifabrik.training import decoder, hardware, held_out, loop, optimisers
from kifabrik.training.checkpoint import Checkpoints
from kifabrik.training.telemetry import Measured
from kifabrik.training.windows import Windows

MODEL = ModelRecipe(hidden_size=256, layers=4, heads=4, feedforward_size=688, context_tokens=256)
VOCABULARY, BATCH, SEED = 4096, 8, 17


class Rows(torch.utils.data.Dataset):
    """Random windows in the shape that Trainer wants."""

    def __init__(self, tokens: np.ndarray, count: int) -> None:
        self._windows = Windows(tokens, context_tokens=MODEL.context_tokens, batch_sequences=1, seed=SEED)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> dict:
        row = torch.from_numpy(self._windows.batch(place)[0][:-1])
        return {"input_ids": row, "labels": row}


def own_loop(tokens: np.ndarray, device: hardware.Hardware, steps: int, *, kind: str) -> float:
    """Seconds from the first to the last step of the loop that `kifabrik run` uses."""
    model = build(device)
    stream = Windows(tokens, context_tokens=MODEL.context_tokens, batch_sequences=BATCH, seed=SEED)
    moments: list[float] = []

    def loss_of_step(step: int) -> tuple:
        rows = torch.from_numpy(stream.batch(step)).to(device.device)
        return held_out.next_token_loss(model, rows, device), BATCH * MODEL.context_tokens

    def note(told: object) -> None:
        if isinstance(told, Measured):
            moments.append(time.monotonic())

    work = loop.Work(
        loss_of_step=loss_of_step,
        weights=dict(model.named_parameters()),
        optimisers=optimisers.for_pretraining(model, kind=kind, learning_rate=1e-3, matrix_learning_rate=0.02),
        measure=dict,
        sample=str,
    )
    phase = loop.Phase(name="benchmark", budget=Budget(steps=steps + 1), checkpoint_seconds=1e9, tell_seconds=0)
    with tempfile.TemporaryDirectory() as folder:
        loop.run(phase, work, checkpoints=Checkpoints(Path(folder), belongs_to="benchmark"), report=note)
    return moments[-1] - moments[0]


class Moments(TrainerCallback):
    """Notes when each step of Trainer ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_arguments: object, **_options: object) -> None:
        self.ends.append(time.monotonic())


def trainer(tokens: np.ndarray, device: hardware.Hardware, steps: int) -> float:
    """Seconds from the first to the last step of transformers.Trainer with the optimiser it chooses itself."""
    moments = Moments()
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            max_steps=steps + 1,
            per_device_train_batch_size=BATCH,
            learning_rate=1e-3,
            bf16=device.uses_bfloat16,
            use_cpu=device.device == "cpu",
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        rows = Rows(tokens, (steps + 1) * BATCH)
        task = Trainer(model=build(device), args=settings, train_dataset=rows, callbacks=[moments])
        task.remove_callback(PrinterCallback)
        task.train()
    return moments.ends[-1] - moments.ends[0]


def build(device: hardware.Hardware) -> decoder.Model:
    return decoder.build(MODEL, vocabulary=VOCABULARY, end_id=0, seed=SEED).to(device.device).train()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--steps", type=int, default=40)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    device = hardware.prepare(HardwareRecipe())
    tokens = np.random.default_rng(SEED).integers(VOCABULARY, size=1_000_000).astype(np.uint16)
    seconds: dict[str, list[float]] = {"own-adamw": [], "own-muon": [], "trainer": []}
    for _ in range(options.rounds):
        seconds["own-adamw"].append(own_loop(tokens, device, options.steps, kind="adamw"))
        seconds["trainer"].append(trainer(tokens, device, options.steps))
        seconds["own-muon"].append(own_loop(tokens, device, options.steps, kind="muon"))
    total = options.steps * BATCH * MODEL.context_tokens
    speeds = {name: round(total / statistics.median(each)) for name, each in seconds.items()}
    result = {
        "tokens_per_second": speeds,
        "own_to_trainer": round(speeds["own-adamw"] / speeds["trainer"], 3),
        "own_muon_to_trainer": round(speeds["own-muon"] / speeds["trainer"], 3),
        "device": device.device,
        "threads": device.threads,
        "bfloat16": device.uses_bfloat16,
        "rounds": options.rounds,
        "steps": options.steps,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
