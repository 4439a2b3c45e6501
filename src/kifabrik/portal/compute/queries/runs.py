"""Reads of runs, for people and for the agent of a site. Writes nothing."""

from collections.abc import Sequence

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.compute.queries.budgets import runs_with_open_reservation
from kifabrik.portal.compute.queries.events import next_sequence
from kifabrik.portal.compute.queries.viewers import readable_runs
from kifabrik.portal.people.queries.access import Viewer
from kifabrik.records.run_state import FINAL, RunState

ACTIVE = sorted(str(state) for state in set(RunState) - FINAL)


def list_runs(viewer: Viewer, *, state: str = "", allocation_id: str = "") -> QuerySet[Run]:
    """List the runs a viewer may see, newest first; `state` is a state, or `active` for all that have not ended."""
    runs = readable_runs(viewer).select_related("organisation", "allocation__site", "started_by")
    if state == "active":
        runs = runs.filter(state__in=ACTIVE)
    elif state:
        runs = runs.filter(state=state)
    if allocation_id:
        runs = runs.filter(allocation=allocation_id)
    return runs.order_by("-requested_at", "-id")


def get_run(viewer: Viewer, run_id: str) -> Run:
    """Read a run the viewer may see; raises NotFound."""
    related = ("organisation", "allocation__site", "allocation__award__proposal", "started_by")
    run = readable_runs(viewer).select_related(*related).filter(pk=run_id).first()
    if run is None:
        raise NotFound(_("There is no such run."), where=run_id)
    return run


def runs_in(allocation: Allocation, *, count: int = 50) -> Sequence[Run]:
    """Read the newest runs of an allocation."""
    return list(allocation.runs.select_related("started_by").order_by("-requested_at", "-id")[:count])


def desired_runs(site: Site) -> list[tuple[Run, int]]:
    """List what the agent of a site must look after, each with the count of events known without a gap.

    These are the runs that have not ended, and the ended ones whose usage or outputs are still missing. A run that
    waits for its first attempt in a paused allocation is not wanted yet.
    """
    missing_usage = Q(pk__in=runs_with_open_reservation(site.pk))
    missing_outputs = Q(state=RunState.SUCCEEDED) & (Q(manifest__isnull=True) | Q(evaluation__isnull=True))
    waiting = Q(state=RunState.REQUESTED, attempts=0, wanted="run", allocation__state="paused")
    runs = (
        Run.objects.filter(Q(state__in=ACTIVE) | missing_usage | missing_outputs, allocation__site=site)
        .exclude(waiting)
        .annotate(event_count=Count("events"), event_last=Max("events__sequence"))
        .order_by("requested_at", "id")
    )
    return [(run, _known(run)) for run in runs]


def _known(run: Run) -> int:
    count, last = run.event_count, run.event_last  # type: ignore[attr-defined]  # annotated above
    return int(count) if count == (last or 0) else next_sequence(run.pk) - 1
