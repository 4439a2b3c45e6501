"""The pages on which people set their own password: the first one by a welcome link, later ones from the profile."""

from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kifabrik.core.errors import KifabrikError
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.forms import FirstPasswordForm, PasswordForm
from kifabrik.portal.people.services import accounts


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, key: str, token: str) -> HttpResponse:
    """Let the owner of a new account set the first password and go in."""
    user = accounts.find_welcomed(key=key, token=token)
    form = FirstPasswordForm(request.POST or None)
    if form.is_valid():
        try:
            accounts.set_password(by=user, password=form.cleaned_data["password"], now=timezone.now())
        except KifabrikError as error:  # shown in the form
            show_error(form, error)
        else:
            login(request, user)
            return redirect("/")
    context = {"form": form, "email": user.email}
    return render(request, "people/password.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@sign_in_required
@never_cache
@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password, which needs the old one."""
    person = actor(request)
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        if not person.check_password(form.cleaned_data["old_password"]):
            form.add_error("old_password", _("This is not your present password."))
        else:
            try:
                accounts.set_password(by=person, password=form.cleaned_data["password"], now=timezone.now())
            except KifabrikError as error:  # shown in the form
                show_error(form, error)
    if form.is_bound and not form.errors:
        update_session_auth_hash(request, person)
        messages.success(request, _("Your password is changed."))
        return redirect("people:profile")
    context = {"form": form, "email": person.email}
    return render(request, "people/password.html", context, status=422 if form.errors else 200)
