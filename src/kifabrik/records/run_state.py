"""The states of a run and the moves between them, shared by the portal and the site agent."""

from collections.abc import Mapping
from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands; the last five are final."""

    REQUESTED = "requested"
    SUBMITTED = "submitted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"
    REFUSED = "refused"


FINAL = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.TIMED_OUT, RunState.REFUSED})

MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.REQUESTED: frozenset({RunState.SUBMITTED, RunState.CANCELLED, RunState.REFUSED}),
    RunState.SUBMITTED: frozenset({RunState.RUNNING, *FINAL} - {RunState.REFUSED}),
    # A killed job goes back to submitted: the agent starts a new attempt that resumes from the last checkpoint.
    RunState.RUNNING: frozenset({RunState.SUBMITTED, *FINAL} - {RunState.REFUSED}),
}
