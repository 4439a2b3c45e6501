"""The shapes that a site's agent and the portal exchange."""

from datetime import date, datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries.accounting import cluster_account
from kifabrik.portal.compute.queries.desired_allocations import DesiredAllocation


class InputOut(Schema):
    """One file of the dataset folder, by content."""

    path: str
    digest: str
    size_bytes: int


class DesiredRunOut(Schema):
    """What a site should make of one run."""

    id: str
    wanted: str
    state: str
    attempts: int
    recipe: dict[str, Any]
    dataset_digest: str
    inputs: list[InputOut]
    time_limit_seconds: int
    devices: int
    nodes: int
    processes_per_node: int
    allocation_id: str
    cluster_account: str
    organisation_id: str
    events_known: int

    @classmethod
    def of(cls, run: Run, events_known: int) -> "DesiredRunOut":
        hardware = run.recipe.get("hardware") or {}
        return cls(
            id=run.pk,
            wanted=run.wanted,
            state=run.state,
            attempts=run.attempts,
            recipe=run.recipe,
            dataset_digest=run.dataset_digest,
            inputs=run.inputs,
            time_limit_seconds=run.time_limit_seconds,
            devices=run.devices,
            nodes=hardware.get("nodes", 1),
            processes_per_node=hardware.get("processes_per_node", 1),
            allocation_id=run.allocation_id,
            cluster_account=cluster_account(run.allocation_id),
            organisation_id=run.organisation_id,
            events_known=events_known,
        )


class DesiredAllocationOut(Schema):
    """What a site should make of one allocation; amounts in seconds of the scheduler's devices."""

    id: str
    cluster_account: str
    state: str
    granted_gpu_seconds: int
    budget_gpu_seconds: int
    ends_on: date
    members: list[str]

    @classmethod
    def of(cls, row: DesiredAllocation) -> "DesiredAllocationOut":
        return cls(
            id=row.id,
            cluster_account=row.cluster_account,
            state=row.state,
            granted_gpu_seconds=row.granted_gpu_seconds,
            budget_gpu_seconds=row.budget_gpu_seconds,
            ends_on=row.ends_on,
            members=list(row.members),
        )


class DesiredOut(Schema):
    """Everything a site should look after.

    `allocations` is null while the digest is the one that the agent knows. Every job that ended before
    `accounting_since` is booked; null before the first import. `silent_jobs` are numbers of jobs that began, have no
    end and of which nothing was said for an hour: what became of them?
    """

    site: str
    now: datetime
    runs: list[DesiredRunOut]
    allocations_digest: str
    allocations: list[DesiredAllocationOut] | None
    accounting_since: datetime | None
    silent_jobs: list[str]


class AttemptIn(Schema):
    """Which attempt asks for its time."""

    attempt: int = Field(ge=1)


class ReservationOut(Schema):
    """What was set aside for an attempt."""

    run: str
    attempt: int
    reserved_gpu_seconds: int


class StateIn(Schema):
    """Where an attempt stands, by the site's clock."""

    state: str
    attempt: int = Field(ge=0)
    job_id: str = ""
    reason: str = ""
    at: datetime


class StateOut(Schema):
    """What the portal holds now."""

    state: str
    wanted: str


class EventsIn(Schema):
    """Lines of `events.jsonl`."""

    events: list[dict[str, Any]]


class NextOut(Schema):
    """The first event that is still missing."""

    next: int


class BookedOut(Schema):
    """What was booked for an attempt."""

    key: str
    gpu_seconds: int


class OutputsIn(Schema):
    """What a run left; the files were sent before."""

    files: list[dict[str, Any]]
    manifest: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None


class AccountingIn(Schema):
    """Rows of the cluster's accounting; every job that ended before `until` is among them or was sent before."""

    rows: list[dict[str, Any]]
    until: datetime | None = None


class ImportedOut(Schema):
    """How many rows said something new, what was booked by them, and where the next import begins."""

    changed: int
    posted_gpu_seconds: int
    accounting_since: datetime | None


class FindingsIn(Schema):
    """What the agent finds wrong now, whole; what is not named any more is over."""

    findings: list[dict[str, str]]
    at: datetime


class OpenFindingsOut(Schema):
    """How many findings are open now."""

    open: int
