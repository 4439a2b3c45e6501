"""Asks Slurm's accounting for the jobs of some accounts, and tells a job that goes on from one that only seems to.

`accounting.py` reads the answers. Knows no portal and no budget.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from math import ceil

from kifabrik.cluster.slurm.accounting import (
    FIELDS,
    Row,
    as_job,
    choose_fields,
    group,
    is_unfinished,
    make_separator,
    read_rows,
)
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.core.errors import Unavailable
from kifabrik.records.accounted_job import AccountedJob

_EVERYTHING = ("--allusers", "--allocations", "--duplicates", "--parsable2", "--noheader", "--noconvert")
_BEGINNING = "1970-01-02"
_NAMES_A_CALL = 500
_PORTIONS = 4
_NO_NAME = frozenset({"", "allocation"})  # what slurmdbd calls a job of which it knows the end alone
_NAME_COMES_WITHIN_SECONDS = 240  # starts are delivered every few seconds; shorter than the overlap of two imports
_NOW = re.compile(r"^sdiag output at .*\((\d+)\)", re.MULTILINE)
_UNDELIVERED = re.compile(r"^DBD Agent queue size:\s*(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller's clock, when it was started, and how many records it has not delivered to accounting yet."""

    now: datetime
    booted: str
    undelivered: int


def look_at_controller(slurm: Slurm) -> Controller:
    """Ask slurmctld how it is. Raises Unavailable when it does not answer, or answers in words we do not know."""
    statistics = "\n".join(slurm.read("sdiag"))
    now, undelivered = _NOW.search(statistics), _UNDELIVERED.search(statistics)
    if now is None or undelivered is None:
        raise Unavailable("sdiag answers in words that this version does not know.", code="strange-answer")
    return Controller(
        now=datetime.fromtimestamp(int(now[1]), tz=UTC),
        booted=slurm.configuration().get("BOOT_TIME", ""),
        undelivered=int(undelivered[1]),
    )


class Accounting:
    """What one cluster's accounting says of jobs, as records; every call asks anew."""

    def __init__(
        self, slurm: Slurm, *, cluster: str, tres: str, user: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._slurm = slurm
        self._clock = clock
        self._cluster = cluster
        self._tres = tres
        self._user = user  # whose jobs may be attempts of runs
        self._is_known = False

    def read(self, accounts: Sequence[str]) -> Iterator[AccountedJob]:
        """Read all jobs that accounts ever had, streamed; those that go on come last of each portion.

        While one portion is read, accounting looks for the next one, which takes as long as the reading.
        """
        portions = _portions(accounts)
        with ThreadPoolExecutor(max_workers=1) as ahead:
            asked = [ahead.submit(self._begin, portions[0])] if portions else []
            for following in [*portions[1:], ()]:
                if not asked:
                    return
                rows = asked.pop().result()
                if following:
                    asked.append(ahead.submit(self._begin, following))
                yield from self._judge(rows)

    def _begin(self, accounts: Sequence[str]) -> Iterator[Row]:
        """Ask for some accounts and wait for the first row."""
        rows = self._ask(f"--accounts={','.join(accounts)}", f"--starttime={_BEGINNING}")
        first = next(rows, None)
        return chain(() if first is None else (first,), rows)

    def read_numbers(self, numbers: Sequence[str]) -> Iterator[AccountedJob]:
        """Read all starts of the jobs with these numbers."""
        for at in range(0, len(numbers), _NAMES_A_CALL):
            chosen = set(numbers[at : at + _NAMES_A_CALL])
            rows = self._ask(f"--jobs={','.join(sorted(chosen))}", f"--starttime={_BEGINNING}")
            yield from self._judge(row for row in rows if row.job_id in chosen)

    def find_changed(self, *, since: datetime, prefix: str) -> dict[str, str]:
        """Name the jobs that were alive at some time since a moment: number -> account, of accounts with a prefix.

        Jobs that have no end in accounting are always among them.
        """
        words = ("--format=JobIDRaw,Account", f"--starttime={since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")
        found: dict[str, str] = {}
        for line in self._slurm.stream("sacct", *_EVERYTHING, *words):
            number, _bar, account = line.partition("|")
            if account.startswith(prefix):
                found[number] = account
        return found

    def _ask(self, *words: str) -> Iterator[Row]:
        if not self._is_known:
            choose_fields(self._slurm.sacct_fields())
            self._is_known = True
        separator = make_separator()
        asked = (*_EVERYTHING, f"--delimiter={separator}", f"--format={','.join(FIELDS)}", *words)
        return read_rows(self._slurm.stream("sacct", *asked), tres=self._tres, user=self._user, separator=separator)

    def _judge(self, rows: Iterable[Row]) -> Iterator[AccountedJob]:
        """Give the jobs that are over at once, and those that go on once it is known whether they do."""
        open_jobs: dict[str, tuple[Row, ...]] = {}
        for starts in group(rows):
            if self._is_yet_to_be_named(starts[-1]):
                continue
            older = open_jobs.pop(starts[-1].job_id, None)
            if older is not None:  # its number was given out again, so the controller has forgotten it
                yield self._as_job(older, is_runaway=True)
            if is_unfinished(starts[-1]):
                open_jobs[starts[-1].job_id] = starts
            else:
                yield self._as_job(starts)
        runaways = self._find_runaways(open_jobs)
        for number, starts in open_jobs.items():
            yield self._as_job(starts, is_runaway=number in runaways)

    def _is_yet_to_be_named(self, row: Row) -> bool:
        """Judge a job of ours whose end reached accounting before its start, which brings the name: a moment later.

        Booked now it would be nobody's, and the run's own usage would be booked beside it.
        """
        is_recent = not row.end or self._clock() < row.end + _NAME_COMES_WITHIN_SECONDS
        return row.user == self._user and row.name in _NO_NAME and is_recent

    def _find_runaways(self, open_jobs: dict[str, tuple[Row, ...]]) -> frozenset[str]:
        """Find the jobs that accounting believes alive and the controller does not know.

        The order of the questions rules out a job that ended meanwhile: first the controller, then whether it has
        delivered all it knows, then accounting again. As long as the controller is away nobody is called a runaway.
        """
        if not open_jobs:
            return frozenset()
        accounts = sorted({starts[-1].account for starts in open_jobs.values()})
        try:
            known = self._ask_controller(accounts)
            suspects = sorted(set(open_jobs) - known)
            if not suspects or look_at_controller(self._slurm).undelivered:
                return frozenset()
        except Unavailable:
            return frozenset()
        still_open = set()
        for at in range(0, len(suspects), _NAMES_A_CALL):
            part = suspects[at : at + _NAMES_A_CALL]
            rows = self._ask(f"--jobs={','.join(part)}", f"--starttime={_BEGINNING}")
            newest = {row.job_id: row for row in rows}
            still_open |= {number for number in part if number in newest and is_unfinished(newest[number])}
        return frozenset(still_open)

    def _ask_controller(self, accounts: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for at in range(0, len(accounts), _NAMES_A_CALL):
            names = ",".join(accounts[at : at + _NAMES_A_CALL])
            words = ("--all", "--noheader", "--states=all", "--format=%A", f"--account={names}")
            known.update(line.strip() for line in self._slurm.read("squeue", *words))
        return known

    def _as_job(self, starts: tuple[Row, ...], *, is_runaway: bool = False) -> AccountedJob:
        return as_job(starts, cluster=self._cluster, is_runaway=is_runaway)


def _portions(accounts: Sequence[str]) -> list[Sequence[str]]:
    """Cut a list of accounts into some portions of about the same length, none too long for a command."""
    size = min(_NAMES_A_CALL, max(1, ceil(len(accounts) / _PORTIONS)))
    return [accounts[at : at + size] for at in range(0, len(accounts), size)]
