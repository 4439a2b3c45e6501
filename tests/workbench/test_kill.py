"""Kill -9 of a real process in the middle of a phase, and a new start that ends in the same bytes as no kill at all."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.workbench.conftest import kinds

from kifabrik.records.recipe import Budget, Recipe
from kifabrik.records.run_manifest import RunManifest
from kifabrik.training.stopping import Stopped

PATIENCE_SECONDS = 120


def start(recipe: Path, folder: Path, dataset: Path) -> subprocess.Popen[str]:
    """Start the command of a job, as the site agent does."""
    options = ["--folder", str(folder), "--dataset", str(dataset), "--run-id", "run-kill"]
    command = [sys.executable, "-m", "kifabrik", "run", str(recipe), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> int:
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in errors
    return process.returncode


def wait_for(folder: Path, kind: str, step: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (folder / "events.jsonl").exists() and (kind, step) in whole_kinds(folder):
            return
        time.sleep(0.005)
    raise AssertionError(f"no {kind} of {step}")


def whole_kinds(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "events.jsonl").read_bytes().split(b"\n")[:-1]
    return [(event["kind"], event["step"]) for event in map(json.loads, lines)]


@pytest.fixture(scope="module")
def slow_recipe(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The step-boxed recipe, with phases long enough to be hit and checkpoints so often that a kill falls between."""
    longer = {"checkpoint_every_steps": 10, "budget": Budget(steps=90)}
    assert recipe.fine_tuning is not None
    changed = recipe.model_copy(
        update={
            "pretraining": recipe.pretraining.model_copy(update=longer),
            "fine_tuning": recipe.fine_tuning.model_copy(update=longer),
        }
    )
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    changed.write(path)
    return path


@pytest.fixture(scope="module")
def undisturbed(slow_recipe: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunManifest:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert finish(start(slow_recipe, folder, dataset)) == 0
    return RunManifest.read(folder / "manifest.json")


def test_a_run_killed_in_both_training_phases_ends_in_the_same_model(
    slow_recipe: Path, dataset: Path, undisturbed: RunManifest, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    for phase in ("pretraining", "fine-tuning"):
        process = start(slow_recipe, folder, dataset)
        wait_for(folder, "checkpoint", phase)
        process.kill()
        assert finish(process) == -signal.SIGKILL
        assert ("step-ended", phase) not in whole_kinds(folder)
    assert finish(start(slow_recipe, folder, dataset)) == 0

    manifest = RunManifest.read(folder / "manifest.json")
    assert manifest.attempts == 3
    assert manifest.model is not None
    assert manifest.model == undisturbed.model
    assert steps_without_time(manifest) == steps_without_time(undisturbed)
    starts = [step for kind, step in kinds(folder) if kind == "step-started"]
    assert (starts.count("tokenizer"), starts.count("pretraining"), starts.count("fine-tuning")) == (1, 2, 2)


def test_sigterm_saves_a_checkpoint_and_says_so_with_its_exit_code(
    slow_recipe: Path, dataset: Path, undisturbed: RunManifest, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start(slow_recipe, folder, dataset)
    wait_for(folder, "checkpoint", "pretraining")

    os.kill(process.pid, signal.SIGTERM)

    assert finish(process) == Stopped.exit_code == 75
    assert whole_kinds(folder)[-2:] == [("checkpoint", "pretraining"), ("warning", "pretraining")]
    assert not RunManifest.read(folder / "manifest.json").finished
    assert finish(start(slow_recipe, folder, dataset)) == 0
    assert RunManifest.read(folder / "manifest.json").model == undisturbed.model


def steps_without_time(manifest: RunManifest) -> list[object]:
    return [
        (record.step, record.outputs, {k: v for k, v in record.figures.items() if "seconds" not in k})
        for record in manifest.steps
        if record.step != "evaluation"  # its report carries the moment it was made
    ]
