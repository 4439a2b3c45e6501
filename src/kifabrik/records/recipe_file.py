"""Reads a recipe from YAML and names file, line and field of the first mistake. Knows only Recipe."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from kifabrik.core.errors import InvalidInput
from kifabrik.records.recipe import Recipe

SIZE_BYTES_MAX = 1_000_000
_WRITE = "In YAML, a recipe is a mapping that starts with 'name:' and 'dataset:'."


def read_recipe(path: Path) -> Recipe:
    """Read and validate a recipe; raises InvalidInput with `file:line`, the field and what to write instead."""
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            raise InvalidInput("is larger than 1 MB; a recipe is a short YAML file.", where=str(path))
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput(
            "there is no such recipe.", where=str(path), remedy="Give the path of a YAML file."
        ) from error
    except IsADirectoryError as error:
        raise InvalidInput("is a folder; give the path of a YAML file.", where=str(path)) from error
    except UnicodeDecodeError as error:
        message = f"is no recipe: it is not UTF-8 text (byte {error.start})."
        raise InvalidInput(message, where=str(path), remedy="Give the path of a YAML file.") from error
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise InvalidInput(
            message, where=str(path), remedy="Give the path of a YAML file that you may read."
        ) from error
    return parse_recipe(text, name=str(path))


def parse_recipe(text: str, *, name: str) -> Recipe:
    """Validate the text of a recipe; `name` is what a message calls it."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it holds characters that no text has"
        remedy = "Look at the indentation and the punctuation of this line and the one before." if mark else _WRITE
        raise InvalidInput(f"is not valid YAML: {problem}.", where=f"{name}{line}", remedy=remedy) from error
    except RecursionError as error:
        raise InvalidInput("is nested too deeply to be a recipe.", where=name) from error
    if not isinstance(value, dict):
        raise InvalidInput("holds no recipe.", where=name, remedy=_WRITE)
    try:
        return Recipe.model_validate(value)
    except ValidationError as error:
        fault = _choose(error)
        where = f"{name}:{_find_line(node, fault['loc'])}"
        raise InvalidInput(_describe(fault), where=where) from error


def describe_fault(error: ValidationError) -> str:
    """Say in one sentence what is wrong first with a recipe that came as values; a misspelt field goes first."""
    return _describe(_choose(error))


def _choose(error: ValidationError) -> Any:
    faults: list[Any] = list(error.errors(include_url=False))
    return next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])


def _find_line(node: yaml.Node | None, steps: tuple[Any, ...]) -> int:
    line = 1
    for step in steps:
        if not isinstance(node, yaml.MappingNode):
            break
        for key, child in node.value:
            if key.value == step:
                line, node = key.start_mark.line + 1, child
                break
        else:
            break
    return line


def _describe(fault: Any) -> str:
    field = ".".join(str(step) for step in fault["loc"]) or "recipe"
    if fault["type"] == "extra_forbidden":
        known = _fields_beside(fault["loc"])
        close = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known fields here: {', '.join(known)}."
        return f"unknown field '{field}'; {hint}"
    if fault["type"] == "missing":
        return f"field '{field}' is missing."
    message = fault["msg"].removeprefix("Value error, ")
    return f"field '{field}': {message[:1].lower()}{message[1:]}."


def _fields_beside(steps: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Recipe
    for step in steps[:-1]:
        annotation = model.model_fields[step].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next(option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
    return sorted(model.model_fields)
