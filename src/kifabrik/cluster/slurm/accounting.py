"""Reads what Slurm's accounting says of jobs: one `AccountedJob` for each job, over all its starts. Streams.

A row of `sacct -D -X` is one start of a job. The database keeps one row for each (job number, submit time); a requeue
makes a new row with a new submit time, and so does a job number that comes again after a crash of the controller. A
row belongs to the job of the row before it with that number if that row ended in a state from which Slurm starts a job
again, and user and name are the same. The job is named by its first submit time. Every row is counted once however
rows are put together, so the sum is exact even where two jobs look alike.

Rows come in the order of their submit times, so the starts of one job lie apart; only jobs that may start again are
held. Names are the words of strangers: they may hold separators and line ends. The separator is therefore a word nobody
can guess, new for each call, and a record ends only with its last field, which no user can write. The comment is not
asked for: Slurm writes it only when a job ends. Knows no budget and no portal.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from kifabrik.cluster.slurm.naming import read_mark
from kifabrik.core.errors import Unavailable
from kifabrik.records.accounted_job import AccountedJob

RUNAWAY = "RUNAWAY"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNFINISHED = frozenset({"PENDING", "RUNNING", "SUSPENDED", "RESIZING", "REQUEUED", "COMPLETING", "CONFIGURING"})
_STARTS_AGAIN = frozenset({"REQUEUED", "PREEMPTED", "NODE_FAIL", "RESIZING"})
_NEEDED = ("JobIDRaw", "User", "Account", "State", "Submit", "Start", "End", "ElapsedRaw", "AllocTRES", "ExitCode")
_ALL_FIELDS = set(AccountedJob.model_fields)
_WORD = re.compile(r"[A-Z][A-Z_]{0,39}")
FIELDS = (*_NEEDED, "JobName", "Cluster")  # the last one is a word of the administrator: a record ends with it


class Row(NamedTuple):
    """One start of one job, as accounting keeps it; moments are seconds since 1970, 0 where there is none."""

    job_id: str
    user: str
    account: str
    state: str
    submit: int
    start: int
    end: int
    devices: int
    gpu_seconds: int
    cpu_seconds: int
    exit_code: int | None
    name: str
    key: str


def choose_fields(known: Collection[str]) -> tuple[str, ...]:
    """Name the fields to ask for; raises Unavailable if this sacct lacks one, in words for the operator."""
    lower = {name.lower() for name in known}
    lacking = [name for name in FIELDS if name.lower() not in lower]
    if lacking:
        raise Unavailable(
            f"this sacct does not know the field {lacking[0]}.",
            remedy="Kifabrik knows Slurm 22.05 to 25.11.",
            code="strange-slurm",
        )
    return FIELDS


def make_separator() -> str:
    """Make a separator that no user can have written into a name: new for each call."""
    return f"<{secrets.token_hex(8)}>"


def split_records(lines: Iterable[str], *, separator: str, fields: int = len(FIELDS)) -> Iterator[list[str]]:
    """Put lines together to records of so many fields; a name with line ends in it does not tear its record.

    Raises Unavailable if the last record is torn.
    """
    waiting = ""
    for line in lines:
        waiting = f"{waiting}\n{line}" if waiting else line
        record = waiting.split(separator)
        if len(record) >= fields:
            record[-1] = record[-1].rstrip("\n")
            yield record
            waiting = ""
    if waiting.strip():
        raise _strange(waiting[:200])


def read_rows(lines: Iterable[str], *, tres: str, user: str, separator: str = "|") -> Iterator[Row]:
    """Read the starts of jobs; `tres` names what is billed: `gres/gpu` or `cpu`. Raises Unavailable on strange text.

    Only jobs of `user`, who submits for Kifabrik, can be attempts of runs, whatever name others give to theirs.
    """
    for record in split_records(lines, separator=separator):
        if len(record) != len(FIELDS):
            raise _strange(" ".join(record)[:200])
        yield _read_row(record, tres=tres, ours=user)


def group(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Put the starts of one job together, oldest first; rows come in the order of their submit times."""
    held: dict[str, list[Row]] = {}
    for row in rows:
        before = held.pop(row.job_id, None)
        if before is not None and not _continues(row, before[-1]):
            yield tuple(before)
            before = None
        starts = [*(before or ()), row]
        if row.state in _STARTS_AGAIN:
            held[row.job_id] = starts
        else:
            yield tuple(starts)
    yield from map(tuple, held.values())


def read_accounting(
    lines: Iterable[str], *, tres: str, cluster: str, user: str, separator: str = "|"
) -> Iterator[AccountedJob]:
    """Read the jobs of an answer of sacct as records, in its order."""
    for starts in group(read_rows(lines, tres=tres, user=user, separator=separator)):
        yield as_job(starts, cluster=cluster)


def as_job(starts: Sequence[Row], *, cluster: str, is_runaway: bool = False) -> AccountedJob:
    """Sum up the starts of one job, oldest first.

    A runaway is a job that accounting believes alive and the controller does not know: its open start counts nothing,
    because nobody knows when it ended.
    """
    first, last = starts[0], starts[-1]
    counted = [row for row in starts if row.end] if is_runaway else starts
    started = [row.start for row in starts if row.start]
    is_open = is_unfinished(last)
    return AccountedJob.model_construct(  # of the right kinds already; checking each of a million takes minutes
        _ALL_FIELDS,
        schema_version=1,
        cluster=cluster,
        job_id=last.job_id,
        submitted_at=_moment(first.submit) or "",
        key=last.key,
        account=last.account,
        user=last.user,
        state=RUNAWAY if is_runaway else last.state,
        started_at=_moment(min(started)) if started else None,
        ended_at=None if is_open else _moment(last.end),
        devices=next((row.devices for row in reversed(starts) if row.devices), 0),
        gpu_seconds=sum(row.gpu_seconds for row in counted),
        cpu_seconds=float(sum(row.cpu_seconds for row in counted)),
        restarts=len(started) - 1 if started else 0,
        exit_code=None if is_open else last.exit_code,
    )


def is_unfinished(row: Row) -> bool:
    """Say whether a start goes on, or ended only to be started again."""
    return row.end == 0 or row.state in UNFINISHED


@lru_cache(maxsize=4096)  # jobs ask for the same things again and again
def count_tres(text: str, tres: str) -> int:
    """Count one thing in Slurm's `cpu=8,gres/gpu=2,gres/gpu:h100=2`; where only kinds of it are named, add them up."""
    total = kinds = 0
    for part in text.split(","):
        name, _equals, amount = part.partition("=")
        if name == tres:
            total += _whole(amount)
        elif name.startswith(f"{tres}:"):
            kinds += _whole(amount)
    return total or kinds


def _read_row(record: Sequence[str], *, tres: str, ours: str) -> Row:
    job_id, user, account, state, submit, start, end, elapsed, allocated, code, name, _cluster = record
    seconds = _whole(elapsed)
    devices = count_tres(allocated, tres)
    mark = read_mark(name, "") if user == ours else None
    return Row(
        job_id=job_id,
        user=user,
        account=account,
        state=word[0] if (word := _WORD.match(state)) else "UNKNOWN",  # 'CANCELLED by 1000', 'COMPLETED+', '?'
        submit=_seconds(submit),
        start=_seconds(start) if allocated or seconds else 0,
        end=_seconds(end),
        devices=devices,
        gpu_seconds=devices * seconds,
        cpu_seconds=count_tres(allocated, "cpu") * seconds,
        exit_code=_exit_code(code),
        name=name,
        key=mark.key if mark else "",
    )


def _continues(row: Row, before: Row) -> bool:
    """Judge two rows of one number that follow each other; always the same for the same two rows."""
    return before.state in _STARTS_AGAIN and (row.user, row.name) == (before.user, before.name)


def _seconds(text: str) -> int:
    """Read a moment: seconds since 1970 or ISO 8601 in UTC; 0 for `Unknown`, `None` and the like."""
    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


def _moment(seconds: int) -> str | None:
    if not seconds:
        return None
    days, rest = divmod(seconds, 86_400)
    minutes, second = divmod(rest, 60)
    return f"{_day(days)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}+00:00"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return datetime.fromtimestamp(days * 86_400, tz=UTC).date().isoformat()


def _whole(text: str) -> int:
    try:
        return int(text) if text else 0
    except ValueError as error:
        raise _strange(text[:80]) from error


def _exit_code(text: str) -> int | None:
    """Read `code:signal` as a shell says it: 128 + signal when a signal ended the job."""
    code, _colon, number = text.partition(":")
    if not code.isdecimal() or (number and not number.isdecimal()):
        return None
    return 128 + int(number) if number not in {"", "0"} else int(code)


def _strange(text: str) -> Unavailable:
    return Unavailable(
        f"accounting's answer cannot be read: {text!r}.", remedy="Please report it.", code="strange-answer"
    )
