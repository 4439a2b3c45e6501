"""The shapes in which compute answers programs, and how rows become them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext
from ninja import Schema
from pydantic import Field

from kifabrik.ledger.books import Balance
from kifabrik.portal.compute.models import Allocation, LedgerTransfer, Run, Site
from kifabrik.portal.compute.queries.budgets import StatementLine
from kifabrik.portal.compute.queries.curves import Curve


class BalanceOut(Schema):
    """A budget in seconds of the site's unit."""

    granted: int
    reserved: int
    consumed: int
    expired: int
    available: int

    @classmethod
    def of(cls, balance: Balance) -> "BalanceOut":
        return cls(
            granted=balance.granted,
            reserved=balance.reserved,
            consumed=balance.consumed,
            expired=balance.expired,
            available=balance.available,
        )


class SiteOut(Schema):
    """A site and when its agent was last heard of."""

    code: str
    name: str
    system_code: str
    unit: str
    devices: int
    last_seen_at: datetime | None
    agent_version: str

    @classmethod
    def of(cls, site: Site) -> "SiteOut":
        return cls(
            code=site.code,
            name=site.name,
            system_code=site.system_code,
            unit=site.unit,
            devices=site.devices,
            last_seen_at=site.last_seen_at,
            agent_version=site.agent_version,
        )


class AllocationOut(Schema):
    """A budget of time with a period, at a site."""

    id: str
    award: str
    organisation: str
    organisation_name: str
    site: str
    system_code: str
    unit: str
    state: str
    starts_on: date
    ends_on: date
    opened_at: datetime
    reason: str
    balance: BalanceOut

    @classmethod
    def of(cls, allocation: Allocation, balance: Balance) -> "AllocationOut":
        return cls(
            id=allocation.pk,
            award=allocation.award_id,
            organisation=allocation.organisation_id,
            organisation_name=allocation.organisation.legal_name,
            site=allocation.site_id,
            system_code=allocation.site.system_code,
            unit=allocation.site.unit,
            state=allocation.state,
            starts_on=allocation.starts_on,
            ends_on=allocation.ends_on,
            opened_at=allocation.opened_at,
            reason=allocation.reason,
            balance=BalanceOut.of(balance),
        )


class TransferOut(Schema):
    """One line of the books; `left` is what could be spent after it."""

    id: str
    key: str
    number: int
    kind: str
    debit: str
    credit: str
    gpu_seconds: int
    change: int
    left: int
    is_overdraft: bool
    run: str
    at: datetime
    note: str

    @classmethod
    def of(cls, line: StatementLine) -> "TransferOut":
        row = line.row
        return cls(
            id=row.pk,
            key=row.key,
            number=row.number,
            kind=row.kind,
            debit=row.debit,
            credit=row.credit,
            gpu_seconds=row.gpu_seconds,
            change=line.change,
            left=line.left,
            is_overdraft=line.is_overdraft,
            run=row.run_id,
            at=row.at,
            note=row.note,
        )


class RunOut(Schema):
    """A run in a list."""

    id: str
    name: str
    allocation: str
    organisation: str
    site: str
    unit: str
    state: str
    wanted: str
    reason: str
    attempts: int
    job_id: str
    recipe_digest: str
    dataset_digest: str
    reserved_gpu_seconds: int
    time_limit_seconds: int
    devices: int
    started_by: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    used_gpu_seconds: int

    @classmethod
    def of(cls, run: Run, used: Mapping[str, int]) -> "RunOut":
        return cls(**_run_fields(run, used))


class RunDetailOut(RunOut):
    """A run with its papers and where it stands."""

    recipe: dict[str, Any]
    inputs: list[dict[str, Any]]
    estimate: dict[str, Any]
    manifest: dict[str, Any] | None
    evaluation: dict[str, Any] | None
    outputs: list[dict[str, Any]]
    ledger_entries: list[str]
    step: str
    done: float | None
    seconds_left: float | None


class EventsOut(Schema):
    """One page of the events after a sequence number; `next` is the first one that the portal does not know yet."""

    items: list[dict[str, Any]]
    total: int
    page: int
    pages: int
    size: int
    next: int
    state: str
    is_final: bool


class CurveOut(Schema):
    """Some figures of a run over its training steps, as a page draws them."""

    x: dict[str, Any]
    series: list[dict[str, Any]]
    live: bool

    @classmethod
    def of(cls, curves: Sequence[Curve], *, live: bool) -> "CurveOut":
        """Draw the curves in one picture; the page asks for one of them."""
        steps = sorted({x for curve in curves for x in curve.steps})
        lines = []
        for curve in curves:
            for series in curve.series:
                known = dict(zip(curve.steps, series.values, strict=True))
                label = series.label if len(curves) == 1 else f"{curve.title}, {series.label}"
                lines.append({"label": label, "name": series.name, "values": [known.get(x) for x in steps]})
        return cls(x={"label": gettext("step"), "values": steps}, series=lines, live=live)


class ReasonIn(Schema):
    """Why something is done."""

    reason: str = Field(min_length=1, max_length=300)


class SiteIn(Schema):
    """The facts of a new site."""

    code: str
    name: str
    system_code: str
    unit: str = "GPU"
    devices: int = 1


class TokenOut(Schema):
    """A fresh token; its secret is shown this once."""

    id: str
    token: str


class FileOut(Schema):
    """A stored file."""

    digest: str
    size_bytes: int


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
    allocation_id: str
    organisation_id: str
    events_known: int

    @classmethod
    def of(cls, run: Run, events_known: int) -> "DesiredRunOut":
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
            allocation_id=run.allocation_id,
            organisation_id=run.organisation_id,
            events_known=events_known,
        )


class DesiredOut(Schema):
    """Everything a site should look after."""

    site: str
    now: datetime
    runs: list[DesiredRunOut]


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


def _run_fields(run: Run, used: Mapping[str, int]) -> dict[str, Any]:
    same = (
        "name state wanted reason attempts job_id recipe_digest dataset_digest reserved_gpu_seconds "
        "time_limit_seconds devices requested_at started_at ended_at"
    )
    return {name: getattr(run, name) for name in same.split()} | {
        "id": run.pk,
        "allocation": run.allocation_id,
        "organisation": run.organisation_id,
        "site": run.allocation.site_id,
        "unit": run.allocation.site.unit,
        "started_by": run.started_by.name,
        "used_gpu_seconds": used.get(run.pk, 0),
    }


def detail_of(
    run: Run,
    used: Mapping[str, int],
    entries: Sequence[LedgerTransfer],
    *,
    step: str,
    done: float | None,
    seconds_left: float | None,
) -> RunDetailOut:
    """Write a run with its papers."""
    papers = "recipe inputs estimate manifest evaluation outputs"
    return RunDetailOut(
        **_run_fields(run, used),
        **{name: getattr(run, name) for name in papers.split()},
        ledger_entries=[row.pk for row in entries],
        step=step,
        done=done,
        seconds_left=seconds_left,
    )
