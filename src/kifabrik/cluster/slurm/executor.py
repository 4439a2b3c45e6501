"""Runs jobs on Slurm: submit once, find, poll many at once, cancel, usage. Knows jobs, not runs.

A key is submitted once, whoever is killed when: a lock for each key that sbatch holds too, a note before sbatch and
one after it, and where only the first is there, the queue and then accounting are asked. A job number alone means
nothing, for numbers come again after a crash of the controller: what Slurm says of a number counts only with our key.
"""

import os
import pwd
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from threading import RLock

from kifabrik.cluster.jobs import ENDED, JobRef, JobReport, JobSpec, JobState
from kifabrik.cluster.slurm import outcomes
from kifabrik.cluster.slurm.accounting_import import look_at_controller
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.layout import check_job
from kifabrik.cluster.slurm.listing import Listing, PastJob, QueuedJob, Sighting, as_moment
from kifabrik.cluster.slurm.naming import comment, job_name
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.cluster.slurm.script import TASK_LOG, ArraySpec, job_script, log_name, was_started_twice
from kifabrik.cluster.slurm.submissions import Submission, Submissions
from kifabrik.core import files
from kifabrik.core.errors import InvalidInput, NotFound, Unavailable
from kifabrik.records.usage_record import UsageRecord

QUEUE_SECONDS = 15.0  # so old may the queue's answer be for a key of which we never noted anything
_CANCEL_SECONDS = 2.0
_SCRIPT = ".batch"  # how accounting names the step that is a job's script
_LOST = "the scheduler lost it: its controller does not know it any more"
_TWICE = "the cluster started it a second time: its controller was killed and forgot the first start"


class SlurmExecutor:
    """An Executor for one Slurm cluster; any number of them may share one state folder."""

    def __init__(self, profile: SiteProfile, *, state_folder: Path, slurm: Slurm | None = None) -> None:
        self._profile = profile
        self._slurm = slurm or Slurm()
        self._submissions = Submissions(state_folder.absolute() / "slurm-jobs")
        user = pwd.getpwuid(os.geteuid()).pw_name
        self._listing = Listing(self._slurm, user=user, tres=profile.tres)
        self._ended: dict[JobRef, JobReport] = {}  # an end never changes
        self._usage: dict[JobRef, UsageRecord] = {}
        self._one_thread = RLock()

    def submit(self, job: JobSpec, *, after: Sequence[JobRef] = ()) -> JobRef:
        """Bring a job to the cluster once. It starts when the jobs of `after` ended well, and is cancelled if not.

        Raises InvalidInput for a job that can never run here, Unavailable when Slurm does not answer.
        """
        return self._submit(job, None, after)

    def submit_array(self, job: JobSpec, array: ArraySpec, *, after: Sequence[JobRef] = ()) -> JobRef:
        """Bring a job to the cluster that runs once for each task; it is found, polled and cancelled as a whole."""
        if array.size < 1 or array.throttle < 0:
            raise InvalidInput("a job array needs at least one task.", where=job.key)
        return self._submit(job, array, after)

    def find(self, key: str) -> JobRef | None:
        """Find the job of a key, or None if there never was one. Many keys cost one question to the queue together."""
        with self._one_thread:
            known = self._submissions.read(key)
            return self._ref(known) if known and known.job_id else self._look(key, known)

    def poll(self, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
        """Say where jobs stand: one question to the queue, and one to accounting for those that ended."""
        wanted = list(refs)
        with self._one_thread:
            reports = {ref: self._ended[ref] for ref in wanted if ref in self._ended}
            open_refs = [ref for ref in wanted if ref not in reports]
            if not open_refs:
                return reports
            self._listing.queue()  # asked now, and once for all that follows
            queue = {ref.job_id: queued for ref in open_refs if (queued := self._queued(ref, float("inf")))}
            for ref in open_refs:
                if report := self._report_alive(ref, queue.get(ref.job_id, ())):
                    reports[ref] = report
            rest = [ref for ref in open_refs if ref not in reports]
            if rest:
                reports.update(self._report_past(rest, queue))
            self._ended.update({ref: report for ref, report in reports.items() if report.state in ENDED})
            return reports

    def cancel(self, ref: JobRef) -> None:
        """Ask for the end of a job; one that ended, or that the controller does not know, stays as it is."""
        with self._one_thread:
            if any(outcomes.is_alive(job.state) for job in self._queued(ref, _CANCEL_SECONDS)):
                try:
                    self._slurm.write("scancel", ref.job_id)
                except NotFound:
                    return

    def usage(self, ref: JobRef) -> UsageRecord:
        """Say what all starts of a job consumed by accounting: devices held x elapsed seconds. Raises NotFound."""
        with self._one_thread:
            if ref not in self._usage:
                self._read_usage({ref, *(each for each in self._ended if each not in self._usage)})
            if ref not in self._usage:
                return self._no_usage(ref)
            return self._usage[ref] if ref in self._ended else self._usage.pop(ref)

    def alive_keys(self) -> frozenset[str]:
        """Name the keys of the jobs that wait or run, as the queue says now."""
        with self._one_thread:
            queued = [job for jobs in self._listing.queue().values() for job in jobs]
        return frozenset(job.mark.key for job in queued if job.mark and outcomes.is_alive(job.state))

    def old_notes(self, *, before: float, runs: Collection[str]) -> Sequence[Path]:
        """List our notes of jobs that do not live, unchanged since a moment; none of the given runs."""
        return self._submissions.old_files(before=before, keys=self.alive_keys(), runs=runs)

    def _submit(self, job: JobSpec, array: ArraySpec | None, after: Sequence[JobRef]) -> JobRef:
        check_job(job, self._profile)
        with self._one_thread, self._submissions.hold(job.key) as lock:
            known = self._submissions.read(job.key)
            if known and known.job_id:
                return self._ref(known)
            if found := self._look(job.key, known):
                return found
            with files.explain_disk_errors(job.folder):
                job.folder.mkdir(parents=True, exist_ok=True)
            submission = Submission(
                key=job.key,
                submitted_at=as_moment(int(time.time())) or "",
                log=str(job.folder / log_name(job, array)),
                time_limit_seconds=job.time_limit_seconds,
            )
            script = self._submissions.write_script(job.key, job_script(job, self._profile, array=array))
            return self._hand_over(submission, script, job, after=after, lock=lock)

    def _hand_over(
        self, submission: Submission, script: Path, job: JobSpec, *, after: Sequence[JobRef], lock: int
    ) -> JobRef:
        options = [
            "--parsable",
            f"--job-name={job_name(submission.key)}",
            f"--comment={comment(submission.key, submission.submitted_at)}",
            f"--output={_as_pattern(submission.log)}",
            "--kill-on-invalid-dep=yes",
        ]
        if after:
            options.append(f"--dependency=afterok:{':'.join(ref.job_id for ref in after)}")
        self._submissions.write(submission)
        try:
            said = self._slurm.write("sbatch", *options, str(script), folder=job.folder, keep_open=(lock,))
        except InvalidInput:
            self._submissions.forget(submission.key)  # refused for certain: there is no job
            raise
        if said is None:
            self._submissions.forget(submission.key)
            return JobRef(self._profile.cluster, "dry-run", submission.submitted_at, submission.key)
        match = re.search(r"^(\d+)", said, re.MULTILINE)
        if match is None:
            raise Unavailable(f"sbatch answers in words we do not know: {said[:80]!r}.", code="strange-answer")
        return self._adopt(submission, Sighting(match[1], submission.submitted_at))

    def _look(self, key: str, noted: Submission | None) -> JobRef | None:
        """Look for a key in the queue, then in accounting; freshly if there is a note that it was to be submitted."""
        found = self._listing.find_queued(key, max_age_seconds=0.0 if noted else QUEUE_SECONDS)
        found = found or self._listing.find_past(key, is_fresh=noted is not None)
        if found is None:
            return None
        blank = Submission(key=key, submitted_at="", log="", time_limit_seconds=0)
        return self._adopt(noted or blank, found)

    def _adopt(self, submission: Submission, sighting: Sighting) -> JobRef:
        known = Submission(
            key=submission.key,
            submitted_at=sighting.submitted_at,
            log=submission.log,
            time_limit_seconds=submission.time_limit_seconds,
            job_id=sighting.job_id,
        )
        self._submissions.write(known)
        return self._ref(known)

    def _ref(self, known: Submission) -> JobRef:
        return JobRef(self._profile.cluster, known.job_id, known.submitted_at, known.key)

    def _queued(self, ref: JobRef, max_age_seconds: float) -> Sequence[QueuedJob]:
        jobs = self._listing.queue(max_age_seconds=max_age_seconds).get(ref.job_id, ())
        return [job for job in jobs if job.mark and job.mark.key == ref.key]

    def _log(self, ref: JobRef) -> Path | None:
        known = self._submissions.read(ref.key)
        is_one = known is not None and known.log and not known.log.endswith(TASK_LOG)
        return Path(known.log) if known and is_one else None

    def _report_alive(self, ref: JobRef, queued: Sequence[QueuedJob]) -> JobReport | None:
        alive = [job for job in queued if outcomes.is_alive(job.state)]
        if not alive:
            return None
        waiting = [job for job in alive if job.state in outcomes.WAITING]
        if len(waiting) == len(queued):
            reason = outcomes.explain_waiting(waiting[0].reason)
            return JobReport(ref=ref, state=JobState.WAITING, reason=reason, log_path=self._log(ref))
        started = min((job.started for job in queued if job.started and job not in waiting), default=0)
        log = self._log(ref)
        twice = log is not None and was_started_twice(log.parent, int(ref.key.rpartition(":")[2]))
        return JobReport(
            ref=ref,
            state=JobState.RUNNING,
            started_at=as_moment(started),
            reason=_TWICE if twice else "",
            log_path=log,
        )

    def _report_past(self, refs: Sequence[JobRef], queue: Mapping[str, Sequence[QueuedJob]]) -> dict[JobRef, JobReport]:
        past = self._listing.past(ref.job_id for ref in refs)
        reports: dict[JobRef, JobReport] = {}
        doubtful: list[JobRef] = []
        for ref in refs:
            tasks = _last_starts(past[ref.job_id], ref)
            if _has_ended(tasks) and _is_told(queue.get(ref.job_id, ()), tasks):
                reports[ref] = self._report_end(ref, tasks)
            elif ref.job_id in queue:  # the controller saw its end; accounting will hear of it soon
                reports[ref] = JobReport(ref=ref, state=JobState.RUNNING, log_path=self._log(ref))
            else:
                doubtful.append(ref)
        if doubtful:
            is_late = look_at_controller(self._slurm).undelivered > 0
            reports.update({ref: self._report_unknown(ref, is_late=is_late) for ref in doubtful})
        return reports

    def _report_end(self, ref: JobRef, tasks: Sequence[PastJob]) -> JobReport:
        began = self._script_starts(ref) if any(map(outcomes.may_be_refused, tasks)) else {}
        state, reason = outcomes.combine(
            [outcomes.explain_end(job, script_began=began.get(job.number)) for job in tasks]
        )
        return JobReport(
            ref=ref,
            state=state,
            started_at=as_moment(min((job.started for job in tasks if job.started and job.devices), default=0)),
            ended_at=as_moment(max(job.ended for job in tasks)),
            exit_code=None if state is JobState.CANCELLED else max(outcomes.exit_code(job) for job in tasks),
            reason=reason,
            log_path=self._log(ref),
        )

    def _script_starts(self, ref: JobRef) -> Mapping[str, int]:
        """Ask accounting when the script of a job last began, or of each task of an array."""
        rows = self._listing.past([ref.job_id], with_steps=True)[ref.job_id]
        scripts = sorted((row for row in rows if row.number.endswith(_SCRIPT)), key=lambda row: row.started)
        return {row.number.removesuffix(_SCRIPT): row.started for row in scripts}

    def _report_unknown(self, ref: JobRef, *, is_late: bool) -> JobReport:
        """Accounting has no end of it and the controller does not know it; unless news are on their way, it is lost."""
        if is_late:
            return JobReport(ref=ref, state=JobState.RUNNING, log_path=self._log(ref))
        noticed_at = as_moment(int(time.time()))
        return JobReport(ref=ref, state=JobState.LOST, ended_at=noticed_at, reason=_LOST, log_path=self._log(ref))

    def _read_usage(self, refs: Iterable[JobRef]) -> None:
        chosen = list(refs)
        past = self._listing.past((ref.job_id for ref in chosen), with_steps=True)
        for ref in chosen:
            starts = [job for job in past[ref.job_id] if "." not in job.number and _is_of(job, ref)]
            if starts:
                steps = [job for job in past[ref.job_id] if "." in job.number]
                self._usage[ref] = self._sum_up(ref, starts, steps)

    def _sum_up(self, ref: JobRef, starts: Sequence[PastJob], steps: Sequence[PastJob]) -> UsageRecord:
        run_id, _colon, attempt = ref.key.rpartition(":")
        last = _last_starts(starts, ref)
        has_ended = _has_ended(last)
        # A start that the controller does not know goes on in accounting for ever, and is not billed.
        counted = [job for job in starts if job.ended or (job in last and self._queued(ref, QUEUE_SECONDS))]
        noticed = self._ended.get(ref)
        return UsageRecord(
            key=ref.key,
            run_id=run_id,
            attempt=int(attempt),
            cluster=ref.cluster,
            job_id=ref.job_id,
            submitted_at=ref.submitted_at,
            started_at=as_moment(min((job.started for job in starts if job.devices), default=0)),
            ended_at=as_moment(max(job.ended for job in last)) if has_ended else noticed.ended_at if noticed else None,
            devices=max((job.devices for job in starts), default=0),
            gpu_seconds=sum(job.devices * job.elapsed_seconds for job in counted),
            cpu_seconds=round(sum(job.cpu_seconds for job in starts), 3),
            peak_memory_bytes=max((job.peak_memory_bytes for job in (*starts, *steps)), default=0),
            exit_code=max(outcomes.exit_code(job) for job in last) if has_ended else None,
            source="sacct",
        )

    def _no_usage(self, ref: JobRef) -> UsageRecord:
        """Say that a job of ours consumed nothing that accounting knows of: it was lost, or only just submitted."""
        known = self._submissions.read(ref.key)
        if known is None or self._ref(known) != ref:
            raise NotFound("neither this folder nor accounting knows this job.", where=ref.key)
        return self._sum_up(ref, (), ())


def _as_pattern(log: str) -> str:
    """Write a path so that Slurm expands nothing in it but the number of an array's task."""
    head = log.removesuffix(TASK_LOG)
    return head.replace("%", "%%") + log[len(head) :]


def _is_of(job: PastJob, ref: JobRef) -> bool:
    return job.mark is not None and job.mark.key == ref.key


def _has_ended(tasks: Sequence[PastJob]) -> bool:
    return bool(tasks) and not any(outcomes.is_alive(job.state) for job in tasks)


def _is_told(queued: Sequence[QueuedJob], tasks: Sequence[PastJob]) -> bool:
    """Say whether accounting knows every task of the controller, and its last start: each has a new submit time."""
    known = {job.number: job.submitted for job in tasks}
    return all(known.get(job.number, 0) >= job.submitted for job in queued)


def _last_starts(jobs: Iterable[PastJob], ref: JobRef) -> list[PastJob]:
    """Take the last start of the job, or of each task of an array."""
    last: dict[str, PastJob] = {}
    for job in jobs:
        if _is_of(job, ref) and (job.number not in last or last[job.number].submitted <= job.submitted):
            last[job.number] = job
    return list(last.values())
