import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from tests.workbench.conftest import kinds, now
from transformers import AutoModelForCausalLM, AutoTokenizer

from kifabrik.core.digests import digest_files, digest_listing
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Finding, Severity
from kifabrik.records.dataset_card import DatasetCard
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_manifest import RunManifest
from kifabrik.workbench import events, lease
from kifabrik.workbench.walk import plan, run

RUN = "run-test"


@pytest.fixture(scope="module")
def walked(recipe: Recipe, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walked") / "run"
    run(recipe, folder=folder, dataset=dataset, run_id=RUN, now=now)
    return folder


@pytest.fixture
def copy(walked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(walked, tmp_path / "run"))


def test_the_manifest_tells_the_whole_story(walked: Path, recipe: Recipe) -> None:
    manifest = RunManifest.read(walked / "manifest.json")

    assert manifest.finished
    assert [record.step for record in manifest.steps] == [step.name for step in plan(recipe)]
    assert manifest.recipe == recipe == Recipe.read(walked / "recipe.json")
    figures = {record.step: record.figures for record in manifest.steps}
    trained = figures["pretraining"]["flop"] + figures["fine-tuning"]["flop"]
    assert manifest.compute is not None
    assert manifest.compute.flop == trained > 0
    assert manifest.energy is not None
    assert manifest.energy.watt_hours > 0
    assert manifest.environment.packages["torch"].startswith("2.")


def test_the_model_folder_is_what_the_manifest_says_and_holds_no_code(walked: Path) -> None:
    manifest = RunManifest.read(walked / "manifest.json")

    assert manifest.model is not None
    assert manifest.model.files == digest_files(walked / "model")
    assert manifest.model.model_digest == digest_listing(manifest.model.files)
    assert sorted(manifest.model.files) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert sum(each.size for each in load_file(walked / "model/model.safetensors").values()) == (
        manifest.model.parameters
    )


@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")
def test_the_model_folder_loads_and_its_chat_format_is_that_of_fine_tuning(walked: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(walked / "model")
    tokenizer = AutoTokenizer.from_pretrained(walked / "model")
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "def f(x):"},
        {"role": "assistant", "content": "Do f."},
        {"role": "user", "content": "def g(x):"},
    ]

    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)

    assert text == (
        "<|endoftext|><|prompt|>Be brief.\ndef f(x):<|completion|>Do f.<|endoftext|><|prompt|>def g(x):<|completion|>"
    )
    assert tokenizer("def f").input_ids[0] == model.config.eos_token_id == tokenizer.eos_token_id
    assert model.config.tie_word_embeddings


def test_events_are_numbered_without_a_gap_and_steps_begin_and_end(walked: Path, recipe: Recipe) -> None:
    told = list(events.read(walked / "events.jsonl"))

    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    for step in plan(recipe):
        assert kinds(walked).index(("step-started", step.name)) < kinds(walked).index(("step-ended", step.name))
    assert kinds(walked)[-1] == ("finished", "")
    names = {metric.name for event in told for metric in event.metrics}
    assert {"train_loss", "held_out_bits_per_byte", "tokens_per_second", "learning_rate"} <= names
    assert kinds(walked).count(("sample", "pretraining")) == 2


def test_a_finished_run_is_left_as_it_is(copy: Path, recipe: Recipe, dataset: Path) -> None:
    before = digest_files(copy)

    manifest = run(recipe, folder=copy, dataset=dataset, run_id=RUN, now=now)

    after = digest_files(copy)
    assert manifest.attempts == 1
    assert {name for name in after if after[name] != before.get(name)} <= {".lease"}


def test_a_damaged_output_is_made_again_to_the_same_bytes(copy: Path, recipe: Recipe, dataset: Path) -> None:
    before = RunManifest.read(copy / "manifest.json")
    (copy / "model" / "config.json").write_text("{}")

    after = run(recipe, folder=copy, dataset=dataset, run_id=RUN, now=now)

    assert after.attempts == 2
    assert after.model == before.model
    assert kinds(copy)[-1] == ("finished", "")
    assert kinds(copy).count(("step-started", "pretraining")) == 1


def test_a_folder_of_another_run_is_refused(copy: Path, recipe: Recipe, dataset: Path) -> None:
    other = recipe.model_copy(update={"seed": 18})

    with pytest.raises(Conflict, match=r"belongs to run run-test, which has another run and recipe"):
        run(other, folder=copy, dataset=dataset, run_id="run-other", now=now)


def test_a_folder_in_use_is_refused(copy: Path, recipe: Recipe, dataset: Path) -> None:
    with lease.hold(copy / ".lease"), pytest.raises(Conflict, match="in use by process"):
        run(recipe, folder=copy, dataset=dataset, run_id=RUN, now=now)


def test_a_changed_shard_stops_the_run_before_any_work(tmp_path: Path, recipe: Recipe, dataset: Path) -> None:
    changed = Path(shutil.copytree(dataset, tmp_path / "changed"))
    shard = next(changed.glob("train-*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")

    with pytest.raises(InvalidInput, match="changed"):
        run(recipe, folder=tmp_path / "run", dataset=changed, run_id=RUN, now=now)

    assert kinds(tmp_path / "run")[-1] == ("failed", "dataset")
    assert not (tmp_path / "run/tokenizer").exists()


def test_a_blocking_finding_stops_the_run_before_any_work(tmp_path: Path, recipe: Recipe, dataset: Path) -> None:
    forbidden = Path(shutil.copytree(dataset, tmp_path / "forbidden"))
    card = DatasetCard.read(forbidden / "card.json")
    finding = Finding("dataset.forbidden", Severity.BLOCKING, "It must not be used.", remedy="Ask its owner.")
    card.model_copy(update={"findings": (finding,)}).write(forbidden / "card.json")

    with pytest.raises(InvalidInput, match=r"may not be trained on: It must not be used\. Ask its owner\."):
        run(recipe, folder=tmp_path / "run", dataset=forbidden, run_id=RUN, now=now)

    assert not (tmp_path / "run/tokenizer").exists()


def test_a_recipe_for_another_dataset_is_refused(tmp_path: Path, recipe: Recipe, dataset: Path) -> None:
    other = recipe.model_copy(update={"dataset": "sha256:" + "0" * 64})

    with pytest.raises(Conflict, match="the recipe names dataset"):
        run(other, folder=tmp_path / "run", dataset=dataset, run_id=RUN, now=now)


def test_text_without_pairs_fails_before_pre_training(tmp_path: Path, recipe: Recipe, prose: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no pair to fine-tune on"):
        run(recipe, folder=tmp_path / "run", dataset=prose, run_id=RUN, now=now)

    assert kinds(tmp_path / "run")[-1] == ("failed", "encoding")
    last = (tmp_path / "run/events.jsonl").read_text().splitlines()[-1]
    assert "take fine_tuning out of the recipe" in json.loads(last)["message"]
