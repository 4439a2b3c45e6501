import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.workbench.conftest import now
from typer.testing import CliRunner

from kifabrik.cli.run import app
from kifabrik.cli.run_watch import follow
from kifabrik.datasets.check import check_dataset
from kifabrik.records.dataset_card import DeclaredOrigin
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_manifest import RunManifest
from kifabrik.records.run_state import FINAL
from kifabrik.site.client import PortalClient
from kifabrik.workbench.recipes import find, names

ACCEPT = ["--accept", "dataset.personal-data.email"]  # the package `email` is full of examples
runner = CliRunner()


def test_a_serious_finding_that_nobody_accepted_stops_the_run(dataset: Path, tmp_path: Path) -> None:
    arguments = [str(find("step-boxed-test")), "--dataset", str(dataset), "--folder", str(tmp_path / "run")]

    result = runner.invoke(app, [*arguments, "--accept", "dataset.personal-data.iban"])

    assert result.exit_code == 2
    assert "e-mail addresses" in result.stderr
    said = " ".join(result.stderr.split())
    assert "findings stop training on this dataset: dataset.personal-data.email. Mend the data and check it" in said
    assert said.endswith(f"take responsibility with {' '.join(ACCEPT)}.")
    assert not (tmp_path / "run").exists()


def test_a_finding_that_nobody_may_accept_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("Just one document.")
    check_dataset(
        [tmp_path / "one.txt"],
        out=tmp_path / "data",
        name="one",
        origin=DeclaredOrigin(title="One", licence="CC0-1.0", source="a test", source_kind="own"),
        now=now(),
    )

    result = runner.invoke(
        app, [str(find("step-boxed-test")), "--dataset", str(tmp_path / "data"), "--accept", "dataset.held-out.empty"]
    )

    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "findings stop training on this dataset: dataset.held-out.empty." in said
    assert said.endswith("nobody can take responsibility for dataset.held-out.empty.")


def test_a_recipe_is_walked_and_its_manifest_is_the_only_thing_on_standard_output(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIFABRIK_HOME", str(tmp_path))

    first = runner.invoke(app, [str(find("step-boxed-test")), "--dataset", str(dataset), *ACCEPT, "--json"])

    assert first.exit_code == 0, first.stderr
    manifest = RunManifest.model_validate_json(first.stdout)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == f"step-boxed-test-{manifest.run_id.removeprefix('run-')}"
    assert "pretraining: done" in first.stderr
    again = runner.invoke(
        app, [str(find("step-boxed-test")), "--dataset", str(dataset), "--folder", str(folder), "--json"]
    )
    assert json.loads(again.stdout) == json.loads(first.stdout)


@pytest.mark.parametrize(
    ("change", "sentence", "code"),
    [
        (("  vocabulary: 512", "  vocabulry: 512"), ":5: unknown field 'tokenizer.vocabulry'; did you mean", 2),
        (("    steps: 60", "    time: 60"), "has no unit; write for example '60 s'", 2),
        (("    steps: 60", "    time: 60 weeks"), "unknown unit 'weeks'", 2),
        (("  heads: 2", "  heads: 3"), "hidden_size must be an even multiple of heads", 2),
        (("  device: cpu", "  device: cuda"), "PyTorch finds no CUDA device here", 2),
        (("dataset: dataset", "dataset: [a"), "is not valid YAML", 2),
    ],
)
def test_a_wrong_recipe_is_one_sentence(
    change: tuple[str, str], sentence: str, code: int, dataset: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(find("step-boxed-test").read_text().replace(*change))

    result = runner.invoke(app, [str(path), "--dataset", str(dataset), "--folder", str(tmp_path / "run"), *ACCEPT])

    assert result.exit_code == code
    assert sentence in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_a_dataset_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = [str(find("step-boxed-test")), "--dataset", str(tmp_path / "none"), "--folder", str(tmp_path / "run")]

    result = runner.invoke(app, arguments)

    assert result.exit_code == 3
    assert "kifabrik dataset check" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_file_size_limit_is_one_sentence_and_the_run_goes_on_without_it(dataset: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from kifabrik.cli.run import app; app()", str(find("step-boxed-test"))]
    options = ["--dataset", str(dataset), "--folder", str(tmp_path / "run"), *ACCEPT, "--json"]

    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 200; exec "$0" "$@"', *command, *options],  # blocks of 1 KiB
        capture_output=True,
        text=True,
        check=False,
    )
    whole = subprocess.run([*command, *options], capture_output=True, text=True, check=False)

    assert limited.returncode == 6
    assert "cannot write: the limit on file sizes is reached" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert whole.returncode == 0, whole.stderr
    assert RunManifest.model_validate_json(whole.stdout).attempts == 2


def test_an_estimate_needs_no_torch_and_names_its_assumptions(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom kifabrik.cli.run import app\n"
        "try:\n    app(sys.argv[1:])\nfinally:\n    assert 'torch' not in sys.modules"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, "estimate", str(find("small-code-model")), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )

    figures = json.loads(result.stdout)
    assert figures["gpu_seconds"] > 95
    assert figures["flop"] > 0
    assert figures["assumptions"]


def test_an_unknown_system_is_named_with_the_known_ones() -> None:
    result = runner.invoke(app, ["estimate", str(find("small-code-model")), "--system", "abacus"])

    assert result.exit_code == 2
    assert "laptop" in result.stderr


@pytest.mark.parametrize("name", names())
def test_every_shipped_recipe_is_valid_and_named_like_its_file(name: str) -> None:
    from kifabrik.records.recipe_file import read_recipe

    recipe = read_recipe(find(name))

    assert isinstance(recipe, Recipe)
    assert recipe.name == name


def event(sequence: int) -> dict[str, object]:
    return {"sequence": sequence, "at": "2026-11-24T12:00:00Z", "kind": "progress", "step": "pretraining", "done": 0.5}


def test_watching_shows_every_event_once_and_ends_when_the_run_has() -> None:
    told = [event(number) for number in range(1, 8)]
    looks = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            looks.append(request)
            return httpx.Response(200, json={"id": "run-1", "state": "running" if len(looks) < 3 else "succeeded"})
        after = int(request.url.params["after"])
        return httpx.Response(200, json={"items": told[after : after + 3], "total": 7, "page": 1, "pages": 1})

    shown = []
    client = PortalClient("http://127.0.0.1:1", "secret", transport=httpx.MockTransport(answer))
    run = follow(client, "run-1", show=shown.append, every_seconds=0, is_final=lambda state: state in FINAL)

    assert [each.sequence for each in shown] == [1, 2, 3, 4, 5, 6, 7]
    assert run["state"] == "succeeded"
