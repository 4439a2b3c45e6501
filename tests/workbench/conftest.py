"""A small real dataset folder and the step-boxed recipe; walks run on one thread in seconds."""

import json
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kifabrik.datasets.check import check_dataset
from kifabrik.records.dataset_card import DeclaredOrigin
from kifabrik.records.recipe import Recipe
from kifabrik.records.recipe_file import read_recipe
from kifabrik.workbench.recipes import find

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORIGIN = DeclaredOrigin(
    title="Python", licence="PSF-2.0", source="the interpreter's library", personal_data_role="none"
)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = Path(sysconfig.get_paths()["stdlib"])
    folder = tmp_path_factory.mktemp("dataset") / "python"
    paths = [library / "json", library / "email", library / "textwrap.py"]
    check_dataset(paths, out=folder, name="python", origin=ORIGIN, now=NOW)
    return folder


@pytest.fixture(scope="session")
def prose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for number in range(12):
        (source / f"{number}.txt").write_text(f"word{number} " * 400)
    folder = source.parent / "prose"
    check_dataset([source], out=folder, name="prose", origin=ORIGIN, now=NOW)
    return folder


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return read_recipe(find("step-boxed-test"))


def now() -> datetime:
    return datetime.now(UTC)


def kinds(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "events.jsonl").read_text().splitlines()
    return [(event["kind"], event["step"]) for event in map(json.loads, lines)]
