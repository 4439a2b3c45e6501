"""How commands are started, and what their failures become; the words were captured from Slurm 22.05."""

import os

import pytest

from kifabrik.cluster.slurm.commands import Slurm, explain, make_environment
from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError, NotFound, Unavailable

DATABASE_AWAY = """\
sacct: error: slurm_persist_conn_open_without_init: failed to open persistent connection to host:db:6819: \
Connection refused
sacct: error: Sending PersistInit msg: Connection refused
sacct: error: Problem talking to the database: Connection refused
"""
POLICY = """\
sbatch: error: QOSGrpGRESMinutes
sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or \
time limits)
"""


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", Unavailable, "does not answer"),
        (DATABASE_AWAY, Unavailable, "does not answer sbatch"),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", Unavailable, "timed"),
        ("slurm_load_jobs error: Protocol authentication error", Unavailable, "authentication"),
        ("sacct: error: Sending PersistInit msg: Unable to connect to database", Unavailable, "database"),
        ("sbatch: error: AssocGrpSubmitJobsLimit\n" + POLICY.splitlines()[1], Unavailable, "no more jobs"),
        (POLICY, InvalidInput, "Slurm refused: QOSGrpGRESMinutes."),
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            InvalidInput,
            "Invalid account or account/partition combination specified",
        ),
        ("sbatch: error: Memory specification can not be satisfied", InvalidInput, "Memory specification"),
        ("slurm_load_jobs error: Invalid job id specified", NotFound, "no such job"),
        ("Job is pending execution for job 5", Conflict, "pending"),
        ("", InvalidInput, "no reason"),
    ],
)
def test_what_a_command_said_becomes_the_error_of_its_kind(said: str, kind: type, words: str) -> None:
    error = explain("sbatch", said)

    assert type(error) is kind
    assert words in str(error)


def test_what_is_ours_and_what_would_change_answers_stays_out_of_the_environment() -> None:
    given = {"PATH": "/bin", "KIFABRIK_TOKEN": "secret", "SBATCH_ACCOUNT": "x", "SLURM_CONF": "/c", "SLURM_JOB_ID": "1"}

    assert make_environment({**given, "SQUEUE_FORMAT": "%i"}) == {"PATH": "/bin", "SLURM_CONF": "/c"}


def test_reading_asks_for_moments_without_time_zone() -> None:
    assert Slurm().read("sh", "-c", 'echo "$SLURM_TIME_FORMAT $TZ"') == ["%s UTC"]


def test_failures_of_reading_are_errors_unless_they_are_expected() -> None:
    slurm = Slurm()
    with pytest.raises(InvalidInput, match="Slurm refused: no such thing"):
        slurm.read("sh", "-c", "echo no such thing >&2; exit 1")
    assert slurm.read("sh", "-c", "echo no such thing >&2; exit 1", known_failures="no such") == []


def test_stream_gives_lines_as_they_come_and_raises_at_the_end() -> None:
    slurm = Slurm()
    lines = slurm.stream("sh", "-c", "echo a; echo b; echo Connection refused >&2; exit 1")

    assert [next(lines), next(lines)] == ["a", "b"]
    with pytest.raises(Unavailable):
        next(lines)


def test_stream_that_nobody_reads_on_ends_its_command() -> None:
    lines = Slurm().stream("sh", "-c", "echo $$; exec sleep 600")
    number = int(next(lines))

    lines.close()

    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_silent_command_and_missing_command_are_unavailable() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        Slurm(timeout_seconds=0.05).read("sleep", "600")
    with pytest.raises(Unavailable, match="is not here"):
        Slurm().read("no-such-command-of-slurm")


def test_dry_run_says_changes_and_makes_none(tmp_path) -> None:
    said: list[str] = []
    slurm = Slurm(dry_run=said.append)

    assert slurm.write("touch", str(tmp_path / "a b")) is None
    assert said == [f"touch '{tmp_path / 'a b'}'"]
    assert list(tmp_path.iterdir()) == []
    assert slurm.read("echo", "reading goes on") == ["reading goes on"]


def test_words_that_no_process_can_have_are_refused() -> None:
    with pytest.raises(KifabrikError):
        Slurm().write("echo", "a\0b")
