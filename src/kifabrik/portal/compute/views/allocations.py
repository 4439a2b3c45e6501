"""Pages of allocations: the list, and one with its budget, its statement, its runs and its people."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kifabrik.ledger.books import check_invariants
from kifabrik.portal.compute.forms import DecisionForm, ExtensionForm, HandBackForm, ReasonForm
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.compute.queries import budgets, viewers
from kifabrik.portal.compute.queries.allocations import get_allocation, get_own_award, list_allocations, members_of
from kifabrik.portal.compute.queries.chain import chain_of
from kifabrik.portal.compute.queries.cluster_users import names_at
from kifabrik.portal.compute.queries.extensions import find_request, offer_of
from kifabrik.portal.compute.queries.reconciliation import reconcile_allocation
from kifabrik.portal.compute.queries.runs import runs_in
from kifabrik.portal.compute.services import allocations as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit

CLOSE_IDS = "close_%s"  # several forms with a reason stand on the page
HAND_BACK_IDS = "hand_back_%s"


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
    return show_page(request, get_allocation(actor(request), allocation_id))


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
        return show_page(request, allocation, sent=SentForms(pause=form))
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
        return show_page(request, allocation, sent=SentForms(close=form))
    services.close(by=actor(request), allocation=allocation, reason=form.cleaned_data["reason"], now=timezone.now())
    messages.success(request, _("The allocation is closed. What was left has expired."))
    return redirect("compute:allocation", allocation.pk)


@dataclass(frozen=True, slots=True)
class SentForms:
    """The forms of the page that came back with errors; the others are empty."""

    pause: ReasonForm | None = None
    close: ReasonForm | None = None
    hand_back: HandBackForm | None = None
    extension: ExtensionForm | None = None
    decision: DecisionForm | None = None

    @property
    def is_any(self) -> bool:
        """Say whether any form came back."""
        return any((self.pause, self.close, self.hand_back, self.extension, self.decision))


def show_page(request: HttpRequest, allocation: Allocation, *, sent: SentForms = SentForms()) -> HttpResponse:
    """Show the page of an allocation, with what was sent and could not be taken."""
    page = cut_page(budgets.list_transfers(allocation), number=request.GET.get("page"))
    context = {
        "allocation": allocation,
        "chain": chain_of(allocation),
        "outlook": budgets.outlook(allocation, now=timezone.now()),
        "page": page,
        "lines": budgets.statement(allocation, page.rows),
        "faults": check_invariants(budgets.read_transfers(allocation.pk)),
        "comparison": reconcile_allocation(allocation),
        **_runs_and_people(request, allocation),
        **_deeds(request, allocation, sent),
        "events": audit.events_about("allocation", allocation.pk),
    }
    return render(request, "compute/allocation_detail.html", context, status=422 if sent.is_any else 200)


def _runs_and_people(request: HttpRequest, allocation: Allocation) -> dict[str, object]:
    user, runs, members = actor(request), runs_in(allocation), members_of(allocation)
    used = budgets.used_by_runs(runs)
    names = names_at(allocation.site, [member.user_id for member in members])
    return {
        "runs": [(run, used.get(run.pk, 0)) for run in runs],
        "members": [(member, names.get(member.user_id, "")) for member in members],
        "has_user_names": allocation.site.accounted_until is not None or bool(names),
        "may_name_users": viewers.may_manage_site(user, allocation.site),
        "is_mine": access.is_member(user, allocation.organisation_id),
    }


def _deeds(request: HttpRequest, allocation: Allocation, sent: SentForms) -> dict[str, object]:
    user, offer, asked = actor(request), offer_of(allocation), find_request(allocation)
    is_living = allocation.state != "closed"
    may_manage = viewers.may_manage(user, allocation)
    may_apply = access.may(user, Permission.PROPOSAL_WRITE, organisation=allocation.organisation_id)
    return {
        "may_run": allocation.state == "open" and viewers.may_run(user, allocation),
        "may_manage": may_manage,
        "may_hand_back": is_living and (may_manage or access.is_manager(user, allocation.organisation_id)),
        "may_ask": is_living and asked is None and may_apply,
        "may_decide": may_manage and asked is not None and asked.state == "asked",
        "extension": asked,
        "form": sent.pause or ReasonForm(),
        "close_form": sent.close or ReasonForm(auto_id=CLOSE_IDS),
        "hand_back_form": sent.hand_back or HandBackForm(auto_id=HAND_BACK_IDS),
        "extension_form": sent.extension or ExtensionForm(offer=offer),
        "decision_form": sent.decision or DecisionForm(),
    }
