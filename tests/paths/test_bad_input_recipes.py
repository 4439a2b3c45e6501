"""Bad recipes, datasets and run folders at `kifabrik run`: one sentence each, and a run that can go on afterwards."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
from tests.paths.refusals import judge, names, refuse, snapshot, start

from kifabrik.records.run_manifest import RunManifest
from kifabrik.workbench.recipes import find

LINES = find("step-boxed-test").read_text()
LETTERS = 60


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("letters")
    for number in range(LETTERS):
        (source / f"{number}.txt").write_text(f"Letter {number} says that the weather is fine. " * 40)
    folder = source.parent / "letters-dataset"
    words = ("dataset", "check", source, "--out", folder, "--licence", "CC-BY-4.0", "--held-out-share", "0.2")
    process = start(*words)
    assert process.wait(timeout=60) == 0, process.communicate()
    process.communicate()
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, so that whatever a refused command leaves is seen."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KIFABRIK_HOME", str(folder / "home"))
    return folder


def changed(old: str, new: str) -> bytes:
    assert old in LINES
    return LINES.replace(old, new).encode()


RECIPES = {
    "typo": (changed("vocabulary: 512", "vocabulry: 512"), ":5: unknown field 'tokenizer.vocabulry'; did you mean 'vo"),
    "unknown field": (changed("name:", "colour: red\nname:"), "unknown field 'colour'; known fields here: "),
    "no unit": (changed("steps: 60", "time: 60"), ":14: field 'pretraining.budget.time': 60 has no unit; write for"),
    "wrong unit": (changed("steps: 60", "time: 60 weeks"), "unknown unit 'weeks' in '60 weeks'; use s, min, h or d."),
    "word for a number": (changed("steps: 60", "steps: many"), ":14: field 'pretraining.budget.steps': input should"),
    "number out of range": (changed("steps: 60", "steps: -1"), ":14: field 'pretraining.budget.steps': "),
    "two budgets": (changed("steps: 60", "steps: 60\n    time: 60 s"), "field 'pretraining.budget': "),
    "bad indentation": (changed("  vocabulary: 512", "   - x\n  vocabulary: 512"), "is not valid YAML: "),
    "empty": (b"", "holds no recipe. In YAML, a recipe is a mapping that starts with 'name:' and 'dataset:'."),
    "a list": (b"- a\n- b\n", "holds no recipe."),
    "binary": (b"\x93NUMPY\x01\0v\0", "is no recipe: it is not UTF-8 text (byte 0). Give the path of a YAML file."),
    "zero bytes": (b"\0\1\2\3", "is not valid YAML: it holds characters that no text has."),
    "too large": (b"a: b\n" * 300_000, "is larger than 1 MB; a recipe is a short YAML file."),
    "bracket bomb": (b"[" * 20_000, "is nested too deeply to be a recipe."),
    "code": (b"!!python/object/apply:os.system ['touch hacked']", "is not valid YAML: "),
}


@pytest.mark.parametrize("verb", [(), ("estimate",)], ids=["run", "estimate"])
@pytest.mark.parametrize("case", RECIPES)
def test_a_bad_recipe_is_named_with_its_line(place: Path, case: str, verb: tuple[str, ...]) -> None:
    data, sentence = RECIPES[case]
    (place / "recipe.yaml").write_bytes(data)

    told = refuse("run", *verb, "recipe.yaml", "--json")

    assert told.code == 2
    assert told.sentence.startswith("Error: recipe.yaml:")
    assert sentence in told.sentence
    assert told.document is None
    assert names(place) == ["recipe.yaml"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere.yaml", "nowhere.yaml: there is no such recipe. Give the path of a YAML file."),
        ("folder", "folder: is a folder; give the path of a YAML file."),
        ("recipe.yaml/more", "recipe.yaml/more: there is no such recipe."),
        ("wacth", "wacth: there is no such recipe."),  # a verb with a typo is taken for a recipe
        ("r" * 300, "cannot be read: File name too long."),
    ],
)
def test_a_recipe_that_is_none_is_named(place: Path, path: str, sentence: str) -> None:
    (place / "folder").mkdir()
    (place / "recipe.yaml").write_text(LINES)

    told = refuse("run", path, "--json")

    assert (told.code, sentence in told.sentence) == (2, True), told.sentence
    assert names(place) == ["folder", "recipe.yaml"]


def test_a_dataset_that_is_none_is_named(place: Path) -> None:
    (place / "recipe.yaml").write_text(LINES)

    told = refuse("run", "recipe.yaml", "--dataset", "nowhere", "--folder", "run")

    assert told.code == 3
    assert "nowhere: there is no dataset folder here: card.json is missing." in told.sentence
    assert "kifabrik dataset check" in told.sentence
    assert names(place) == ["recipe.yaml"]


def test_a_damaged_card_is_named(place: Path, dataset: Path) -> None:
    (place / "recipe.yaml").write_text(LINES)
    shutil.copytree(dataset, place / "copy")
    (place / "copy" / "card.json").write_text('{"name": ')

    told = refuse("run", "recipe.yaml", "--dataset", "copy", "--folder", "run")

    assert told.code == 2
    assert "copy/card.json: " in told.sentence
    assert "copy it again, or make it again." in told.sentence
    assert names(place) == ["copy", "recipe.yaml"]


def test_a_changed_shard_is_named_and_the_run_goes_on_once_it_is_mended(place: Path, dataset: Path) -> None:
    (place / "recipe.yaml").write_text(LINES)
    shutil.copytree(dataset, place / "copy")
    shard = place / "copy" / "train-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    words = ("run", "recipe.yaml", "--dataset", "copy", "--folder", "run", "--json")

    told = refuse(*words)

    assert told.code == 2
    assert "copy/train-00000.parquet: the shard was changed after the check. Copy the folder again" in told.sentence
    assert told.document is None
    manifest = RunManifest.read(place / "run" / "manifest.json")
    assert (manifest.finished, manifest.steps) == (False, ())
    assert not (place / "run" / "model").exists()
    shard.write_bytes((dataset / shard.name).read_bytes())
    other = refuse(*words[:-1], "--run-id", "run-other")
    assert (other.code, "this folder belongs to run " in other.sentence) == (5, True)


@pytest.mark.parametrize("what", ["recipe", "dataset"])
def test_a_folder_of_another_run_is_refused_untouched(place: Path, dataset: Path, what: str) -> None:
    (place / "recipe.yaml").write_text(LINES)
    shutil.copytree(dataset, place / "copy")
    (place / "copy" / "held-out-00000.parquet").unlink()  # so that the first run ends at once
    words = ("run", "recipe.yaml", "--dataset", "copy", "--folder", "run")
    assert "the shard is missing. Copy the whole folder again." in refuse(*words).sentence
    card = json.loads((place / "copy" / "card.json").read_text())
    if what == "recipe":
        (place / "recipe.yaml").write_bytes(changed("steps: 60", "steps: 61"))
    else:
        (place / "copy" / "card.json").write_text(json.dumps({**card, "dataset_digest": "sha256:" + "0" * 64}))
    before = snapshot(place / "run")

    told = refuse(*words)

    assert told.code == 5
    assert f"which has another {what}. Give the recipe and dataset it was started with, or another fo" in told.sentence
    lease = [name for name, data in before.items() if data.startswith(b"process ")]
    after = snapshot(place / "run")
    assert {name: data for name, data in after.items() if name not in lease} == {
        name: data for name, data in before.items() if name not in lease
    }


def test_a_damaged_manifest_is_named(place: Path, dataset: Path) -> None:
    (place / "recipe.yaml").write_text(LINES)
    (place / "run").mkdir()
    (place / "run" / "manifest.json").write_bytes(b"\0\1")

    told = refuse("run", "recipe.yaml", "--dataset", dataset, "--folder", "run")

    assert told.code == 2
    assert "run/manifest.json: " in told.sentence
    assert snapshot(place / "run") == {"manifest.json": b"\0\1"}


@pytest.mark.slow
def test_ctrl_c_ends_a_run_that_the_next_start_finishes(place: Path, dataset: Path) -> None:
    text = changed("steps: 60", "steps: 150").decode()
    head, _, rest = text.partition("fine_tuning:")  # letters hold no pairs to learn from
    (place / "recipe.yaml").write_text(head + rest[rest.index("canaries:") :])
    words = ("run", "recipe.yaml", "--dataset", dataset, "--folder", "run", "--json")
    process = start(*words)
    events = place / "run" / "events.jsonl"
    limit = time.monotonic() + 60
    while not (events.exists() and '"checkpoint"' in events.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    told = judge(*_end(process))

    assert told.code == 75
    assert "as asked; the checkpoint is saved." in told.sentence
    assert "Start the run again to go on" in told.sentence
    assert told.document is None
    assert [name for name in names(place / "run" / "checkpoints") if name.startswith(".half")] == []
    again = start(*words)
    code, stdout, stderr = _end(again)
    assert code == 0, stderr
    manifest = RunManifest.model_validate_json(stdout)
    assert (manifest.finished, manifest.attempts) == (True, 2)


def _end(process) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr
