"""The JSON Schemas in `docs/schemas/` are those of the records: a change of a record is a change people can see."""

from pathlib import Path

import pytest

from kifabrik.records.schemas import PUBLISHED, render

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_schema_is_that_of_the_record(name: str) -> None:
    assert (FOLDER / f"{name}.schema.json").read_text() == render(name)


def test_no_schema_is_left_over() -> None:
    assert {file.name.removesuffix(".schema.json") for file in FOLDER.iterdir()} == set(PUBLISHED)
