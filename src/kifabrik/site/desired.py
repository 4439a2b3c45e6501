"""What the portal wants of a site, as the agent reads it.

Knows shapes; a field that it does not know is no fault of a newer portal.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kifabrik.core.errors import Unavailable
from kifabrik.records.base import Digest, first_fault
from kifabrik.records.run_state import FINAL, RunState


class _Wanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class InputFile(_Wanted):
    """One file of the dataset folder, by content."""

    path: str
    digest: Digest
    size_bytes: int = Field(ge=0)


class DesiredRun(_Wanted):
    """One run: what should be (`wanted`) and what the portal has been told so far."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    wanted: Literal["run", "stop"]
    state: RunState
    attempts: int = Field(ge=0)
    recipe: Mapping[str, Any]
    dataset_digest: Digest
    inputs: tuple[InputFile, ...]
    time_limit_seconds: int = Field(ge=1)
    devices: int = Field(ge=1)
    allocation_id: str = ""
    cluster_account: str = ""
    nodes: int = Field(default=1, ge=1)
    processes_per_node: int = Field(default=1, ge=1)
    events_known: int = Field(ge=0)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


class DesiredAllocation(_Wanted):
    """One budget: the account that holds it on the cluster, how much it is in all, and who may spend it."""

    id: str
    cluster_account: str
    state: Literal["open", "paused", "closed"]
    granted_gpu_seconds: int = Field(ge=0)
    budget_gpu_seconds: int = Field(ge=0)
    ends_on: str | None = None
    members: tuple[str, ...] = ()


class Desired(_Wanted):
    """All runs of the site that need something, and its allocations: None when they are those the agent knows.

    `silent_jobs` are numbers of jobs that began and of which the portal has heard neither an end nor anything else for
    long.
    """

    site: str
    now: str
    runs: tuple[DesiredRun, ...]
    allocations_digest: str = ""
    allocations: tuple[DesiredAllocation, ...] | None = None
    accounting_since: str | None = None
    silent_jobs: tuple[str, ...] = ()


def read_desired(value: object) -> Desired:
    """Read the portal's answer; raises Unavailable for a shape that this agent does not understand."""
    try:
        return Desired.model_validate(value)
    except ValidationError as error:
        raise Unavailable(
            f"the portal's wishes cannot be read: {first_fault(error)}",
            remedy="Portal and agent may be of versions that do not fit.",
            code="strange-answer",
        ) from error
