"""Pages of the portal itself: home, about, rules and figures, language, errors."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kifabrik import __version__
from kifabrik.core.errors import KifabrikError, NotFound, Refused
from kifabrik.portal.doors.problems import problem
from kifabrik.portal.people.queries.access import is_person
from kifabrik.portal.people.services import profiles
from kifabrik.portal.web import home
from kifabrik.portal.web.reference_tables import list_tables


def show_home(request: HttpRequest) -> HttpResponse:
    """What needs a person now and what they own; for visitors, what the factory offers."""
    now = timezone.now()
    if not is_person(request.user):
        return render(request, "web/welcome.html", {"offer": home.offer_to(request.user, now=now), "now": now})
    belongings = home.belongings_of(request.user)
    context = {
        "needs": home.needs_of(request.user, now=now),
        "belongings": belongings,
        "offer": home.offer_to(request.user, now=now) if belongings.is_empty else None,
        "now": now,
    }
    return render(request, "web/home.html", context)


def show_about(request: HttpRequest) -> HttpResponse:
    """What this portal is and which version runs."""
    return render(request, "web/about.html", {"version": __version__, "time_zone": settings.TIME_ZONE})


def show_reference(request: HttpRequest) -> HttpResponse:
    """The rules and figures that the portal reckons with, each with its source."""
    return render(request, "web/reference.html", {"tables": list_tables()})


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Speak another language from now on; a signed-in person's choice is kept with their account."""
    language = request.POST.get("language", "")
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    response = redirect(target)
    if translation.check_for_language(language) and language in dict(settings.LANGUAGES):
        if is_person(request.user):
            profiles.choose_language(by=request.user, language=language, now=timezone.now())
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=31_536_000, samesite="Lax", httponly=True)
    return response


def _show_error(request: HttpRequest, error: KifabrikError, status: int) -> HttpResponse:
    """Answer people with a page and programs with problem details."""
    if request.path.startswith("/api/"):
        return problem(status=status, code=error.code, title=error.message, detail=error.remedy)
    return render(request, "web/error.html", {"error": error, "status": status}, status=status)


def refuse_forged_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its security token."""
    del reason  # for the log of Django, not for people
    return _show_error(
        request,
        Refused(_("the form was open too long or came from elsewhere."), remedy=_("Go back, reload, try again.")),
        403,
    )


def show_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address that leads nowhere."""
    del exception
    error = NotFound(_("there is no such page."), remedy=_("Check the address, or start from the home page."))
    return _show_error(request, error, 404)


def show_refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that this person may not see."""
    del exception
    return _show_error(
        request, Refused(_("you may not see this page."), remedy=_("Sign in with another account.")), 403
    )


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that no browser of ours sends."""
    del exception
    return _show_error(
        request, KifabrikError(_("the request cannot be read."), remedy=_("Go back and try again.")), 400
    )


def show_failure(request: HttpRequest) -> HttpResponse:
    """A fault of ours; drawn without database, menu and session, because one of them may be what broke."""
    if request.path.startswith("/api/"):
        return problem(status=500, code="failure", title="something broke on our side.")
    return HttpResponse(render_to_string("web/failure.html"), status=500)
