"""Two processes train one model as one would, stop together, and resume to the same bytes after any of them died."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from tests.workbench.test_kill import PATIENCE_SECONDS, finish, start, wait_for, whole_kinds

from kifabrik.records.recipe import Budget, HardwareRecipe, Recipe
from kifabrik.records.run_manifest import RunManifest

LOSS_TOLERANCE = 0.02  # nats: sums in another order, in bfloat16 where the processor has it


def write_recipe(recipe: Recipe, path: Path, *, processes: int = 1, nodes: int = 1, batch: int | None = None) -> Path:
    assert recipe.fine_tuning is not None
    part: dict[str, object] = {"checkpoint_every_steps": 10, "budget": Budget(steps=40)}
    pretraining = {**part, **({"batch_sequences": batch} if batch else {})}
    recipe.model_copy(
        update={
            "pretraining": recipe.pretraining.model_copy(update=pretraining),
            "fine_tuning": recipe.fine_tuning.model_copy(update=part),
            "hardware": HardwareRecipe(device="cpu", processes_per_node=processes, nodes=nodes, threads=1),
        }
    ).write(path)
    return path


@pytest.fixture(scope="module")
def pair_recipe(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recipe(recipe, tmp_path_factory.mktemp("recipe") / "pair.json", processes=2)


@pytest.fixture(scope="module")
def undisturbed(pair_recipe: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunManifest:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert finish(start(pair_recipe, folder, dataset)) == 0
    return RunManifest.read(folder / "manifest.json")


def figures(manifest: RunManifest, step: str) -> dict[str, float]:
    return dict(next(record.figures for record in manifest.steps if record.step == step))


def test_two_processes_learn_what_one_learns(
    recipe: Recipe, dataset: Path, undisturbed: RunManifest, tmp_path: Path
) -> None:
    alone = write_recipe(recipe, tmp_path / "alone.json")
    assert finish(start(alone, tmp_path / "run", dataset)) == 0
    manifest = RunManifest.read(tmp_path / "run" / "manifest.json")

    for step in ("pretraining", "fine-tuning"):
        one, two = figures(manifest, step), figures(undisturbed, step)
        assert two["tokens"] == one["tokens"]
        assert two["train_loss"] == pytest.approx(one["train_loss"], abs=LOSS_TOLERANCE)


def test_two_processes_stop_together_and_resume_to_the_same_model(
    pair_recipe: Path, dataset: Path, undisturbed: RunManifest, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start(pair_recipe, folder, dataset)
    wait_for(folder, "checkpoint", "pretraining")
    process.send_signal(signal.SIGTERM)

    assert finish(process) == os.EX_TEMPFAIL
    assert ("step-ended", "pretraining") not in whole_kinds(folder)
    assert finish(start(pair_recipe, folder, dataset)) == 0
    assert RunManifest.read(folder / "manifest.json").model == undisturbed.model


def test_a_follower_that_is_killed_ends_the_attempt_and_nothing_is_lost(
    pair_recipe: Path, dataset: Path, undisturbed: RunManifest, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start(pair_recipe, folder, dataset)
    wait_for(folder, "checkpoint", "fine-tuning")
    follower = find_follower(process.pid)
    follower.kill()

    assert finish(process) != 0
    assert ("step-ended", "fine-tuning") not in whole_kinds(folder)
    assert finish(start(pair_recipe, folder, dataset)) == 0
    assert RunManifest.read(folder / "manifest.json").model == undisturbed.model


def find_follower(starter: int) -> psutil.Process:
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit:
        for child in psutil.Process(starter).children(recursive=True):
            try:
                if child.environ().get("RANK") == "1":
                    return child
            except psutil.Error:
                continue
        time.sleep(0.01)
    raise AssertionError("no second process")


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [({"nodes": 2}, "asks for 2 machines, and this is one"), ({"processes": 2, "batch": 3}, "cannot be shared evenly")],
)
def test_what_cannot_be_started_is_refused_in_words(
    recipe: Recipe, dataset: Path, tmp_path: Path, wishes: dict[str, int], sentence: str
) -> None:
    refused = start(write_recipe(recipe, tmp_path / "r.json", **wishes), tmp_path / "run", dataset)
    _, errors = refused.communicate(timeout=PATIENCE_SECONDS)

    assert refused.returncode == 2
    assert sentence in " ".join(errors.split())
    assert "Traceback" not in errors
