"""A recipe is read with its units; a mistake is named with file, line, field and what to write instead."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput
from kifabrik.records import Recipe
from kifabrik.records.recipe_file import parse_recipe, read_recipe

GOOD = """\
name: small-model
dataset: data/checked
model:
  layers: 2
pretraining:
  budget:
    time: 75 s
fine_tuning:
  budget:
    steps: 20
"""


def test_a_recipe_is_read_with_units_and_defaults() -> None:
    recipe = parse_recipe(GOOD, name="recipe.yaml")

    assert recipe.pretraining.budget.time == 75
    assert recipe.fine_tuning is not None
    assert recipe.fine_tuning.budget.steps == 20
    assert recipe.model.layers == 2
    assert recipe.tokenizer.vocabulary == 2048


def test_a_recipe_travels_as_json_unchanged() -> None:
    recipe = parse_recipe(GOOD, name="recipe.yaml")

    assert Recipe.model_validate_json(recipe.as_json()) == recipe


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  layers", "  layrs", "recipe.yaml:4: unknown field 'model.layrs'; did you mean 'layers'?"),
        ("75 s", "75 hrs", "recipe.yaml:7: field 'pretraining.budget.time': unknown unit 'hrs' in '75 hrs'; use s,"),
        ("75 s", "75", "recipe.yaml:7: field 'pretraining.budget.time': 75 has no unit; write for example '75 s'"),
        ("steps: 20", "steps: -1", "recipe.yaml:10: field 'fine_tuning.budget.steps': input should be greater than 0"),
        ("steps: 20", "steps: 1\n    time: 3 s", "recipe.yaml:9: field 'fine_tuning.budget': give either 'steps' or"),
        ("name: small-model\n", "", "recipe.yaml:1: field 'name' is missing"),
        ("layers: 2", "hidden_size: 130", "recipe.yaml:3: field 'model': hidden_size must be an even multiple of"),
        ("pretraining:", "pretraining: [", "recipe.yaml:7: is not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_recipe(GOOD.replace(old, new), name="recipe.yaml")

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["", "just words", "- a list"])
def test_what_is_no_mapping_is_no_recipe(text: str) -> None:
    with pytest.raises(InvalidInput, match="a recipe is a mapping"):
        parse_recipe(text, name="recipe.yaml")


def test_missing_folder_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="no such recipe"):
        read_recipe(tmp_path / "none.yaml")
    with pytest.raises(InvalidInput, match="is a folder"):
        read_recipe(tmp_path)
    with pytest.raises(InvalidInput, match="is not UTF-8 text"):
        read_recipe(tmp_path / "binary.yaml")


def test_a_bomb_of_brackets_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nested too deeply"):
        parse_recipe("[" * 20_000, name="recipe.yaml")


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    with suppress(InvalidInput):
        assert parse_recipe(text, name="recipe.yaml").name
