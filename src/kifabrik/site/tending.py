"""Looks after one run: begins it, tells the portal how it goes, brings home what it leaves.

Every step may have been done before by an agent that was killed after it, so each can be repeated without harm, and
what to do follows only from what the portal was told and what the cluster says. Knows no loop and no network.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from kifabrik.cluster.executor import Executor
from kifabrik.cluster.jobs import DESERVES_ANOTHER_ATTEMPT, ENDED, JobRef, JobReport, JobSpec, JobState
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Finding, Severity
from kifabrik.records import Recipe, UsageRecord
from kifabrik.records.base import first_fault
from kifabrik.records.run_state import RunState
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import DesiredRun, InputFile
from kifabrik.site.notices import Notices
from kifabrik.site.run_folder import (
    EventReader,
    OutputFile,
    find_fault,
    last_words,
    list_outputs,
    read_papers,
)
from kifabrik.site.staging import Staging

ATTEMPTS_MAX = 3
EVENTS_A_REQUEST = 500
INTERIM_SECONDS = 300.0  # between two reports of what a running job has used so far
Jobs = Mapping[int, JobReport]  # attempt -> where its job stands
Command = Callable[[DesiredRun, Path, Path, Path], tuple[str, ...]]

_RUN_STATES: Mapping[JobState, RunState] = {
    JobState.WAITING: RunState.SUBMITTED,
    JobState.RUNNING: RunState.RUNNING,
    JobState.SUCCEEDED: RunState.SUCCEEDED,
    JobState.FAILED: RunState.FAILED,
    JobState.CANCELLED: RunState.CANCELLED,
    JobState.TIMED_OUT: RunState.TIMED_OUT,
    JobState.KILLED: RunState.FAILED,
    JobState.LOST: RunState.FAILED,
}

_JOB_ENVIRONMENT: Mapping[str, str] = {
    "PYTHONUNBUFFERED": "1",  # so that the log can be read while the job runs
    "HF_HUB_OFFLINE": "1",  # a compute node has no internet, and the laptop behaves like one
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def walk_command(run: DesiredRun, recipe: Path, folder: Path, dataset: Path) -> tuple[str, ...]:
    """Say the command of a job: the walk of the workbench, with the interpreter of the agent."""
    options = ("--folder", str(folder), "--dataset", str(dataset), "--run-id", run.id)
    return (sys.executable, "-m", "kifabrik", "run", str(recipe), *options)


class Preparing(Protocol):
    """What is laid out on the site's disk before a job starts."""

    def stage(self, inputs: Sequence[InputFile]) -> Path:
        """Return the folder of the dataset."""
        ...

    def write_recipe(self, recipe: Recipe, folder: Path) -> Path:
        """Return the path of the recipe in the run folder."""
        ...


class Tending:
    """Takes the next steps for runs; `tend` returns what it did, in words for the log."""

    def __init__(
        self,
        *,
        client: PortalClient,
        executor: Executor,
        home: Path,
        now: Callable[[], datetime],
        command: Command = walk_command,
        notices: Notices | None = None,
        staging: Preparing | None = None,
        find_account: Callable[[str], str | None] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._executor = executor
        self._runs = home / "runs"
        self._staging = staging or Staging(home, client)
        self._now = now
        self._command = command
        self._notices = notices or Notices(client, clock=clock)
        self._find_account = find_account
        self._clock = clock
        self._interim_at: dict[str, float] = {}
        self._readers: dict[str, EventReader] = {}
        self._outputs: dict[tuple[str, int], tuple[OutputFile, ...]] = {}

    def find_jobs(self, run: DesiredRun) -> dict[int, JobRef]:
        """Find the jobs of a run by their keys: attempt -> job."""
        attempts = range(1, max(ATTEMPTS_MAX, run.attempts) + 1)
        found = {number: self._executor.find(_key(run, number)) for number in attempts}
        return {number: ref for number, ref in found.items() if ref is not None}

    def tend(self, run: DesiredRun, jobs: Jobs) -> tuple[str, ...]:
        """Take the next steps for one run. Raises errors of portal, cluster and disk: the next round goes on there."""
        self._push_events(run)
        if not jobs:
            return self._tend_without_job(run)
        attempt = max(jobs)
        job = jobs[attempt]
        if job.state not in ENDED:
            return self._tend_alive(run, attempt, job)
        if job.state in DESERVES_ANOTHER_ATTEMPT and run.wanted == "run" and not run.is_final:
            return self._try_again(run, attempt, job)
        return self._finish(run, attempt, job, *self._judge(run, job))

    def forget_all_but(self, run_ids: set[str]) -> None:
        """Drop what is remembered of runs that need nothing any more."""
        self._readers = {key: value for key, value in self._readers.items() if key in run_ids}
        self._outputs = {key: value for key, value in self._outputs.items() if key[0] in run_ids}
        self._interim_at = {key: value for key, value in self._interim_at.items() if key in run_ids}

    def _tend_without_job(self, run: DesiredRun) -> tuple[str, ...]:
        if run.wanted == "stop" or run.is_final:
            self._report_all_usage(run, {})
            self._say_state(run, RunState.CANCELLED, max(run.attempts, 1), reason="cancelled before it started")
            return ("cancelled before it started",)
        if run.state is not RunState.REQUESTED:
            raise Conflict(
                "this run was begun from another home folder, and its job is not known here.",
                where=run.id,
                remedy="Start the agent with that --home, or cancel the run.",
            )
        return self._begin(run, max(run.attempts, 1))

    def _begin(self, run: DesiredRun, attempt: int) -> tuple[str, ...]:
        """Stage, reserve, submit, tell: after a kill between any two of them all are done again, to the same effect.

        A run whose account is not made yet waits for it, because the cluster would refuse its job.
        """
        account = self._find_account(run.cluster_account)
        if account is None:
            return ()
        try:
            recipe = Recipe.model_validate(run.recipe)
            dataset = self._staging.stage(run.inputs)
            folder = self._runs / run.id
            path = self._staging.write_recipe(recipe, folder)
            self._client.post(f"/site/runs/{run.id}/reserve", {"attempt": attempt}, again=True)
            command = self._command(run, path, folder, dataset)
            ref = self._executor.submit(_spec(run, attempt, command, folder, account=account))
        except (InvalidInput, Conflict, ValidationError) as error:
            return self._give_up(run, attempt, first_fault(error) if isinstance(error, ValidationError) else str(error))
        self._say_state(run, RunState.SUBMITTED, attempt, job_id=ref.job_id, at=ref.submitted_at)
        return (f"submitted attempt={attempt} job={ref.job_id}",)

    def _give_up(self, run: DesiredRun, attempt: int, reason: str) -> tuple[str, ...]:
        """A run that never began is refused; one that began and may not go on has failed."""
        if run.state is RunState.REQUESTED:
            self._say_state(run, RunState.REFUSED, attempt, reason=reason)
            return (f"refused: {reason}",)
        self._report_all_usage(run, self.find_jobs(run))
        self._say_state(run, RunState.FAILED, attempt - 1, reason=f"attempt {attempt - 1} was lost. {reason}")
        return (f"failed: {reason}",)

    def _tend_alive(self, run: DesiredRun, attempt: int, job: JobReport) -> tuple[str, ...]:
        if run.wanted == "stop" or run.is_final:
            self._executor.cancel(job.ref)
            return (f"cancelling job={job.ref.job_id}",)
        if job.state is JobState.RUNNING and job.reason:  # a running job needs no words but odd ones
            message = f"job {job.ref.job_id} of {run.id}: {job.reason}."
            self._notices.add(Finding("site.job-odd", Severity.WARNING, message, where=run.id))
        state = _RUN_STATES[job.state]
        if state is run.state and attempt == run.attempts:
            self._report_interim_usage(run, job)
            return ()
        at = job.started_at if state is RunState.RUNNING else job.ref.submitted_at
        self._say_state(run, state, attempt, job_id=job.ref.job_id, at=at)
        return (f"{state} attempt={attempt}",)

    def _try_again(self, run: DesiredRun, attempt: int, job: JobReport) -> tuple[str, ...]:
        """Book what the attempt consumed, then begin the next one in the same folder, where it resumes."""
        if attempt >= ATTEMPTS_MAX:
            reason = f"all {ATTEMPTS_MAX} attempts were lost; the last one: {job.reason}"
            return self._finish(run, attempt, job, RunState.FAILED, reason)
        self._client.post(f"/site/runs/{run.id}/usage", self._usage(job.ref), again=True)
        self._report_loss(run, attempt, job)
        if run.state is RunState.REQUESTED:  # nobody was told of the first attempt
            self._say_state(run, RunState.SUBMITTED, attempt, job_id=job.ref.job_id, at=job.ref.submitted_at)
            run = run.model_copy(update={"state": RunState.SUBMITTED})
        deeds = self._begin(run, attempt + 1)
        return (f"lost attempt={attempt}: {job.reason}", *deeds)

    def _judge(self, run: DesiredRun, job: JobReport) -> tuple[RunState, str]:
        """Turn the end of a job into the end of its run, with a reason a person understands."""
        if job.state is JobState.SUCCEEDED and (fault := find_fault(self._runs / run.id)):
            return RunState.FAILED, f"it ended well, but its papers are not in order: {fault}"
        if run.wanted == "stop" and job.state in DESERVES_ANOTHER_ATTEMPT:
            return RunState.CANCELLED, "cancelled"
        if job.state is JobState.FAILED:
            said = self._reader(run).last_failure or last_words(job.log_path)
            return RunState.FAILED, f"{said} ({job.reason})" if said else job.reason
        return _RUN_STATES[job.state], job.reason

    def _finish(self, run: DesiredRun, attempt: int, job: JobReport, state: RunState, reason: str) -> tuple[str, ...]:
        """Usage, then outputs, then the final state: nothing is final before its papers are there."""
        self._report_all_usage(run, self.find_jobs(run))
        try:
            self._bring_outputs(run, attempt, is_finished=state is RunState.SUCCEEDED)
        except InvalidInput as error:  # it will not be accepted next time either, so the run must not wait for it
            state, reason = RunState.FAILED, f"the portal did not accept what the run left: {error}"
        if run.is_final:
            return ("brought late papers",)
        if run.state is RunState.REQUESTED:
            self._say_state(run, RunState.SUBMITTED, attempt, job_id=job.ref.job_id, at=job.ref.submitted_at)
        if job.started_at and run.state is not RunState.RUNNING:
            self._say_state(run, RunState.RUNNING, attempt, job_id=job.ref.job_id, at=job.started_at)
        self._say_state(run, state, attempt, job_id=job.ref.job_id, reason=reason, at=job.ended_at)
        return (f"{state} attempt={attempt}" + (f": {reason}" if reason else ""),)

    def _push_events(self, run: DesiredRun) -> None:
        events = self._reader(run).after(run.events_known)
        for start in range(0, len(events), EVENTS_A_REQUEST):
            rows = [event.model_dump(mode="json") for event in events[start : start + EVENTS_A_REQUEST]]
            self._client.post(f"/site/runs/{run.id}/events", {"events": rows}, again=True)

    def _report_all_usage(self, run: DesiredRun, jobs: Mapping[int, JobRef]) -> None:
        """Report all attempts that reserved time, so that no reservation stays open; one without a job used nothing."""
        for attempt in range(1, max((run.attempts, *jobs)) + 1):
            usage = self._usage(jobs[attempt]) if attempt in jobs else self._no_usage(run, attempt)
            self._client.post(f"/site/runs/{run.id}/usage", usage, again=True)

    def _report_interim_usage(self, run: DesiredRun, job: JobReport) -> None:
        """Say now and then what a running job has used so far; one that has just begun has used nothing yet."""
        due_at = self._interim_at.setdefault(run.id, self._clock() + INTERIM_SECONDS)
        if job.state is JobState.RUNNING and self._clock() >= due_at:
            usage = self._executor.usage(job.ref)
            if usage.ended_at is None:  # else the next round brings the end
                self._client.post(f"/site/runs/{run.id}/usage", usage.model_dump(mode="json"), again=True)
            self._interim_at[run.id] = self._clock() + INTERIM_SECONDS

    def _report_loss(self, run: DesiredRun, attempt: int, job: JobReport) -> None:
        message = (
            f"attempt {attempt} of {run.id} (job {job.ref.job_id}) was lost: {job.reason}. Another attempt begins."
        )
        self._notices.add(Finding("site.attempt-lost", Severity.WARNING, message, where=run.id))

    def _usage(self, ref: JobRef) -> dict[str, object]:
        """Read what a job used in all. One that was lost has no end in accounting, but will use nothing more."""
        usage = self._executor.usage(ref)
        ended_at = usage.ended_at or self._now().isoformat()
        return usage.model_copy(update={"ended_at": ended_at}).model_dump(mode="json")

    def _no_usage(self, run: DesiredRun, attempt: int) -> dict[str, object]:
        record = UsageRecord(
            key=_key(run, attempt),
            run_id=run.id,
            attempt=attempt,
            cluster="none",
            job_id="",
            submitted_at=self._now().isoformat(),
            started_at=None,
            ended_at=None,
            devices=run.devices,
            gpu_seconds=0,
            cpu_seconds=0,
            peak_memory_bytes=0,
            exit_code=None,
            source="no job was found for this attempt",
        )
        return record.model_dump(mode="json")

    def _bring_outputs(self, run: DesiredRun, attempt: int, *, is_finished: bool) -> None:
        folder = self._runs / run.id
        known = self._outputs.get((run.id, attempt))
        outputs = self._outputs[run.id, attempt] = known or list_outputs(folder, with_model=is_finished)
        for output in outputs:
            self._client.upload_file(folder / output.path, digest=output.digest)
        papers = read_papers(folder, outputs, is_finished=is_finished)
        self._client.post(f"/site/runs/{run.id}/outputs", papers, again=True)

    def _say_state(
        self,
        run: DesiredRun,
        state: RunState,
        attempt: int,
        *,
        job_id: str = "",
        reason: str = "",
        at: str | None = None,
    ) -> None:
        moment = at or self._now().isoformat()
        body = {"state": state, "attempt": max(attempt, 1), "job_id": job_id, "reason": reason, "at": moment}
        self._client.post(f"/site/runs/{run.id}/state", body, again=True)

    def _reader(self, run: DesiredRun) -> EventReader:
        if run.id not in self._readers:
            self._readers[run.id] = EventReader(self._runs / run.id / "events.jsonl")
        return self._readers[run.id]


def _key(run: DesiredRun, attempt: int) -> str:
    return f"{run.id}:{attempt}"


def _spec(run: DesiredRun, attempt: int, command: tuple[str, ...], folder: Path, *, account: str) -> JobSpec:
    return JobSpec(
        key=_key(run, attempt),
        run_id=run.id,
        attempt=attempt,
        command=command,
        folder=folder,
        devices=run.devices,
        time_limit_seconds=run.time_limit_seconds,
        environment=_JOB_ENVIRONMENT,
        nodes=run.nodes,
        processes_per_node=run.processes_per_node,
        account=account,
    )
