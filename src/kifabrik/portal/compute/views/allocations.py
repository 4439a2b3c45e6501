"""Pages of allocations: the list, and one with its budget, its statement, its runs and its people."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kifabrik.ledger.books import check_invariants
from kifabrik.portal.compute.forms import ReasonForm
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.compute.queries import budgets, viewers
from kifabrik.portal.compute.queries.allocations import get_allocation, get_own_award, list_allocations, members_of
from kifabrik.portal.compute.queries.chain import chain_of
from kifabrik.portal.compute.queries.runs import runs_in
from kifabrik.portal.compute.services import allocations as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.queries import access, audit

CLOSE_IDS = "close_%s"  # two forms of one kind stand on the page


@require_GET
@sign_in_required
def list_all(request: HttpRequest) -> HttpResponse:
    """List the allocations a person may see, each with its budget."""
    page = cut_page(list_allocations(actor(request)), number=request.GET.get("page"))
    booked = budgets.balances([allocation.pk for allocation in page.rows])
    rows = [(allocation, booked[allocation.pk]) for allocation in page.rows]
    return render(request, "compute/allocation_list.html", {"page": page, "rows": rows})


@require_GET
@sign_in_required
def show(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Show an allocation: what is left and until when, its books, runs and people."""
    return _show(request, get_allocation(actor(request), allocation_id))


@require_POST
@sign_in_required
def accept_award(request: HttpRequest, award_id: str) -> HttpResponse:
    """Accept an award for one's organisation; the page of the allocation that opens follows."""
    award = get_own_award(actor(request), award_id)
    allocation = services.accept_award(by=actor(request), award=award, now=timezone.now())
    messages.success(request, _("The award is accepted and the allocation is open."))
    return redirect("compute:allocation", allocation.pk)


@require_POST
@sign_in_required
def pause(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Let no new run start."""
    allocation, form = get_allocation(actor(request), allocation_id), ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, allocation, form=form)
    services.pause(by=actor(request), allocation=allocation, reason=form.cleaned_data["reason"], now=timezone.now())
    messages.success(request, _("The allocation is paused. Runs that are going on go on."))
    return redirect("compute:allocation", allocation.pk)


@require_POST
@sign_in_required
def resume(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Let runs start again."""
    allocation = get_allocation(actor(request), allocation_id)
    services.resume(by=actor(request), allocation=allocation, now=timezone.now())
    messages.success(request, _("The allocation is open again."))
    return redirect("compute:allocation", allocation.pk)


@require_POST
@sign_in_required
def close(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """End an allocation for good."""
    allocation = get_allocation(actor(request), allocation_id)
    form = ReasonForm(request.POST, auto_id=CLOSE_IDS)
    if not form.is_valid():
        return _show(request, allocation, close_form=form)
    services.close(by=actor(request), allocation=allocation, reason=form.cleaned_data["reason"], now=timezone.now())
    messages.success(request, _("The allocation is closed. What was left has expired."))
    return redirect("compute:allocation", allocation.pk)


def _show(
    request: HttpRequest,
    allocation: Allocation,
    *,
    form: ReasonForm | None = None,
    close_form: ReasonForm | None = None,
) -> HttpResponse:
    user = actor(request)
    page = cut_page(budgets.list_transfers(allocation), number=request.GET.get("page"))
    runs = runs_in(allocation)
    used = budgets.used_by_runs(runs)
    context = {
        "allocation": allocation,
        "chain": chain_of(allocation),
        "outlook": budgets.outlook(allocation, now=timezone.now()),
        "page": page,
        "lines": budgets.statement(allocation, page.rows),
        "faults": check_invariants(budgets.read_transfers(allocation.pk)),
        "runs": [(run, used.get(run.pk, 0)) for run in runs],
        "members": members_of(allocation),
        "may_run": allocation.state == "open" and viewers.may_run(user, allocation),
        "may_manage": viewers.may_manage(user, allocation),
        "is_mine": access.is_member(user, allocation.organisation_id),
        "form": form or ReasonForm(),
        "close_form": close_form or ReasonForm(auto_id=CLOSE_IDS),
        "events": audit.events_about("allocation", allocation.pk),
    }
    return render(request, "compute/allocation_detail.html", context, status=422 if form or close_form else 200)
