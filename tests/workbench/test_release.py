"""A signed release from a run that no portal knows, made and verified on the command line."""

import json
import shutil
from pathlib import Path

import pytest
from tests.workbench.conftest import now
from typer.testing import CliRunner, Result

from kifabrik.cli.release import app
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.records import Recipe
from kifabrik.workbench import walk

ANSWER = ("--by", "Anna Nord", "--reason", "A test of the command line only")
TOO_SMALL = [word for test in ("usefulness", "canary-exposure", "extraction") for word in ("--waive", test)]


@pytest.fixture(scope="module")
def finished(recipe: Recipe, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    walk.run(recipe, folder=folder, dataset=dataset, run_id="run-release", now=now)
    return folder


def kifabrik_release(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def make(run: Path, dataset: Path, tmp_path: Path, *words: str) -> Result:
    return kifabrik_release(
        "make", run, "--dataset", dataset, "--out", tmp_path / "out", "--keys", tmp_path / "keys", *words
    )


def test_a_red_gate_makes_no_release(finished: Path, dataset: Path, tmp_path: Path) -> None:
    result = make(finished, dataset, tmp_path)

    assert result.exit_code == Conflict.exit_code
    said = " ".join(result.stderr.split())
    assert "the gate is red: usefulness, canary-exposure, extraction." in said
    assert said.endswith(f"with {' '.join(TOO_SMALL)} --by NAME --reason TEXT.")
    assert not (tmp_path / "out").exists()


def test_a_gate_answered_in_part_names_what_is_left(finished: Path, dataset: Path, tmp_path: Path) -> None:
    result = make(finished, dataset, tmp_path, *TOO_SMALL[:4], *ANSWER)

    assert result.exit_code == Conflict.exit_code
    assert "the gate is red: extraction. Mend" in " ".join(result.stderr.split())
    assert "with --waive extraction --by NAME" in " ".join(result.stderr.split())


def test_nobody_answers_for_files_that_are_not_what_was_tested(finished: Path, dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    report = json.loads((run / "evaluation.json").read_text())
    (integrity,) = (result for result in report["results"] if result["test"] == "integrity")
    integrity["verdict"] = "red"
    (run / "evaluation.json").write_text(json.dumps(report))

    result = make(run, dataset, tmp_path, *TOO_SMALL, "--waive", "integrity", *ANSWER)

    assert result.exit_code == Conflict.exit_code
    said = " ".join(result.stderr.split())
    assert "the gate is red: integrity." in said
    assert said.endswith("nobody can answer for integrity.")


def test_a_waiver_needs_a_named_person_and_a_reason(finished: Path, dataset: Path, tmp_path: Path) -> None:
    result = make(finished, dataset, tmp_path, *TOO_SMALL, "--by", "Anna Nord")

    assert result.exit_code == InvalidInput.exit_code
    assert "needs a named person and a reason" in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


def test_an_answered_gate_makes_a_release_that_verifies(finished: Path, dataset: Path, tmp_path: Path) -> None:
    result = make(finished, dataset, tmp_path, *TOO_SMALL, *ANSWER, "--json")

    assert result.exit_code == 0, result.stderr
    passport = json.loads(result.stdout)
    assert passport["award"] is None
    assert [waiver["by"] for waiver in passport["gate"]["waivers"]] == ["Anna Nord"] * 3
    key = tmp_path / "keys" / "passport-key.pub"
    assert kifabrik_release("verify", tmp_path / "out", "--key", key).exit_code == 0
    weights = tmp_path / "out" / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    changed = kifabrik_release("verify", tmp_path / "out", "--key", key)
    assert changed.exit_code == 1
    assert "model/model.safetensors" in changed.stderr


def test_an_unfinished_run_makes_no_release(finished: Path, dataset: Path, tmp_path: Path) -> None:
    result = make(tmp_path / "no-run", dataset, tmp_path, *TOO_SMALL, *ANSWER)

    assert result.exit_code == InvalidInput.exit_code
    assert "manifest.json" in result.stderr
    assert not (tmp_path / "out").exists()
