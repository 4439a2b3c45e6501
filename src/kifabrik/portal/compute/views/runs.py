"""Pages of runs: the list, one run as it goes on, its whole log. Starting one is a page of the catalogue."""

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries import budgets, curves, events, viewers
from kifabrik.portal.compute.queries.chain import chain_of
from kifabrik.portal.compute.queries.comparison import compare, read_attempts
from kifabrik.portal.compute.queries.runs import get_run, list_runs
from kifabrik.portal.compute.services import runs as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.queries import access, audit
from kifabrik.records.run_state import FINAL, RunState

FILTERS = ("", "active", *RunState)


@require_GET
@sign_in_required
def list_all(request: HttpRequest) -> HttpResponse:
    """List the runs a person may see, narrowed by state and allocation."""
    state, allocation_id = request.GET.get("state", ""), request.GET.get("allocation", "")
    rows = list_runs(actor(request), state=state if state in FILTERS else "", allocation_id=allocation_id)
    page = cut_page(rows, number=request.GET.get("page"))
    used = budgets.used_by_runs(page.rows)
    context = {
        "page": page,
        "rows": [(run, used.get(run.pk, 0)) for run in page.rows],
        "state": state,
        "states": list(RunState),
        "allocation_id": allocation_id,
    }
    return render(request, "compute/run_list.html", context)


@require_GET
@sign_in_required
def show(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show a run: where it stands, its curves, what it wrote, what it cost against what was expected."""
    user, run = actor(request), get_run(actor(request), run_id)
    drawn = curves.read_curves(run)
    is_final = run.state in FINAL
    used = budgets.used_by_runs([run]).get(run.pk, 0)
    may_write = viewers.may_run(user, run.allocation)
    context = {
        **_live_context(run),
        "chain": chain_of(run.allocation, run=run),
        "pictures": _pictures(run, [curve for curve in drawn if curve.group in curves.QUALITY]),
        "more_pictures": _pictures(run, [curve for curve in drawn if curve.group not in curves.QUALITY]),
        "awaited": [] if is_final else _awaited(run, drawn),
        "samples": events.samples(run),
        "comparison": compare(run, used_gpu_seconds=used),
        "attempts": read_attempts(run),
        "entries": budgets.transfers_of_run(run),
        "recipe": json.dumps(run.recipe, indent=2, sort_keys=True, ensure_ascii=False),
        "may_cancel": not is_final and run.wanted == "run" and (may_write or viewers.may_manage(user, run.allocation)),
        "may_release": run.state == RunState.SUCCEEDED and may_write,
        "is_mine": access.is_member(user, run.organisation_id),
        "events": audit.events_about("run", run.pk),
    }
    return render(request, "compute/run_detail.html", context)


@require_GET
@sign_in_required
def show_live(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show the moving part of a run's page; a changed state asks the browser for the whole page."""
    run = get_run(actor(request), run_id)
    response = render(request, "compute/_run_live.html", _live_context(run))
    if request.GET.get("state", run.state) != run.state:
        response.headers["HX-Refresh"] = "true"
    return response


@require_GET
@sign_in_required
def show_log(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show everything that a run has told, page by page, the newest first."""
    run = get_run(actor(request), run_id)
    page = cut_page(run.events.order_by("-sequence"), number=request.GET.get("page"))
    context = {"run": run, "page": page, "chain": chain_of(run.allocation, run=run)}
    return render(request, "compute/run_log.html", context)


@require_POST
@sign_in_required
def cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    """Ask a run to stop."""
    run = services.cancel(by=actor(request), run=get_run(actor(request), run_id), now=timezone.now())
    if run.state == RunState.CANCELLED:
        messages.success(request, _("The run is cancelled. It has used nothing."))
    else:
        messages.success(request, _("The site has been told to stop the run. What it used so far is booked."))
    return redirect("compute:run", run.pk)


def _live_context(run: Run) -> dict[str, object]:
    return {"run": run, "progress": events.read_progress(run), "lines": events.log_lines(run, count=8)}


def _pictures(run: Run, drawn: list[curves.Curve]) -> list[tuple[curves.Curve, str]]:
    """Put curves in the order in which their groups are known, each with the address that draws it."""
    groups = list(curves.GROUPS)
    ordered = sorted(drawn, key=lambda each: groups.index(each.group) if each.group in groups else len(groups))
    return [(curve, _curve_address(run, curve.step, curve.group)) for curve in ordered]


def _awaited(run: Run, drawn: tuple[curves.Curve, ...]) -> list[tuple[str, str]]:
    """Name the loss curves that will come, so that they appear without loading the page anew."""
    steps = ["pretraining", *(["fine-tuning"] if run.recipe.get("fine_tuning") else [])]
    known = {curve.step for curve in drawn if curve.group == "loss"}
    return [
        (f"{events.step_label(step)}: {curves.GROUPS['loss'][0]}", _curve_address(run, step, "loss"))
        for step in steps
        if step not in known
    ]


def _curve_address(run: Run, step: str, group: str) -> str:
    return f"{reverse('api:run-curve', args=[run.pk])}?{urlencode({'step': step, 'group': group})}"
