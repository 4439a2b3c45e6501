"""What Slurm's states, exit codes and reasons become in our words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.cluster.jobs import ENDED, JobState
from kifabrik.cluster.slurm.listing import PastJob
from kifabrik.cluster.slurm.outcomes import combine, exit_code, explain_end, explain_waiting, is_alive


def make(state: str, **changes: object) -> PastJob:
    values = {
        "number": "7",
        "job_id": "7",
        "state": state,
        "exit_code": 0,
        "signal": 0,
        "submitted": 1,
        "started": 2,
        "ended": 3,
        "elapsed_seconds": 60,
        "limit_minutes": 1,
        "devices": 1,
        "cpu_seconds": 0.0,
        "peak_memory_bytes": 0,
        "mark": None,
    }
    return PastJob(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "code", "number", "expected", "words"),
    [
        ("COMPLETED", 0, 0, JobState.SUCCEEDED, ""),
        ("FAILED", 3, 0, JobState.FAILED, "exit code 3"),
        ("FAILED", 75, 0, JobState.KILLED, "saved what it had"),
        ("FAILED", 124, 0, JobState.TIMED_OUT, "time limit"),
        ("FAILED", 127, 0, JobState.FAILED, "could not be started"),
        ("FAILED", 0, 9, JobState.KILLED, "SIGKILL"),
        ("FAILED", 0, 53, JobState.KILLED, "53"),
        ("FAILED", 137, 0, JobState.KILLED, "SIGKILL"),
        ("FAILED", 0, 0, JobState.KILLED, "could not start it"),
        ("CANCELLED by 1000", 0, 15, JobState.CANCELLED, "cancelled"),
        ("CANCELLED", 0, 0, JobState.CANCELLED, "cancelled"),
        ("TIMEOUT", 0, 15, JobState.TIMED_OUT, "time limit of 1 min"),
        ("OUT_OF_MEMORY", 0, 125, JobState.KILLED, "memory"),
        ("NODE_FAIL", 0, 0, JobState.KILLED, "node"),
        ("BOOT_FAIL", 0, 0, JobState.KILLED, "did not start"),
        ("PREEMPTED", 0, 15, JobState.KILLED, "higher priority"),
        ("DEADLINE", 0, 0, JobState.TIMED_OUT, "deadline"),
        ("REVOKED", 0, 0, JobState.CANCELLED, "another cluster"),
    ],
)
def test_end_of_a_job_in_our_words(state: str, code: int, number: int, expected: JobState, words: str) -> None:
    found, reason = explain_end(make(state, exit_code=code, signal=number))

    assert found is expected
    assert words in reason
    assert not is_alive(state)


def test_failure_at_once_of_a_job_whose_script_began_earlier_is_its_nodes_refusal() -> None:
    """Slurm says exit code 1 of both; only when the script began tells them apart."""
    failed = make("FAILED", exit_code=1, started=20, ended=20, elapsed_seconds=0)

    assert explain_end(failed, script_began=14)[0] is JobState.KILLED
    assert explain_end(failed, script_began=20)[0] is JobState.FAILED
    assert explain_end(failed)[0] is JobState.FAILED  # a site that keeps no steps
    assert explain_end(make("FAILED", exit_code=1, started=20), script_began=14)[0] is JobState.FAILED
    assert explain_end(make("COMPLETED", elapsed_seconds=0, started=20), script_began=14)[0] is JobState.SUCCEEDED


def test_timeout_long_before_the_limit_is_told_apart_as_a_spent_budget() -> None:
    assert "budget" in explain_end(make("TIMEOUT", elapsed_seconds=55, limit_minutes=10))[1]
    assert "budget" not in explain_end(make("TIMEOUT", elapsed_seconds=601, limit_minutes=10))[1]


@pytest.mark.parametrize(
    "state",
    ["PENDING", "RUNNING", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "SUSPENDED", "NEVER_HEARD_OF"],
)
def test_states_that_go_on(state: str) -> None:
    assert is_alive(state)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("AssocGrpGRESMinutes", "budget"),
        ("AssocGrpGRES", "all devices that the account may use at once"),
        ("AssocMaxJobsLimit", "limit of its account"),
        ("QOSGrpGRESMinutes", "quality of service"),
        ("DependencyNeverSatisfied", "for ever"),
        ("Dependency", "another job"),
        ("Priority", "turn"),
        ("Resources", "free devices"),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "down or reserved"),
        ("Nodes required for job are DOWN, DRAINED or reserved", "down or reserved"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_why_a_job_waits_in_plain_words_with_slurms_own(reason: str, words: str) -> None:
    assert words in explain_waiting(reason)
    assert reason in explain_waiting(reason)


def test_no_reason_needs_no_words() -> None:
    assert [explain_waiting(reason) for reason in ("", "None")] == ["", ""]


def test_array_ends_as_its_worst_task() -> None:
    well, badly = (JobState.SUCCEEDED, ""), (JobState.FAILED, "exit code 1")

    assert combine([well, well]) == (JobState.SUCCEEDED, "")
    assert combine([badly]) == badly
    assert combine([well, badly, badly]) == (JobState.FAILED, "2 of 3 tasks: exit code 1")
    assert combine([badly, (JobState.KILLED, "node")])[0] is JobState.KILLED


@given(st.text(max_size=30), st.integers(0, 255), st.integers(0, 255))
def test_any_answer_ends_in_a_final_state_with_words(state: str, code: int, number: int) -> None:
    found, reason = explain_end(make(state, exit_code=code, signal=number))

    assert found in ENDED
    assert isinstance(reason, str)
    assert exit_code(make(state, exit_code=code, signal=number)) >= code * (not number)
