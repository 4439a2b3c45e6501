"""A person's own page: name, language, roles, and the access tokens of their programs."""

from datetime import datetime, time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kifabrik.core.errors import KifabrikError
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.forms import ProfileForm, TokenForm
from kifabrik.portal.people.permissions import Scope
from kifabrik.portal.people.queries.profiles import memberships_of, roles_of, tokens_of
from kifabrik.portal.people.services import profiles, tokens


@sign_in_required
@never_cache
@require_http_methods(["GET", "POST"])
def show_profile(request: HttpRequest) -> HttpResponse:
    """Show the profile; `deed` says which of its two forms was sent."""
    person = actor(request)
    deed = request.POST.get("deed", "")
    profile_form = ProfileForm(
        request.POST if deed == "profile" else None, initial={"name": person.name, "language": person.language}
    )
    token_form = TokenForm(request.POST if deed == "token" else None, prefix="token")
    secret = ""
    if profile_form.is_valid():
        profiles.rename(by=person, name=profile_form.cleaned_data["name"], now=timezone.now())
        profiles.choose_language(by=person, language=profile_form.cleaned_data["language"], now=timezone.now())
        messages.success(request, _("Your profile is saved."))
        return redirect("people:profile")
    if token_form.is_valid():
        secret = _make_token(request, token_form)
    context = {
        "profile_form": profile_form,
        "token_form": token_form,
        "secret": secret,
        "roles": roles_of(person),
        "memberships": memberships_of(person),
        "tokens": tokens_of(person),
        "now": timezone.now(),
    }
    status = 422 if profile_form.errors or token_form.errors else 200
    return render(request, "people/profile.html", context, status=status)


def _make_token(request: HttpRequest, form: TokenForm) -> str:
    """Make the token and return its secret, which this one answer shows; an error goes into the form."""
    fields = form.cleaned_data
    last_day = fields["last_day"]
    try:
        new = tokens.create(
            by=actor(request),
            name=fields["name"],
            scopes=[Scope(scope) for scope in fields["scopes"]],
            site_code=fields["site_code"],
            expires_at=timezone.make_aware(datetime.combine(last_day, time.max)) if last_day else None,
            now=timezone.now(),
        )
    except KifabrikError as error:  # shown in the form, so that nothing need be typed again
        show_error(form, error)
        return ""
    return new.secret


@sign_in_required
@require_POST
def revoke_token(request: HttpRequest, token_id: str) -> HttpResponse:
    """End one of one's own tokens."""
    token = tokens.revoke(by=actor(request), token_id=token_id, now=timezone.now())
    messages.success(request, _("The token “%(name)s” no longer works.") % {"name": token.name})
    return redirect("people:profile")
