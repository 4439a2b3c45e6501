"""Stands in for the workbench's walk: the same command line and run folder, seconds instead of minutes.

The dataset's `behaviour` file says what happens: `steps N`, then `fail WORDS`, `hang`, `unfinished`, `once-killed`.
Every step is done once, however often the command is started; `starts` counts the starts.
"""

import argparse
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

STEP_SECONDS = 0.05


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", type=Path)
    for option in ("--folder", "--dataset", "--run-id"):
        parser.add_argument(option, required=True)
    asked = parser.parse_args()
    folder = Path(asked.folder)
    with (folder / "starts").open("a") as stream:
        stream.write("x")
    behaviour = (Path(asked.dataset) / "behaviour").read_text().split()
    events = folder / "events.jsonl"
    done = len(events.read_text().splitlines()) if events.exists() else 0
    for step in range(done, int(behaviour[1])):
        time.sleep(STEP_SECONDS)
        say(events, kind="progress", step="pretraining", done=(step + 1) / int(behaviour[1]))
    behave(behaviour[2:], folder, events)
    finish(folder, asked.recipe, asked.run_id, is_finished="unfinished" not in behaviour)


def behave(what: list[str], folder: Path, events: Path) -> None:
    starts = len((folder / "starts").read_text())
    if what[:1] == ["hang"]:
        (folder / "begun").write_text(str(os.getpid()))
        time.sleep(60)
    if what[:1] == ["killed"] or (what[:1] == ["once-killed"] and starts == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if what[:1] == ["fail"]:
        say(events, kind="failed", message=" ".join(what[1:]))
        sys.exit(2)
    if what[:1] == ["complain"]:
        sys.exit(" ".join(what[1:]))


def say(events: Path, **fields: object) -> None:
    sequence = len(events.read_text().splitlines()) + 1 if events.exists() else 1
    event = {"schema_version": 1, "sequence": sequence, "at": datetime.now(UTC).isoformat(), **fields}
    with events.open("a") as stream:
        stream.write(json.dumps(event) + "\n")


def finish(folder: Path, recipe_path: Path, run_id: str, *, is_finished: bool) -> None:
    from kifabrik.records import EvaluationReport, RunManifest
    from kifabrik.records.recipe_file import read_recipe
    from kifabrik.records.run_manifest import ComputeRecord, Environment

    recipe = read_recipe(recipe_path)
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "model.safetensors").write_bytes(b"weights" * 1000)
    (model / "config.json").write_text("{}")
    zero = "sha256:" + "0" * 64
    EvaluationReport(
        run_id=run_id, model_digest=zero, dataset_digest=recipe.dataset, made_at="2026-01-01T00:00:00Z", results=()
    ).write(folder / "evaluation.json")
    RunManifest(
        run_id=run_id,
        recipe=recipe,
        recipe_digest=recipe.digest(),
        dataset_digest=recipe.dataset,
        dataset_name="demo",
        environment=Environment(python="", platform="", processor="", threads=1, device="cpu", packages={}),
        attempts=1,
        steps=(),
        compute=ComputeRecord(flop=1, method="none", train_tokens=1, wall_seconds=1),
        finished=is_finished,
    ).write(folder / "manifest.json")


if __name__ == "__main__":
    main()
