"""Reading squeue's and sacct's rows, captured from Slurm 22.05, and rows that strangers wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.cluster.jobs import KEY_PATTERN
from kifabrik.cluster.slurm import naming
from kifabrik.cluster.slurm.listing import as_moment, read_duration, read_queue, read_size

CAPTURED = """\
106|106|COMPLETED|1795558332|1795558332|1795558333|None|kf-ok-1:1|kifabrik ok-1:1 2026-11-24T22:12:12+00:00
114|114|RUNNING|1795558332|1795558334|1795594334|None|kf-canc:2|kifabrik canc:2 2026-11-24T22:12:12+00:00
117|115|RUNNING|1795558332|1795558335|1795594334|None|kf-arr:1|kifabrik arr:1 2026-11-24T22:12:12+00:00
115|115|PENDING|1795558332|N/A|N/A|JobArrayTaskLimit|kf-arr:1|kifabrik arr:1 2026-11-24T22:12:12+00:00
103|103|PENDING|1795557864|N/A|N/A|Nodes required for job are DOWN, DRAINED|t.sh|(null)
""".splitlines()


def test_rows_of_the_queue() -> None:
    jobs = list(read_queue(CAPTURED))

    assert [(job.number, job.job_id, job.state) for job in jobs] == [
        ("106", "106", "COMPLETED"),
        ("114", "114", "RUNNING"),
        ("117", "115", "RUNNING"),
        ("115", "115", "PENDING"),
        ("103", "103", "PENDING"),
    ]
    assert jobs[0].mark == naming.Mark("ok-1:1", "2026-11-24T22:12:12+00:00")
    assert (jobs[1].started, jobs[3].started) == (1795558334, 0)
    assert (jobs[3].reason, jobs[4].mark) == ("JobArrayTaskLimit", None)


@pytest.mark.parametrize(
    "row",
    [
        "",
        "slurm_load_jobs error",
        "9|9|RUNNING|1|2|3|None|evil|x|kf-a:1|kifabrik a:1 2026-11-24T22:12:12+00:00",
        "9|9|RUNNING|1|2|3|None|kf-a:1 |",
        "9|9|RUNNING|1|2|3|None|kf-../a:1|",
        "kf-a:1|9|RUNNING|1|2|3|None|kf-a:1|",
    ],
)
def test_rows_that_strangers_wrote_are_none_of_ours(row: str) -> None:
    assert [job.mark for job in read_queue([row]) if job.mark] == []


def test_comment_of_another_key_is_not_believed() -> None:
    assert naming.read_mark("kf-a:1", naming.comment("b:1", "2026-11-24T22:12:12+00:00")) == naming.Mark("a:1", "")


@given(st.from_regex(KEY_PATTERN, fullmatch=True))
def test_every_key_is_read_back_from_name_and_comment(key: str) -> None:
    key = key.rstrip("\n")
    moment = "2026-11-24T22:12:12+00:00"

    assert naming.read_mark(naming.job_name(key), naming.comment(key, moment)) == naming.Mark(key, moment)
    row = f"1|1|RUNNING|1|2|3|None|{naming.job_name(key)}|{naming.comment(key, moment)}"
    assert next(read_queue([row])).mark == naming.Mark(key, moment)


@given(st.lists(st.text(max_size=60)))
def test_no_text_breaks_the_reader(lines: list[str]) -> None:
    list(read_queue(lines))
    for line in lines:
        assert read_duration(line) >= 0 or "-" in line
        assert isinstance(read_size(line), int)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00.020", 0.02), ("01:02:03", 3723.0), ("2-00:00:01", 172801.0), ("", 0.0), ("INVALID", 0.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("1024", 1024), ("154320K", 158023680), ("1.5G", 1610612736), ("", 0)])
def test_sizes(text: str, size: int) -> None:
    assert read_size(text) == size


def test_moments_are_utc() -> None:
    assert as_moment(1795558332) == "2026-11-24T22:12:12+00:00"
    assert as_moment(0) is None
