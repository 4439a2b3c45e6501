"""Pages of calls."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.quantities import SECONDS_PER_HOUR
from kifabrik.portal.calls.forms.decisions import CallForm
from kifabrik.portal.calls.queries import calls
from kifabrik.portal.calls.services import calls as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit


@require_GET
def list_calls(request: HttpRequest) -> HttpResponse:
    """List the calls: open ones for everybody, all for their makers."""
    now = timezone.now()
    page = cut_page(calls.list_calls(request.user, now=now), number=request.GET.get("page"))
    rows = [
        {
            "call": call,
            "title": calls.title_of(call),
            "state": calls.state_of(call, now=now),
            "mode": calls.mode_name(calls.mode_of(call)),
            "systems": [system.name for system in calls.systems_of(call).values()],
        }
        for call in page.rows
    ]
    context = {"page": page, "rows": rows, "may_manage": access.may(request.user, Permission.CALL_MANAGE)}
    return render(request, "calls/call_list.html", context)


@require_GET
def show_call(request: HttpRequest, call_id: str) -> HttpResponse:
    """Show a call with its rules, and how to apply."""
    now = timezone.now()
    call = calls.get_call(request.user, call_id, now=now)
    mode = calls.mode_of(call)
    may_manage = access.may(request.user, Permission.CALL_MANAGE)
    systems = calls.systems_of(call)
    context = {
        "call": call,
        "title": calls.title_of(call),
        "summary": calls.summary_of(call),
        "state": calls.state_of(call, now=now),
        "mode": mode,
        "mode_name": calls.mode_name(mode),
        "systems": systems.values(),
        "unit": next((system.unit for system in systems.values()), "GPU"),
        "capacity": calls.capacity_of(call),
        "may_apply": access.may(request.user, Permission.PROPOSAL_WRITE),
        "may_manage": may_manage,
        "events": audit.events_about("call", call.pk) if may_manage else None,
    }
    return render(request, "calls/call_detail.html", context)


@require_http_methods(["GET", "POST"])
@sign_in_required
def new_call(request: HttpRequest) -> HttpResponse:
    """Open a new call."""
    access.require(actor(request), Permission.CALL_MANAGE)
    form = CallForm(request.POST or None, initial={"opens_at": timezone.localtime()})
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        capacity = values.pop("capacity_hours") * SECONDS_PER_HOUR
        try:
            call = services.open_call(by=actor(request), capacity_gpu_seconds=capacity, now=timezone.now(), **values)
        except (InvalidInput, Conflict) as error:
            form.add_error(error.where if error.where in form.fields else None, error.message)
        else:
            messages.success(request, _("The call is made."))
            return redirect("calls:call", call.pk)
    return render(request, "calls/call_form.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@sign_in_required
def close_call(request: HttpRequest, call_id: str) -> HttpResponse:
    """Close a call now."""
    now = timezone.now()
    call = calls.get_call(actor(request), call_id, now=now)
    services.close_call(by=actor(request), call=call, now=now)
    messages.success(request, _("The call is closed."))
    return redirect("calls:call", call.pk)
