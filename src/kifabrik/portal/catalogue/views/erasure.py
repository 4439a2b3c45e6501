"""Pages for requests of persons to have their data erased: searching by keyed digests, what follows, deciding."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.catalogue.forms.data_protection import DecisionForm, SearchForm
from kifabrik.portal.catalogue.queries import erasure
from kifabrik.portal.catalogue.services import erasure as services
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access


@require_http_methods(["GET", "POST"])
@sign_in_required
def list_requests(request: HttpRequest) -> HttpResponse:
    """List earlier requests, and search for the values of another person."""
    user = actor(request)
    access.require(user, Permission.PERSONAL_DATA_SEE)
    own = access.organisations_of(user)
    form = SearchForm(request.POST or None, organisations=own, initial={"received_on": timezone.now().date()})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = services.search(
                by=user,
                organisation=values["organisation"],
                reference=values["reference"],
                received_on=values["received_on"],
                key_id=values["key_id"],
                digests=values["digests"].split(),
                now=timezone.now(),
            )
        except InvalidInput as error:
            form = SearchForm({**request.POST.dict(), "digests": ""}, organisations=own)  # a value must not be repeated
            form.is_valid()
            form.errors.pop("digests", None)
            show_error(form, error)
        else:
            return redirect("catalogue:erasure-request", made.pk)
    page = cut_page(erasure.list_requests(user), number=request.GET.get("page"))
    context = {"form": form, "page": page, "rows": page.rows}
    return render(request, "catalogue/erasure.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@sign_in_required
def show_request(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show what was found for one request and what that means; keep the decision."""
    found = erasure.get_request(actor(request), request_id)
    form = DecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.decide(
                by=actor(request), request=found, decision=form.cleaned_data["decision"], now=timezone.now()
            )
        except (InvalidInput, Conflict) as error:
            show_error(form, error)
        else:
            messages.success(request, _("The decision is kept under your name."))
            return redirect("catalogue:erasure-request", found.pk)
    places = erasure.Places.read(found.found)
    context = {
        "asked": found,
        "places": places,
        "runs": erasure.runs_of(places),
        "releases": erasure.releases_of(places),
        "due": erasure.due_on(found),
        "form": form,
    }
    return render(request, "catalogue/erasure_request.html", context, status=422 if form.errors else 200)
