"""The pages to sign in and out."""

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kifabrik.core.errors import Refused
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.doors.networks import network_of
from kifabrik.portal.people.forms import SignInForm
from kifabrik.portal.people.services import sign_ins


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def show_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in and go on to where the person wanted to be."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = sign_ins.sign_in(
                request=request, **form.cleaned_data, network=network_of(request), now=timezone.now()
            )
        except Refused as error:  # shown in the form, so that the address need not be typed again
            show_error(form, error)
        else:
            login(request, user)
            return redirect(_target(request))
    target = request.POST.get("next") or request.GET.get("next", "")
    status = 422 if form.errors else 200
    return render(request, "people/sign_in.html", {"form": form, "next": target}, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("/")


def _target(request: HttpRequest) -> str:
    """Read where to go; an address of another host is ignored."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"
