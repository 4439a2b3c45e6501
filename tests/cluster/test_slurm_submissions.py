"""Our own notes of submissions: kept whole, and honest about what is not known."""

import pytest

from kifabrik.cluster.slurm import submissions
from kifabrik.cluster.slurm.submissions import Submission, Submissions
from kifabrik.core.errors import Unavailable

NOTED = Submission(key="a:1", submitted_at="2026-11-24T22:12:12+00:00", log="/x/job-1.log", time_limit_seconds=60)


def test_note_is_read_back_by_another_process(tmp_path) -> None:
    Submissions(tmp_path / "jobs").write(NOTED)

    assert Submissions(tmp_path / "jobs").read("a:1") == NOTED
    assert Submissions(tmp_path / "jobs").read("a:2") is None


def test_torn_note_counts_as_one_without_a_number(tmp_path) -> None:
    (tmp_path / "a.1.json").write_text('{"key": "a:')

    found = Submissions(tmp_path).read("a:1")

    assert found is not None
    assert found.job_id == ""


def test_forgotten_key_may_be_tried_again(tmp_path) -> None:
    notes = Submissions(tmp_path)
    notes.write(NOTED)

    notes.forget("a:1")
    notes.forget("a:1")

    assert notes.read("a:1") is None


def test_key_is_held_by_one_at_a_time(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(submissions, "_PATIENCE_SECONDS", 0.1)
    one, other = Submissions(tmp_path), Submissions(tmp_path)

    with one.hold("a:1"), other.hold("a:2"), pytest.raises(Unavailable), other.hold("a:1"):
        pass
    with other.hold("a:1"):
        pass
