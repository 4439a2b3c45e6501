"""Reading accounting: rows into jobs, every second once, whatever strangers write into names."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.cluster.slurm.accounting import (
    FIELDS,
    RUNAWAY,
    Row,
    as_job,
    choose_fields,
    count_tres,
    group,
    make_separator,
    read_accounting,
    split_records,
)
from kifabrik.core.errors import Unavailable
from kifabrik.records import AccountedJob

NOW = 1_795_557_000


def line(job_id: str, *, separator: str = "|", **changes: str) -> str:
    facts = {
        "JobIDRaw": job_id,
        "User": "service",
        "Account": "kf-one",
        "State": "COMPLETED",
        "Submit": str(NOW),
        "Start": str(NOW + 10),
        "End": str(NOW + 70),
        "ElapsedRaw": "60",
        "AllocTRES": "billing=8,cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=100M,node=1",
        "ExitCode": "0:0",
        "JobName": "kf-run-a:1",
        "Cluster": "c",
    }
    return separator.join({**facts, **changes}[name] for name in FIELDS)


def read(lines: Iterable[str], *, separator: str = "|", tres: str = "gres/gpu") -> list[AccountedJob]:
    return list(read_accounting(lines, tres=tres, cluster="c", user="service", separator=separator))


def test_one_job_is_one_record() -> None:
    (job,) = read([line("7")])

    assert (job.job_id, job.key, job.account, job.user, job.state) == ("7", "run-a:1", "kf-one", "service", "COMPLETED")
    assert (job.devices, job.gpu_seconds, job.cpu_seconds, job.restarts, job.exit_code) == (2, 120, 480, 0, 0)
    assert job.submitted_at == "2026-11-24T21:50:00+00:00"
    assert AccountedJob.model_validate(job.model_dump(mode="json")) == job
    assert (job.started_at, job.ended_at) == ("2026-11-24T21:50:10+00:00", "2026-11-24T21:51:10+00:00")


def test_starts_of_one_job_are_added_up_though_other_jobs_lie_between() -> None:
    later = {"Submit": str(NOW + 80), "Start": str(NOW + 100), "End": str(NOW + 130), "ElapsedRaw": "30"}
    for state in ("REQUEUED", "PREEMPTED", "NODE_FAIL"):
        jobs = read([line("7", State=state), line("8"), line("7", **later)])

        assert [(job.job_id, job.gpu_seconds, job.restarts) for job in jobs] == [("8", 120, 0), ("7", 180, 1)]
        assert (jobs[1].submitted_at, jobs[1].state) == ("2026-11-24T21:50:00+00:00", "COMPLETED")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"State": "COMPLETED"}, {}, id="the-first-was-over"),
        pytest.param({"State": "RUNNING", "End": "Unknown"}, {}, id="the-controller-forgot-the-first"),
        pytest.param({"State": "REQUEUED"}, {"User": "other"}, id="another-user"),
        pytest.param({"State": "REQUEUED"}, {"JobName": "kf-run-a:2"}, id="another-name"),
    ],
)
def test_number_that_comes_again_is_another_job(first: dict[str, str], second: dict[str, str]) -> None:
    jobs = read([line("7", **first), line("7", Submit=str(NOW + 80), **second)])

    assert len({job.submitted_at for job in jobs}) == 2
    assert sum(job.gpu_seconds for job in jobs) == 240


def test_job_that_waits_again_has_no_end() -> None:
    waiting = {"Submit": str(NOW + 80), "Start": "Unknown", "End": "Unknown", "ElapsedRaw": "0", "AllocTRES": ""}
    (job,) = read([line("7", State="REQUEUED"), line("7", State="PENDING", **waiting)])
    (requeued,) = read([line("7", State="REQUEUED")])

    assert (job.state, job.ended_at, job.exit_code, job.gpu_seconds, job.restarts) == ("PENDING", None, None, 120, 0)
    assert (requeued.ended_at, requeued.gpu_seconds) == (None, 120)


def test_job_that_never_started_used_nothing() -> None:
    cancelled = {"State": "CANCELLED by 1000", "Start": str(NOW + 70), "ElapsedRaw": "0", "AllocTRES": ""}
    (job,) = read([line("7", **cancelled)])

    assert (job.state, job.gpu_seconds, job.started_at, job.ended_at is None) == ("CANCELLED", 0, None, False)


def test_signal_is_told_as_a_shell_does() -> None:
    assert [read([line("7", ExitCode=code)])[0].exit_code for code in ("0:9", "3:0", "0:0", "?")] == [137, 3, 0, None]


def test_runaway_is_not_billed_for_its_open_start() -> None:
    rows = [line("7", State="REQUEUED"), line("7", State="RUNNING", Submit=str(NOW + 80), End="Unknown")]
    starts = [_row(text) for text in rows]

    job = as_job(starts, cluster="c", is_runaway=True)

    assert (job.state, job.gpu_seconds, job.ended_at) == (RUNAWAY, 120, None)


def test_only_the_services_own_jobs_can_be_attempts() -> None:
    assert [read([line("7", User=user)])[0].key for user in ("service", "mallory")] == ["run-a:1", ""]


@pytest.mark.parametrize(
    ("text", "tres", "count"),
    [
        ("billing=8,cpu=8,gres/gpu=2,mem=1G", "gres/gpu", 2),
        ("cpu=8,gres/gpu:h100=2,gres/gpu=2", "gres/gpu", 2),
        ("cpu=8,gres/gpu:h100=2,gres/gpu:a100=1", "gres/gpu", 3),
        ("cpu=8,gres/gpumem=5", "gres/gpu", 0),
        ("cpu=8,gres/gpu=2", "cpu", 8),
        ("", "cpu", 0),
    ],
)
def test_things_are_counted_by_their_whole_name(text: str, tres: str, count: int) -> None:
    assert count_tres(text, tres) == count


def test_site_without_accelerators_counts_cores() -> None:
    (job,) = read([line("7")], tres="cpu")

    assert (job.devices, job.gpu_seconds) == (8, 480)


def test_forged_row_in_a_name_stays_a_name() -> None:
    separator = make_separator()
    forged = "x\n" + line("999", User="victim")
    text = line("7", JobName=forged, separator=separator) + "\n" + line("8", separator=separator)

    jobs = read(text.split("\n"), separator=separator)

    assert [(job.job_id, job.user, job.key) for job in jobs] == [("7", "service", ""), ("8", "service", "run-a:1")]


@given(names=st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<>\r")), max_size=6))
def test_no_name_changes_what_is_counted(names: list[str]) -> None:
    separator = make_separator()
    lines = "\n".join(line(str(n), JobName=name, separator=separator) for n, name in enumerate(names)).split("\n")

    jobs = read(lines if names else [], separator=separator)

    assert [(job.job_id, job.gpu_seconds) for job in jobs] == [(str(n), 120) for n in range(len(names))]


rows = st.builds(
    Row,
    job_id=st.sampled_from(["1", "2", "3"]),
    user=st.sampled_from(["a", "b"]),
    account=st.just("kf-one"),
    state=st.sampled_from(["COMPLETED", "REQUEUED", "RUNNING", "PREEMPTED", "NODE_FAIL", "CANCELLED"]),
    submit=st.integers(NOW, NOW + 100),
    start=st.just(NOW),
    end=st.sampled_from([0, NOW + 200]),
    devices=st.just(1),
    gpu_seconds=st.integers(0, 1000),
    cpu_seconds=st.just(0),
    exit_code=st.just(0),
    name=st.sampled_from(["x", "y"]),
    key=st.just(""),
)


@given(st.lists(rows, max_size=30))
def test_every_start_is_counted_once_however_they_are_put_together(listed: list[Row]) -> None:
    ordered = sorted(listed, key=lambda row: row.submit)

    groups = list(group(ordered))

    assert sorted(row for starts in groups for row in starts) == sorted(ordered)
    assert sum(as_job(starts, cluster="c").gpu_seconds for starts in groups) == sum(row.gpu_seconds for row in listed)


def test_strange_words_are_one_sentence() -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        read([line("7", ElapsedRaw="many")])
    with pytest.raises(Unavailable, match="cannot be read"):
        read([line("7") + "|more"])


def test_lacking_field_is_named() -> None:
    assert choose_fields([name.upper() for name in FIELDS]) == FIELDS
    with pytest.raises(Unavailable, match="AllocTRES"):
        choose_fields(set(FIELDS) - {"AllocTRES"})


def test_torn_last_record_is_an_error() -> None:
    records = split_records([line("7"), line("8")[:20]], separator="|")

    assert next(records) == line("7").split("|")
    with pytest.raises(Unavailable, match="cannot be read"):
        next(records)


def _row(text: str) -> Row:
    from kifabrik.cluster.slurm.accounting import read_rows

    return next(read_rows([text], tres="gres/gpu", user="service"))
