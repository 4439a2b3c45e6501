"""Records are strict papers: unknown fields and versions are refused, and a wrong file names its field."""

from pathlib import Path

import pytest

from kifabrik.core.errors import InvalidInput
from kifabrik.records import EventKind, RunEvent


def make_event() -> RunEvent:
    return RunEvent(sequence=1, at="2026-11-24T10:00:00+00:00", kind=EventKind.PROGRESS, step="pretraining", done=0.5)


def test_a_record_is_written_and_read_back(tmp_path: Path) -> None:
    make_event().write(tmp_path / "event.json")

    assert RunEvent.read(tmp_path / "event.json") == make_event()


def test_equal_records_have_equal_digests() -> None:
    assert make_event().digest() == make_event().digest()
    assert make_event().digest() != make_event().model_copy(update={"sequence": 2}).digest()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"schema_version": 2, "sequence": 1, "at": "x", "kind": "progress"}', "schema_version"),
        ('{"sequence": 0, "at": "x", "kind": "progress"}', "sequence"),
        ('{"sequence": 1, "at": "x", "kind": "progress", "extra": 1}', "extra"),
        ('{"sequence": 1', "the document"),
    ],
)
def test_a_wrong_record_names_file_and_field(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(text)

    with pytest.raises(InvalidInput) as caught:
        RunEvent.read(path)

    assert str(caught.value).startswith(f"{path}: {field}: ")
