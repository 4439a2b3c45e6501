"""Reads a recipe from YAML and names file, line and field of the first mistake. Knows only Recipe."""

from pathlib import Path

from pydantic import ValidationError

from kifabrik.records import yaml_file
from kifabrik.records.recipe import Recipe

_SHAPE = "In YAML, a recipe is a mapping that starts with 'name:' and 'dataset:'."


def read_recipe(path: Path) -> Recipe:
    """Read and validate a recipe; raises InvalidInput with `file:line`, the field and what to write instead."""
    return yaml_file.read_yaml(path, Recipe, noun="recipe", shape=_SHAPE)


def parse_recipe(text: str, *, name: str) -> Recipe:
    """Validate the text of a recipe; `name` is what a message calls it."""
    return yaml_file.parse_yaml(text, Recipe, name=name, noun="recipe", shape=_SHAPE)


def describe_fault(error: ValidationError) -> str:
    """Say in one sentence what is wrong first with a recipe that came as values; a misspelt field goes first."""
    return yaml_file.describe(yaml_file.choose_fault(error), Recipe, noun="recipe")
