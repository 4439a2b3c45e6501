"""Brings what the cluster's accounting says of the site's jobs to the portal, a little at a time, with a cursor.

The cursor is a moment of the controller's clock: everything that ended before it has been booked. It moves only when
the controller has delivered all its records to accounting, and only after the portal took the rows. What a killed
agent forgets is sent again; the portal books each job once. Knows no limits.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from kifabrik.cluster.slurm.accounting import RUNAWAY
from kifabrik.cluster.slurm.accounting_import import Accounting, Controller
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, Severity
from kifabrik.records.accounted_job import AccountedJob
from kifabrik.site.client import PortalClient
from kifabrik.site.notices import Notices

ROWS_A_REQUEST = 1000
OVERLAP = timedelta(minutes=5)
INTERIM_SECONDS = 300.0
CURSOR_SECONDS = 600.0
BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_REST = 20  # reading an account's whole history may take one part in so many of the time
_Identity = tuple[str, str]


class AccountingImport:
    """Sends changed jobs of the site's accounts to the portal and keeps the sum of each account."""

    def __init__(
        self,
        *,
        client: PortalClient,
        accounting: Accounting,
        profile: SiteProfile,
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
        interim_seconds: float = INTERIM_SECONDS,
    ) -> None:
        self.totals: dict[str, int] = {}  # GPU seconds of each account, as accounting said last
        self.busy: frozenset[str] = frozenset()  # accounts with jobs that go on
        self._client = client
        self._accounting = accounting
        self._prefix = profile.account_prefix
        self._notices = notices
        self._clock = clock
        self._interim_seconds = interim_seconds
        self._cursor: datetime | None = None
        self._sent_at = float("-inf")
        self._sent: dict[_Identity, tuple[AccountedJob, float]] = {}
        self._open: set[str] = set()  # numbers of the jobs that had not ended when last looked at
        self._stale: set[str] = set()  # accounts whose sum is to be read again
        self._rest_until = 0.0

    def look(
        self,
        controller: Controller,
        *,
        accounts: Sequence[str],
        accounting_since: str | None,
        asked: Collection[str] = (),
    ) -> frozenset[str]:
        """Send what changed since the last look, or what became of jobs that were asked about; name their accounts.

        Raises Unavailable when accounting or the portal is away: the next look begins where this one did.
        """
        if self._cursor is None and accounting_since is None:
            return self._send_everything(controller, accounts)
        since = self._cursor or datetime.fromisoformat(accounting_since or "").astimezone(UTC)
        numbers = (
            self._open | set(asked) | set(self._accounting.find_changed(since=since - OVERLAP, prefix=self._prefix))
        )
        jobs = [job for job in self._accounting.read_numbers(sorted(numbers)) if job.account.startswith(self._prefix)]
        changed = [job for job in jobs if self._is_news(job) or (job.ended_at and job.job_id in asked)]
        self._send(changed, since=since, until=since if controller.undelivered else controller.now)
        now = self._clock()
        self._sent = {
            _identity(job): self._sent.get(_identity(job), (job, now)) if job not in changed else (job, now)
            for job in jobs
        }
        self._note_open(job for job in jobs if _goes_on(job))
        self._notices.replace("accounting", _find_oddities(jobs))
        self._stale.update(job.account for job in changed)
        return frozenset(job.account for job in changed)

    def refresh_totals(self, accounts: Collection[str], *, is_full: bool) -> frozenset[str]:
        """Sum up anew what changed, and with `is_full` what goes on too; returns the accounts with a sum of now.

        A history that takes long to read is read less often.
        """
        wanted = {name for name in accounts if name not in self.totals or name in self._stale}
        if is_full:
            wanted |= self.busy & set(accounts)
        elif self._clock() < self._rest_until:
            wanted -= set(self.totals)
        if wanted:
            begin = self._clock()
            sums: dict[str, int] = dict.fromkeys(sorted(wanted), 0)
            for job in self._accounting.read(sorted(wanted)):
                sums[job.account] += job.gpu_seconds
            self.totals.update(sums)
            self._stale -= wanted
            self._rest_until = self._clock() + _REST * (self._clock() - begin)
        return frozenset(name for name in accounts if name not in self._stale)

    def _send_everything(self, controller: Controller, accounts: Sequence[str]) -> frozenset[str]:
        """Send the whole history, streamed, so that a long one needs no more memory than a short one."""
        sums: dict[str, int] = dict.fromkeys(accounts, 0)
        open_jobs: list[AccountedJob] = []
        odd: list[AccountedJob] = []

        def note(jobs: Iterable[AccountedJob]) -> Iterator[AccountedJob]:
            for job in jobs:
                sums[job.account] = sums.get(job.account, 0) + job.gpu_seconds
                if _goes_on(job):
                    open_jobs.append(job)
                if job.state == RUNAWAY:
                    odd.append(job)
                yield job

        until = BEGINNING if controller.undelivered else controller.now
        self._send(note(self._accounting.read(accounts)), since=BEGINNING, until=until)
        self.totals.update(sums)
        self._note_open(open_jobs)
        self._notices.replace("accounting", _find_oddities(odd))
        return frozenset(accounts)

    def _send(self, jobs: Iterable[AccountedJob], *, since: datetime, until: datetime) -> None:
        """Send in pieces; only the last one moves the cursor."""
        stream = iter(jobs)
        rows = list(islice(stream, ROWS_A_REQUEST))
        while rows:
            following = list(islice(stream, ROWS_A_REQUEST))
            self._post(rows, until=since if following else until)
            rows = following
            if not rows:
                self._sent_at = self._clock()
        if until > since and self._clock() >= self._sent_at + CURSOR_SECONDS:
            self._post([], until=until)
            self._sent_at = self._clock()
        self._cursor = until

    def _post(self, rows: Sequence[AccountedJob], *, until: datetime) -> None:
        """Send rows; one that the portal does not accept is reported and left out, so that it holds up no other."""
        body = {"rows": [self._as_row(job) for job in rows], "until": until.isoformat()}
        try:
            self._client.post("/site/accounting", body, again=True)
        except InvalidInput as error:
            if len(rows) < 2:
                self._report_refused(rows, error)
                return
            half = len(rows) // 2
            self._post(rows[:half], until=until)
            self._post(rows[half:], until=until)

    def _as_row(self, job: AccountedJob) -> dict[str, Any]:
        """Name the account as the portal does: this site may have a prefix of its own."""
        return {**dict(job), "account": "kf-" + job.account.removeprefix(self._prefix)}

    def _report_refused(self, rows: Sequence[AccountedJob], error: InvalidInput) -> None:
        if not rows:
            raise error
        message = f"the portal did not accept a job of accounting: {error}"
        self._notices.add(Finding("site.job-not-accepted", Severity.SERIOUS, message, where=f"job {rows[0].job_id}"))

    def _note_open(self, jobs: Iterable[AccountedJob]) -> None:
        going = list(jobs)
        self._open = {job.job_id for job in going}
        self.busy = frozenset(job.account for job in going)

    def _is_news(self, job: AccountedJob) -> bool:
        """A job that only goes on is news now and then; any other difference is news at once."""
        known, sent_at = self._sent.get(_identity(job), (None, 0.0))
        if known is None or (known.state, known.ended_at, known.restarts) != (job.state, job.ended_at, job.restarts):
            return True
        return known != job and (job.ended_at is not None or self._clock() >= sent_at + self._interim_seconds)


def _identity(job: AccountedJob) -> _Identity:
    return job.job_id, job.submitted_at


def _goes_on(job: AccountedJob) -> bool:
    return job.ended_at is None and job.state != RUNAWAY


def _find_oddities(jobs: Iterable[AccountedJob]) -> Iterator[Finding]:
    """Find what an operator should look at: runaways, and an attempt that ran as two jobs."""
    attempts: dict[str, set[_Identity]] = defaultdict(set)
    for job in jobs:
        if job.state == RUNAWAY:
            yield Finding(
                "site.runaway-job",
                Severity.WARNING,
                f"accounting believes job {job.job_id} of account {job.account} alive, and the controller does not "
                "know it; its last start is not billed.",
                where=f"job {job.job_id}",
                remedy="Look at 'sacctmgr show runawayjobs'; fixing it there sets its end to its start.",
            )
        if job.key and job.started_at:
            attempts[job.key].add(_identity(job))
    for key, identities in attempts.items():
        if len(identities) > 1:
            numbers = ", ".join(sorted(number for number, _ in identities))
            yield Finding(
                "site.attempt-started-twice",
                Severity.WARNING,
                f"the attempt ran as several jobs: {numbers}; all of them are counted.",
                where=key,
                remedy="After a crash of the controller this can happen; the lease on the run folder let one write.",
            )
