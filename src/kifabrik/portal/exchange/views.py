"""Pages of support requests."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.exchange import queries, services
from kifabrik.portal.exchange.forms import AskForm, MessageForm
from kifabrik.portal.exchange.models import SupportRequest
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit


@require_GET
@sign_in_required
def list_support_requests(request: HttpRequest) -> HttpResponse:
    """List one's own requests, for experts all of them."""
    state = request.GET.get("state", "")
    page = cut_page(queries.list_requests(actor(request), state=state), number=request.GET.get("page"))
    context = {
        "page": page,
        "state": state,
        "may_ask": access.may(actor(request), Permission.SUPPORT_ASK),
        "is_expert": access.may(actor(request), Permission.SUPPORT_ANSWER),
    }
    return render(request, "exchange/support_request_list.html", context)


@require_http_methods(["GET", "POST"])
@sign_in_required
def ask(request: HttpRequest) -> HttpResponse:
    """Ask a new question."""
    user = actor(request)
    initial = {"about_kind": request.GET.get("kind", ""), "about_id": request.GET.get("id", "")}
    form = AskForm(request.POST or None, user=user, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            asked = services.ask(
                by=user,
                organisation=values["organisation"],
                subject=values["subject"],
                text=values["text"],
                about=queries.Subject(values["about_kind"], values["about_id"]),
                now=timezone.now(),
            )
        except InvalidInput as error:
            form.add_error(error.where if error.where in form.fields else None, error.message)
        else:
            messages.success(request, _("The experts have your question."))
            return redirect("exchange:support-request", asked.pk)
    return render(request, "exchange/support_request_form.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@sign_in_required
def show_support_request(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show a request with its messages."""
    return _show(request, queries.get_request(actor(request), request_id), MessageForm())


@require_POST
@sign_in_required
def add_message(request: HttpRequest, request_id: str) -> HttpResponse:
    """Add a message to a request."""
    found = queries.get_request(actor(request), request_id)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form)
    services.answer(by=actor(request), request=found, text=form.cleaned_data["text"], now=timezone.now())
    messages.success(request, _("Your message is sent."))
    return _back(found)


@require_POST
@sign_in_required
def take(request: HttpRequest, request_id: str) -> HttpResponse:
    """Take a request as its expert."""
    found = queries.get_request(actor(request), request_id)
    services.take(by=actor(request), request=found, now=timezone.now())
    messages.success(request, _("The question is yours to answer."))
    return _back(found)


@require_POST
@sign_in_required
def close(request: HttpRequest, request_id: str) -> HttpResponse:
    """Close a request."""
    found = queries.get_request(actor(request), request_id)
    services.close(by=actor(request), request=found, now=timezone.now())
    messages.success(request, _("The request is closed."))
    return _back(found)


def _back(found: SupportRequest) -> HttpResponseRedirect:
    return redirect("exchange:support-request", found.pk)


def _show(request: HttpRequest, found: SupportRequest, form: MessageForm) -> HttpResponse:
    user = actor(request)
    context = {
        "support": found,
        "about": queries.subject_of(found),
        "letters": queries.list_messages(found),
        "form": form,
        "events": audit.events_about("supportrequest", found.pk),
        "may_take": found.state != "closed"
        and found.expert_id is None
        and access.may(user, Permission.SUPPORT_ANSWER)
        and not access.is_member(user, found.organisation_id),
    }
    return render(request, "exchange/support_request_detail.html", context, status=422 if form.errors else 200)
