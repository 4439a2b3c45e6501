"""A job in accounting has one identity, however its moments were written; what no cluster can say is refused."""

import pytest
from pydantic import ValidationError

from kifabrik.records import AccountedJob

ROW = {
    "cluster": "alpha",
    "job_id": "23_4",
    "submitted_at": "2026-11-24T10:00:00+00:00",
    "account": "kf-1",
    "state": "COMPLETED",
    "gpu_seconds": 740,
}


@pytest.mark.parametrize("written", ["2026-11-24T10:00:00Z", "2026-11-24T11:00:00+01:00", "2026-11-24T10:00:00.000Z"])
def test_a_moment_has_one_way_of_writing(written: str) -> None:
    assert AccountedJob.model_validate({**ROW, "submitted_at": written}) == AccountedJob.model_validate(ROW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"submitted_at": "2026-11-24T10:00:00"},
        {"submitted_at": "yesterday"},
        {"gpu_seconds": -1},
        {"gpu_seconds": 1.5},
        {"key": "run-1"},
        {"key": "run-1:0"},
        {"key": "run 1:1"},
        {"state": "CANCELLED by 1000"},
        {"job_id": "23; rm -rf"},
        {"cluster": ""},
        {"user": "ada\x00"},
        {"account": "kf-1\n"},
        {"gpu_seconds": 2**60},
        {"devices": 2**40},
        {"colour": "red"},
    ],
)
def test_what_no_accounting_says_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AccountedJob.model_validate({**ROW, **wrong})


def test_a_job_that_is_no_run_has_no_key() -> None:
    assert AccountedJob.model_validate(ROW).key == ""
