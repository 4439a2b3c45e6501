"""Small folders of text, and the check as everybody calls it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kifabrik.datasets.check import check_dataset
from kifabrik.records import DatasetCard
from kifabrik.records.dataset_card import DeclaredOrigin


@pytest.fixture
def origin() -> DeclaredOrigin:
    return DeclaredOrigin(title="Letters", licence="CC-BY-4.0", source="our archive", source_kind="own")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder with thirty different short documents."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02d}.txt").write_text(f"Letter number {number} about the weather in Brussels.\n")
    return folder


@pytest.fixture
def check(tmp_path: Path, origin: DeclaredOrigin, now) -> Callable[..., DatasetCard]:
    """Check paths into `tmp_path/out`, or another folder."""

    def run(*paths: Path, **options) -> DatasetCard:
        named = {"out": tmp_path / "out", "name": "letters", "origin": origin, "now": now, **options}
        return check_dataset(paths, **named)

    return run
