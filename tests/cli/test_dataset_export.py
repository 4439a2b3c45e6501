"""`kifabrik dataset export`: what a person types, reads and gets."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kifabrik.cli.dataset import app
from kifabrik.core.errors import Conflict, NotFound
from kifabrik.records import DatasetCard


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *(str(word) for word in words)])


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fields = {
        "name": "letters",
        "dataset_digest": "sha256:" + "a" * 64,
        "made_at": "2026-11-24T10:00:00+00:00",
        "tool": "kifabrik 0",
        "origin": {"title": "Letters", "licence": "unknown", "source": "our desk"},
        "split_rule": "by document",
        **dict.fromkeys(("files_read", "files_skipped", "documents_read", "documents_kept"), 1),
        **dict.fromkeys(("exact_duplicates_removed", "text_bytes", "train_documents", "held_out_documents"), 1),
        **{key: {} for key in ("languages", "formats", "licences_detected")},
        **dict.fromkeys(("skipped", "personal_data", "findings", "not_checked", "shards"), ()),
    }
    DatasetCard.model_validate(fields).write(tmp_path / "card.json")
    return tmp_path


@pytest.mark.parametrize(
    ("form", "name"),
    [("croissant", "croissant.json"), ("huggingface", "README.md"), ("eu-summary", "public-training-summary.md")],
)
def test_a_paper_lies_beside_the_card_and_its_gaps_are_told(folder, form, name) -> None:
    result = run(folder, "--format", form)

    assert result.exit_code == 0, result.stderr
    assert (folder / name).is_file()
    assert "not stated" in result.stderr
    assert "Written:" in result.stderr


def test_a_paper_goes_to_the_screen_alone(folder) -> None:
    result = run(folder, "--format", "croissant", "--out", "-")

    assert json.loads(result.stdout)["name"] == "letters"
    assert not (folder / "croissant.json").exists()


def test_what_is_known_of_the_provider_stands_in_the_summary(folder, tmp_path) -> None:
    out = tmp_path / "summary.md"

    result = run(folder, "--format", "eu-summary", "--out", out, "--provider", "Muster GmbH", "--model", "m 1", "--sme")

    assert result.exit_code == 0, result.stderr
    assert "name and contact of the provider: Muster GmbH" in out.read_text()
    assert "It was applied." in out.read_text()


def test_nothing_is_overwritten(folder) -> None:
    (folder / "README.md").write_text("mine")

    result = run(folder, "--format", "huggingface")

    assert result.exit_code == Conflict.exit_code
    assert (folder / "README.md").read_text() == "mine"


def test_a_folder_without_a_card_is_named(tmp_path) -> None:
    result = run(tmp_path / "nowhere", "--format", "croissant")

    assert result.exit_code == NotFound.exit_code
    assert "card.json is missing" in in_one_line(result.stderr)
