"""The shapes in which runs, their events and curves answer programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from ninja import Schema

from kifabrik.portal.compute.models import LedgerTransfer, Run
from kifabrik.portal.compute.queries.curves import Curve


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
