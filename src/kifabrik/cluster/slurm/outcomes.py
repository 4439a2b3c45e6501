"""What Slurm's states mean for us, in our words. Pure; knows no command."""

import os
import signal
from collections.abc import Mapping, Sequence

from kifabrik.cluster.jobs import JobState
from kifabrik.cluster.slurm.listing import PastJob
from kifabrik.cluster.slurm.script import EXIT_SAVED, EXIT_TIMED_OUT
from kifabrik.core.quantities import format_duration

_SIGNALLED = 128
_CANNOT_START = 127
_TIME_UP_MARGIN_MINUTES = 1

WAITING = frozenset(
    {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
)
RUNNING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED"})

_ENDS: Mapping[str, tuple[JobState, str]] = {
    "COMPLETED": (JobState.SUCCEEDED, ""),
    "CANCELLED": (JobState.CANCELLED, "cancelled"),
    "OUT_OF_MEMORY": (JobState.KILLED, "it needed more memory than its node had for it"),
    "NODE_FAIL": (JobState.KILLED, "a node it ran on failed"),
    "BOOT_FAIL": (JobState.KILLED, "a node it was to run on did not start"),
    "PREEMPTED": (JobState.KILLED, "it gave way to a job of higher priority"),
    "DEADLINE": (JobState.TIMED_OUT, "its deadline passed"),
    "REVOKED": (JobState.CANCELLED, "another cluster took it"),
}

_REASONS: Sequence[tuple[str, str]] = (
    ("AssocGrpGRESMinutes", "it waits: the budget of its account does not cover its time limit"),
    ("AssocGrpGRESRunMinutes", "it waits: running jobs of its account may use up the budget"),
    ("AssocGrpCPUMinutes", "it waits: the budget of its account does not cover its time limit"),
    ("AssocGrpBillingMinutes", "it waits: the budget of its account does not cover its time limit"),
    ("AssocGrpGRES", "it waits: other jobs of its account use all devices that the account may use at once"),
    ("Assoc", "it waits: a limit of its account is reached"),
    ("QOS", "it waits: a limit of its quality of service is reached"),
    ("MaxGRESPerAccount", "it waits: a limit of its account is reached"),
    ("DependencyNeverSatisfied", "it waits for ever: the job it depends on did not end well"),
    ("Dependency", "it waits for another job"),
    ("Priority", "it waits for its turn"),
    ("Resources", "it waits for free devices"),
    ("BeginTime", "it waits for its start time, shortly after it was put back into the queue"),
    ("Cleaning", "it is being put back into the queue"),
    ("JobArrayTaskLimit", "it waits: as many tasks of its array run as may"),
    ("JobHeldAdmin", "an administrator holds it"),
    ("JobHeldUser", "it is held in the queue"),
    ("launch_failed_requeued_held", "it could not be started and is held; ask the operator"),
    ("ReqNodeNotAvail", "it waits: nodes are down or reserved"),
    ("Nodes_required_for_job", "it waits: nodes are down or reserved"),
    ("PartitionDown", "it waits: its partition is down"),
    ("PartitionTimeLimit", "it waits for ever: its time limit is longer than its partition allows"),
    ("PartitionNodeLimit", "it waits: its partition does not give it so many nodes"),
    ("Reservation", "it waits for its reservation"),
    ("Licenses", "it waits for a licence"),
)


def is_alive(state: str) -> bool:
    """Say whether a state of queue or accounting is one that goes on; a state nobody knows goes on."""
    word = state.split(" ", 1)[0]
    return word in WAITING or word in RUNNING or (word not in _ENDS and word not in ("FAILED", "TIMEOUT"))


def explain_waiting(reason: str) -> str:
    """Say in plain words why a job waits."""
    if reason in ("", "None"):
        return ""
    plain = reason.replace(" ", "_")
    found = next((words for start, words in _REASONS if plain.startswith(start)), "")
    return f"{found} ({reason})" if found else f"it waits: {reason}"


def may_be_refused(job: PastJob) -> bool:
    """Say whether a job failed the moment it began: by itself, or because its node did not let it begin."""
    return job.state == "FAILED" and not job.signal and not job.elapsed_seconds


def explain_end(job: PastJob, *, script_began: int | None = None) -> tuple[JobState, str]:
    """Say how a job ended; of several starts, give the last one.

    `script_began` is when accounting saw its script begin, asked for where a job may be refused. A node does not start
    a job again within a second of ending it ("credential revoked"); the script is then that of an earlier start.
    """
    word = job.state.split(" ", 1)[0]
    if word == "TIMEOUT":
        return JobState.TIMED_OUT, _time_up(job)
    if may_be_refused(job) and script_began is not None and script_began < job.started:
        return JobState.KILLED, "its node did not let it begin again so soon after its first start"
    if word == "FAILED":
        return _failed(job)
    return _ENDS.get(word, (JobState.FAILED, f"the cluster says {job.state}"))


def exit_code(job: PastJob) -> int:
    """Say an exit code as a shell does: 128 + signal number when a signal ended it."""
    return _SIGNALLED + job.signal if job.signal else job.exit_code


def combine(ends: Sequence[tuple[JobState, str]]) -> tuple[JobState, str]:
    """Say how an array ended as a whole: as its worst task did, with how many those were."""
    for state in (JobState.LOST, JobState.KILLED, JobState.FAILED, JobState.TIMED_OUT, JobState.CANCELLED):
        reasons = [reason for each, reason in ends if each is state]
        if reasons:
            return state, reasons[0] if len(ends) == 1 else f"{len(reasons)} of {len(ends)} tasks: {reasons[0]}"
    return JobState.SUCCEEDED, ""


def _failed(job: PastJob) -> tuple[JobState, str]:
    code = exit_code(job)
    if code == EXIT_SAVED:
        return JobState.KILLED, "it was told to stop, and saved what it had"
    if code == EXIT_TIMED_OUT:
        return JobState.TIMED_OUT, "it reached its time limit"
    if code == _CANNOT_START:
        return JobState.FAILED, "the command could not be started; its log says why"
    if code > _SIGNALLED:
        names = {number.value: number.name for number in signal.Signals}
        number = code - _SIGNALLED
        return JobState.KILLED, f"a signal ended it from outside: {names.get(number, number)}"
    if code == os.EX_OK:
        return JobState.KILLED, "the cluster could not start it, or its node lost it"
    return JobState.FAILED, f"the command ended with exit code {code}"


def _time_up(job: PastJob) -> str:
    limit = format_duration(job.limit_minutes * 60)
    if job.limit_minutes and job.elapsed_seconds < (job.limit_minutes - _TIME_UP_MARGIN_MINUTES) * 60:
        return f"the cluster ended it before its time limit of {limit}: the budget of its account is used up"
    return f"it reached its time limit of {limit}" if job.limit_minutes else "it reached its time limit"
