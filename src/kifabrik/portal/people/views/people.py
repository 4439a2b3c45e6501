"""The page on which programme officers look after accounts and roles."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kifabrik.core.errors import KifabrikError
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.forms import AccountForm, RoleForm
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries import people as rows
from kifabrik.portal.people.services import accounts, roles


@sensitive_post_parameters("account-password")
@sign_in_required
@require_http_methods(["GET", "POST"])
def show_people(request: HttpRequest) -> HttpResponse:
    """List the accounts; `deed` says which of the two forms was sent."""
    wanted = request.GET.get("wanted", "").strip()
    page = cut_page(rows.everybody(request.user, wanted=wanted), number=request.GET.get("page"))
    deed = request.POST.get("deed", "")
    role_form = RoleForm(request.POST if deed == "role" else None, prefix="role")
    account_form = AccountForm(request.POST if deed == "account" else None, prefix="account")
    if _try_deed(request, role_form, account_form):
        return redirect("people:people")
    context = {"page": page, "wanted": wanted, "role_form": role_form, "account_form": account_form}
    status = 422 if role_form.errors or account_form.errors else 200
    return render(request, "people/people.html", context, status=status)


def _try_deed(request: HttpRequest, role_form: RoleForm, account_form: AccountForm) -> bool:
    """Do what one of the forms asks for; an error goes into that form."""
    form = role_form if role_form.is_bound else account_form
    if not form.is_valid():
        return False
    try:
        _give_role(request, role_form) if role_form.is_bound else _make_account(request, account_form)
    except KifabrikError as error:  # shown in the form, so that nothing need be typed again
        show_error(form, error)
        return False
    return True


def _give_role(request: HttpRequest, form: RoleForm) -> None:
    fields = form.cleaned_data
    user, role = rows.find_by_email(fields["email"]), Role(fields["role"])
    roles.assign(by=actor(request), user=user, role=role, site_code=fields["site_code"], now=timezone.now())
    messages.success(request, _("%(name)s has the role now.") % {"name": user.name})


def _make_account(request: HttpRequest, form: AccountForm) -> None:
    user = accounts.create(by=actor(request), **form.cleaned_data, now=timezone.now())
    messages.success(request, _("The account of %(name)s is made.") % {"name": user.name})


@sign_in_required
@require_POST
def withdraw_role(request: HttpRequest, assignment_id: int) -> HttpResponse:
    """Take a role away."""
    roles.withdraw(by=actor(request), assignment_id=assignment_id, now=timezone.now())
    messages.success(request, _("The role is withdrawn."))
    return redirect("people:people")


@sign_in_required
@require_POST
def set_active(request: HttpRequest, person_id: str) -> HttpResponse:
    """Close an account or open it again."""
    person = rows.read(request.user, person_id)
    accounts.set_active(
        by=actor(request), user=person, is_active=request.POST.get("is_active") == "yes", now=timezone.now()
    )
    return redirect("people:people")
