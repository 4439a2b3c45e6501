import pytest
import torch

from kifabrik.workbench import failures


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("8 GiB")])
def test_too_little_memory_says_what_to_lower(error: Exception, tmp_path) -> None:
    explained = failures.explain(error, step="pretraining", details=tmp_path / "failure.txt")

    assert (explained.code, explained.exit_code) == ("memory", 6)
    assert "Lower batch_sequences" in str(explained)


def test_an_unforeseen_error_is_one_sentence_and_its_traceback_a_file(tmp_path) -> None:
    try:
        raise RuntimeError("shapes differ")
    except RuntimeError as error:
        explained = failures.explain(error, step="encoding", details=tmp_path / "failure.txt")

    assert str(explained).startswith("encoding: an unforeseen error ended the step: RuntimeError: shapes differ")
    assert "Traceback" in (tmp_path / "failure.txt").read_text()


def test_a_disk_that_refuses_the_details_changes_nothing(tmp_path) -> None:
    explained = failures.explain(RuntimeError("x"), step="encoding", details=tmp_path / "file" / "failure.txt")

    assert explained.code == "unforeseen"
