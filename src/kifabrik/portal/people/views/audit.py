"""The page of the audit log, with the proof that nobody changed it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import sign_in_required
from kifabrik.portal.people.forms import AuditFilterForm
from kifabrik.portal.people.queries.audit import AuditFilter, log_for
from kifabrik.portal.people.services.audit import verify_chain


@sign_in_required
@require_GET
def show_log(request: HttpRequest) -> HttpResponse:
    """Show the log, newest first, filtered; `verify=yes` walks the whole chain."""
    form = AuditFilterForm(request.GET)
    wanted = (
        AuditFilter(**{key: value.strip() for key, value in form.cleaned_data.items()}) if form.is_valid() else None
    )
    page = cut_page(log_for(request.user, wanted=wanted or AuditFilter()), number=request.GET.get("page"))
    chain = verify_chain(expected_head=request.GET.get("head", "").strip()) if "verify" in request.GET else None
    return render(request, "people/audit_log.html", {"page": page, "form": form, "chain": chain})
