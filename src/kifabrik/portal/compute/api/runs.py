"""Runs for programs: read them, follow their events and curves, cancel them. Starting one is the catalogue's."""

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from kifabrik.portal.compute.api.doors import person
from kifabrik.portal.compute.api.schemas.runs import CurveOut, EventsOut, RunDetailOut, RunOut, detail_of
from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries.budgets import transfers_of_run, used_by_runs
from kifabrik.portal.compute.queries.curves import read_curves
from kifabrik.portal.compute.queries.events import list_events, next_sequence, read_progress
from kifabrik.portal.compute.queries.runs import get_run, list_runs
from kifabrik.portal.compute.services import runs as services
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, PAGE_SIZE_MAX, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope
from kifabrik.records.run_state import FINAL

router = Router()
_read, _write = signed_in(Scope.READ), signed_in(Scope.WRITE)


@router.get("/runs", response=listing(RunOut), auth=_read)
def list_all(
    request: HttpRequest, page: int = 1, size: int = PAGE_SIZE, state: str = "", allocation: str = ""
) -> object:
    """List the runs that the caller may see, the newest first; `state` may be `active`."""
    cut = cut_page(list_runs(person(request), state=state, allocation_id=allocation), number=page, size=size)
    used = used_by_runs(cut.rows)
    return answer_page(cut, lambda row: RunOut.of(row, used))


@router.get("/runs/{run_id}", response=RunDetailOut, auth=_read)
def read(request: HttpRequest, run_id: str) -> RunDetailOut:
    """Read a run with its recipe, estimate, papers, and where it stands."""
    return _answer(get_run(person(request), run_id))


@router.get("/runs/{run_id}/events", response=EventsOut, auth=_read)
def read_events(
    request: HttpRequest, run_id: str, after: int = 0, page: int = 1, size: int = PAGE_SIZE_MAX
) -> EventsOut:
    """Read what a run has told after a sequence number, in order."""
    run = get_run(person(request), run_id)
    cut = cut_page(list_events(run, after=after), number=page, size=size)
    return EventsOut(
        items=[row.event for row in cut.rows],
        total=cut.total,
        page=cut.number,
        pages=cut.pages,
        size=cut.size,
        next=next_sequence(run.pk),
        state=run.state,
        is_final=run.state in FINAL,
    )


@router.get("/runs/{run_id}/curve", response=CurveOut, auth=_read, url_name="run-curve")
def read_curve(request: HttpRequest, run_id: str, step: str = "", group: str = "") -> CurveOut:
    """Read figures of a run over its training steps, at most 500 a line; `step` and `group` choose one picture."""
    run = get_run(person(request), run_id)
    return CurveOut.of(read_curves(run, step=step, group=group), live=run.state not in FINAL)


@router.post("/runs/{run_id}/cancel", response=RunDetailOut, auth=_write)
def cancel(request: HttpRequest, run_id: str) -> RunDetailOut:
    """Ask a run to stop; one that no site has begun ends at once."""
    run = get_run(person(request), run_id)
    services.cancel(by=person(request), run=run, now=timezone.now())
    return _answer(get_run(person(request), run_id))


def _answer(run: Run) -> RunDetailOut:
    progress = read_progress(run)
    return detail_of(
        run,
        used_by_runs([run]),
        transfers_of_run(run),
        step=progress.label,
        done=progress.done,
        seconds_left=progress.seconds_left,
    )
