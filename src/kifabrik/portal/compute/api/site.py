"""The door of the site agents: what should be, and reports of what is. A run of another site answers 404."""

from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Body, Router
from pydantic import ValidationError

from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding
from kifabrik.portal.compute.api.doors import person, principal_of
from kifabrik.portal.compute.api.schemas.site_door import (
    AccountingIn,
    AttemptIn,
    BookedOut,
    DesiredAllocationOut,
    DesiredOut,
    DesiredRunOut,
    EventsIn,
    FindingsIn,
    ImportedOut,
    NextOut,
    OpenFindingsOut,
    OutputsIn,
    ReservationOut,
    StateIn,
    StateOut,
)
from kifabrik.portal.compute.models import Site
from kifabrik.portal.compute.queries.accounting import silent_jobs
from kifabrik.portal.compute.queries.desired_allocations import allocations_digest, desired_allocations
from kifabrik.portal.compute.queries.runs import desired_runs
from kifabrik.portal.compute.queries.sites import get_agent_site
from kifabrik.portal.compute.services import (
    accounting,
    allocations,
    findings,
    reconciliation,
    reports,
    sites,
)
from kifabrik.portal.compute.services import usage as usages
from kifabrik.portal.compute.services.reports import StateReport
from kifabrik.portal.people.authentication import site_agent
from kifabrik.records import AccountedJob, EvaluationReport, Record, RunEvent, RunManifest, UsageRecord
from kifabrik.records.base import first_fault
from kifabrik.records.run_state import RunState

router = Router(auth=site_agent)
Paper = TypeVar("Paper", bound=Record)


@router.get("/site/desired", response=DesiredOut)
def read_desired(request: HttpRequest, allocations_known: str = "") -> DesiredOut:
    """Read what the site should look after; asking also tells the portal that the agent lives.

    The allocations come only if their digest is not the one that the agent says it knows. The first question of a day
    also writes the daily report.
    """
    site, now = _site(request), timezone.now()
    sites.note_contact(site=site, agent_version=_version(request), now=now)
    allocations.expire_ended(site=site, now=now)
    reconciliation.make_daily(site=site, now=now)
    digest = allocations_digest(site)  # before the rows: a change in between is fetched once more, never missed
    is_known = allocations_known == digest
    return DesiredOut(
        site=site.code,
        now=now,
        runs=[DesiredRunOut.of(run, known) for run, known in desired_runs(site)],
        allocations_digest=digest,
        allocations=None if is_known else [DesiredAllocationOut.of(row) for row in desired_allocations(site, now=now)],
        accounting_since=site.accounted_until,
        silent_jobs=list(silent_jobs(site, now=now)),
    )


@router.post("/site/accounting", response=ImportedOut)
def report_accounting(request: HttpRequest, body: AccountingIn) -> ImportedOut:
    """Send rows of the cluster's accounting, at most 1000 at once; each is booked once, in whatever order they come."""
    site = _site(request)
    if body.until is not None and body.until.tzinfo is None:
        raise InvalidInput(_("A moment needs its time zone; write UTC with a Z at the end."), where="until")
    rows = [_read(AccountedJob, row, f"rows[{at}]") for at, row in enumerate(body.rows[: accounting.ROWS_MAX + 1])]
    done = accounting.import_rows(by=person(request), site=site, rows=rows, until=body.until, now=timezone.now())
    since = get_agent_site(site.code).accounted_until
    return ImportedOut(changed=done.changed, posted_gpu_seconds=done.posted, accounting_since=since)


@router.post("/site/findings", response=OpenFindingsOut)
def report_findings(request: HttpRequest, body: FindingsIn) -> OpenFindingsOut:
    """Send what the agent finds wrong now, whole; what is not named any more is over."""
    if body.at.tzinfo is None:
        raise InvalidInput(_("A moment needs its time zone; write UTC with a Z at the end."), where="at")
    found = [_read_finding(row, f"findings[{at}]") for at, row in enumerate(body.findings)]
    rows = findings.report(by=person(request), site=_site(request), findings=found, at=body.at, now=timezone.now())
    return OpenFindingsOut(open=len(rows))


@router.post("/site/runs/{run_id}/reserve", response=ReservationOut)
def reserve(request: HttpRequest, run_id: str, body: AttemptIn) -> ReservationOut:
    """Set time aside for the next attempt; the same attempt again is the same reservation."""
    run = reports.reserve(
        by=person(request), site=_site(request), run_id=run_id, attempt=body.attempt, now=timezone.now()
    )
    return ReservationOut(run=run.pk, attempt=body.attempt, reserved_gpu_seconds=run.reserved_gpu_seconds)


@router.post("/site/runs/{run_id}/state", response=StateOut)
def report_state(request: HttpRequest, run_id: str, body: StateIn) -> StateOut:
    """Say where an attempt stands; late and repeated reports change nothing."""
    if body.state not in list(RunState):
        raise InvalidInput(
            _("There is no such state."),
            where="state",
            remedy=_("Known states: %(states)s.") % {"states": ", ".join(RunState)},
        )
    if body.at.tzinfo is None:
        raise InvalidInput(_("A moment needs its time zone; write UTC with a Z at the end."), where="at")
    report = StateReport(
        state=RunState(body.state), attempt=body.attempt, at=body.at, job_id=body.job_id, reason=body.reason
    )
    run = reports.report_state(
        by=person(request), site=_site(request), run_id=run_id, report=report, now=timezone.now()
    )
    return StateOut(state=run.state, wanted=run.wanted)


@router.post("/site/runs/{run_id}/events", response=NextOut)
def report_events(request: HttpRequest, run_id: str, body: EventsIn) -> NextOut:
    """Send lines of the run's events file; each is kept once."""
    events = [_read(RunEvent, event, f"events[{at}]") for at, event in enumerate(body.events)]
    return NextOut(next=reports.report_events(site=_site(request), run_id=run_id, events=events))


@router.post("/site/runs/{run_id}/usage", response=BookedOut)
def report_usage(request: HttpRequest, run_id: str, body: Body[dict[str, Any]]) -> BookedOut:
    """Send what one attempt used so far, or in all once it has ended; what is new in it is booked once."""
    record = _read(UsageRecord, body, "usage")
    usage = usages.report_usage(
        by=person(request), site=_site(request), run_id=run_id, record=record, now=timezone.now()
    )
    return BookedOut(key=usage.pk, gpu_seconds=usage.gpu_seconds)


@router.post("/site/runs/{run_id}/outputs", response=StateOut)
def report_outputs(request: HttpRequest, run_id: str, body: OutputsIn) -> StateOut:
    """Say what a run left: its files, which were sent before, its manifest and its evaluation."""
    run = reports.report_outputs(
        by=person(request),
        site=_site(request),
        run_id=run_id,
        listing=body.files,
        manifest=_read(RunManifest, body.manifest, "manifest") if body.manifest else None,
        evaluation=_read(EvaluationReport, body.evaluation, "evaluation") if body.evaluation else None,
        now=timezone.now(),
    )
    return StateOut(state=run.state, wanted=run.wanted)


def _site(request: HttpRequest) -> Site:
    return get_agent_site(principal_of(request).site_code)


def _version(request: HttpRequest) -> str:
    """The agent names itself as `kifabrik/<version>`."""
    name, _slash, version = request.headers.get("User-Agent", "").partition("/")
    return version.split(" ")[0] if name == "kifabrik" else ""


def _read(kind: type[Paper], value: object, where: str) -> Paper:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(first_fault(error), where=where) from error


def _read_finding(row: dict[str, str], where: str) -> Finding:
    try:
        return Finding.from_dict(row)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidInput(_("This is no finding."), where=where) from error
