"""The pages of organisations: list, new, one with its members."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kifabrik.core.errors import KifabrikError, NotFound
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.forms import MemberForm, OrganisationForm
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import organisations as rows
from kifabrik.portal.people.queries.access import is_manager, is_member, may
from kifabrik.portal.people.queries.people import find_by_email
from kifabrik.portal.people.services import accounts, organisations


@sign_in_required
@require_GET
def list_organisations(request: HttpRequest) -> HttpResponse:
    """Show one's own organisations, or all to those who look after people."""
    page = cut_page(rows.with_members(request.user), number=request.GET.get("page"))
    return render(request, "people/organisation_list.html", {"page": page})


@sign_in_required
@require_http_methods(["GET", "POST"])
def make_organisation(request: HttpRequest) -> HttpResponse:
    """Ask for a new organisation's name, country and kind."""
    form = OrganisationForm(request.POST or None)
    if form.is_valid():
        try:
            organisation = organisations.create(by=actor(request), **form.cleaned_data, now=timezone.now())
        except KifabrikError as error:  # shown in the form, so that nothing need be typed again
            show_error(form, error)
        else:
            messages.success(request, _("The organisation is here; you are its first manager."))
            return redirect("people:organisation", organisation.pk)
    status = 422 if form.errors else 200
    return render(request, "people/organisation_form.html", {"form": form}, status=status)


@sign_in_required
@require_http_methods(["GET", "POST"])
def show_organisation(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Show an organisation and its members; its managers may add somebody by e-mail address."""
    organisation = rows.read(request.user, organisation_id)
    form, welcome = MemberForm(request.POST or None), None
    if form.is_valid():
        try:
            welcome = _add_member(request, form, organisation)
        except KifabrikError as error:  # shown in the form, so that nothing need be typed again
            show_error(form, error)
        else:
            if welcome is None:
                messages.success(request, _("%(email)s now belongs to it.") % {"email": form.cleaned_data["email"]})
                return redirect("people:organisation", organisation.pk)
    context = {
        "organisation": organisation,
        "members": rows.members_of(organisation),
        "form": form if welcome is None else MemberForm(),
        "welcome_link": request.build_absolute_uri(_welcome_path(welcome)) if welcome else "",
        "may_manage": is_manager(request.user, organisation) or may(request.user, Permission.PEOPLE_MANAGE),
        "is_mine": is_member(request.user, organisation),
    }
    status = 422 if form.errors else 200
    return render(request, "people/organisation_detail.html", context, status=status)


def _welcome_path(welcome: accounts.Welcome) -> str:
    return reverse("people:welcome", args=[welcome.key, welcome.token])


def _add_member(request: HttpRequest, form: MemberForm, organisation: Organisation) -> accounts.Welcome | None:
    """Add an account as member; with a name given, an unknown address gets an account and its welcome link."""
    person, now, welcome = actor(request), timezone.now(), None
    email, name, manages = (form.cleaned_data[key] for key in ("email", "name", "is_manager"))
    try:
        member = find_by_email(email)
    except NotFound:
        if not name:
            raise
        welcome = accounts.invite(by=person, email=email, name=name, language=person.language, now=now)
        member = welcome.user
    organisations.add_member(by=person, organisation=organisation, user=member, is_manager=manages, now=now)
    return welcome


@sign_in_required
@require_POST
def change_member(request: HttpRequest, organisation_id: str, user_id: str) -> HttpResponse:
    """Let a member manage the organisation or no longer manage it."""
    organisation = rows.read(request.user, organisation_id)
    membership = rows.read_member(organisation, user_id)
    organisations.add_member(
        by=actor(request),
        organisation=organisation,
        user=membership.user,
        is_manager=request.POST.get("is_manager") == "yes",
        now=timezone.now(),
    )
    return redirect("people:organisation", organisation.pk)


@sign_in_required
@require_POST
def remove_member(request: HttpRequest, organisation_id: str, user_id: str) -> HttpResponse:
    """End a membership."""
    organisation = rows.read(request.user, organisation_id)
    organisations.remove_member(by=actor(request), organisation=organisation, user_id=user_id, now=timezone.now())
    messages.success(request, _("The membership has ended."))
    if user_id == actor(request).pk:
        return redirect("people:organisations")
    return redirect("people:organisation", organisation.pk)
