"""What people do to an allocation's life: hand time back, ask for its extension, decide about that."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.quantities import seconds_from_hours
from kifabrik.portal.compute.forms import DecisionForm, ExtensionForm, HandBackForm
from kifabrik.portal.compute.queries.allocations import get_allocation
from kifabrik.portal.compute.queries.extensions import offer_of
from kifabrik.portal.compute.services import allocations, extensions
from kifabrik.portal.compute.views.allocations import HAND_BACK_IDS, SentForms, show_page
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.people.authentication import actor, sign_in_required


@require_POST
@sign_in_required
def hand_back(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Return time that will not be needed to the pool."""
    user, allocation = actor(request), get_allocation(actor(request), allocation_id)
    form = HandBackForm(request.POST, auto_id=HAND_BACK_IDS)
    if form.is_valid():
        try:
            allocations.hand_back(
                by=user,
                allocation=allocation,
                gpu_seconds=seconds_from_hours(float(form.cleaned_data["hours"])),
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except (Conflict, InvalidInput) as error:
            show_error(form, error)
        else:
            messages.success(request, _("The time is back in the pool. Thank you: others can use it now."))
            return redirect("compute:allocation", allocation.pk)
    return show_page(request, allocation, sent=SentForms(hand_back=form))


@require_POST
@sign_in_required
def ask(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Ask for the extension of an allocation."""
    user, allocation = actor(request), get_allocation(actor(request), allocation_id)
    form = ExtensionForm(request.POST, offer=offer_of(allocation))
    if form.is_valid():
        try:
            extensions.ask(by=user, allocation=allocation, now=timezone.now(), **form.cleaned_data)
        except (Conflict, InvalidInput) as error:
            show_error(form, error)
        else:
            messages.success(request, _("Asked. The programme officer decides; the answer will stand here."))
            return redirect("compute:allocation", allocation.pk)
    return show_page(request, allocation, sent=SentForms(extension=form))


@require_POST
@sign_in_required
def decide(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Grant or refuse the extension of an allocation."""
    user, allocation = actor(request), get_allocation(actor(request), allocation_id)
    form = DecisionForm(request.POST)
    if form.is_valid():
        try:
            extensions.decide(
                by=user,
                allocation=allocation,
                grant=form.cleaned_data["grant"] == "yes",
                reasons=form.cleaned_data["reasons"],
                now=timezone.now(),
            )
        except (Conflict, InvalidInput) as error:
            show_error(form, error)
        else:
            messages.success(request, _("The decision is written down and stands on this page."))
            return redirect("compute:allocation", allocation.pk)
    return show_page(request, allocation, sent=SentForms(decision=form))
