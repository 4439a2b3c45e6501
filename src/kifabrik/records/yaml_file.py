"""Reads a paper from YAML and names file, line and field of the first mistake. Knows no particular paper."""

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kifabrik.core.errors import InvalidInput

SIZE_BYTES_MAX = 1_000_000
Paper = TypeVar("Paper", bound=BaseModel)


def read_yaml(path: Path, paper: type[Paper], *, noun: str, shape: str) -> Paper:
    """Read and validate a paper; raises InvalidInput with `file:line`, the field and what to write instead.

    `noun` is what people call it, `shape` the sentence that says how it looks.
    """
    give = "Give the path of a YAML file"
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            raise InvalidInput(f"is larger than 1 MB; a {noun} is a short YAML file.", where=str(path))
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput(f"there is no such {noun}.", where=str(path), remedy=f"{give}.") from error
    except IsADirectoryError as error:
        raise InvalidInput("is a folder; give the path of a YAML file.", where=str(path)) from error
    except UnicodeDecodeError as error:
        message = f"is no {noun}: it is not UTF-8 text (byte {error.start})."
        raise InvalidInput(message, where=str(path), remedy=f"{give}.") from error
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise InvalidInput(message, where=str(path), remedy=f"{give} that you may read.") from error
    return parse_yaml(text, paper, name=str(path), noun=noun, shape=shape)


def parse_yaml(text: str, paper: type[Paper], *, name: str, noun: str, shape: str) -> Paper:
    """Validate the text of a paper; `name` is what a message calls it."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it holds characters that no text has"
        remedy = "Look at the indentation and the punctuation of this line and the one before." if mark else shape
        raise InvalidInput(f"is not valid YAML: {problem}.", where=f"{name}{line}", remedy=remedy) from error
    except RecursionError as error:
        raise InvalidInput(f"is nested too deeply to be a {noun}.", where=name) from error
    if not isinstance(value, dict):
        raise InvalidInput(f"holds no {noun}.", where=name, remedy=shape)
    try:
        return paper.model_validate(value)
    except ValidationError as error:
        fault = choose_fault(error)
        where = f"{name}:{_find_line(node, fault['loc'])}"
        raise InvalidInput(describe(fault, paper, noun=noun), where=where) from error


def choose_fault(error: ValidationError) -> Any:
    """Choose the fault to tell first: a misspelt field, for it explains others."""
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


def describe(fault: Any, paper: type[BaseModel], *, noun: str) -> str:
    """Say one fault in a sentence that names the field."""
    field = ".".join(str(step) for step in fault["loc"]) or noun
    if fault["type"] == "extra_forbidden":
        known = _fields_beside(fault["loc"], paper)
        close = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known fields here: {', '.join(known)}."
        return f"unknown field '{field}'; {hint}"
    if fault["type"] == "missing":
        return f"field '{field}' is missing."
    message = fault["msg"].removeprefix("Value error, ")
    return f"field '{field}': {message[:1].lower()}{message[1:]}."


def _fields_beside(steps: tuple[Any, ...], model: type[BaseModel]) -> list[str]:
    for step in steps[:-1]:
        annotation = model.model_fields[step].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next(option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
    return sorted(model.model_fields)
