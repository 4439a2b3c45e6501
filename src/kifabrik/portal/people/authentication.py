"""Who is asking: the session of a page or the token of a program, one answer for both. Knows no other chapter."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from kifabrik.core.errors import Refused
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission, Scope
from kifabrik.portal.people.queries.access import is_person, remember, require
from kifabrik.portal.people.services import tokens

View = ParamSpec("View")
SESSION_SCOPES = frozenset({Scope.READ, Scope.WRITE})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, with which scopes, and for a site agent: for which site."""

    user: User
    scopes: frozenset[Scope]
    site_code: str = ""


class SignedIn(AuthBase):
    """Lets in whoever holds all of the scopes, by session cookie (with CSRF check) or by bearer token."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = frozenset(scopes or (Scope.READ,))
        super().__init__()

    def __call__(self, request: HttpRequest) -> Principal | None:
        """Return the principal, None for a stranger; raises Refused for a missing scope or a forged form."""
        principal = read_principal(request)
        if principal is None:
            return None
        missing = self.scopes - principal.scopes
        if missing:
            raise Refused(
                _("this needs a token with the scope %(scopes)s.") % {"scopes": ", ".join(sorted(missing))},
                remedy=_("Make a token with that scope on your profile page."),
                code="missing-scope",
            )
        return principal


class SiteAgent(SignedIn):
    """Lets in the agent of a site: a token with the scope `site` and a site code."""

    def __init__(self) -> None:
        super().__init__(Scope.SITE)

    def __call__(self, request: HttpRequest) -> Principal | None:
        """Return the principal with its site code; raises Refused without a site, or if its owner left that site."""
        principal = super().__call__(request)
        if principal is None:
            return None
        if not principal.site_code:
            raise Refused(_("this token names no site."), remedy=_("Make a token for one site."), code="missing-scope")
        require(principal.user, Permission.SITE_MANAGE, site_code=principal.site_code)
        return principal


def signed_in(*scopes: Scope) -> SignedIn:
    """Make the guard of an API operation; without scopes it asks for `read`."""
    return SignedIn(*scopes)


site_agent = SiteAgent()


def read_principal(request: HttpRequest) -> Principal | None:
    """Find out who asks: a token before a session; None for strangers and for tokens that do not count."""
    words = request.headers.get("Authorization", "").split(maxsplit=1)
    if len(words) == 2 and words[0].lower() == "bearer":
        token = tokens.find_valid(words[1].strip(), now=timezone.now())
        if token is None:
            return None
        scopes = frozenset(Scope(scope) for scope in token.scopes)
        return Principal(remember(token.user), scopes, token.site_code)
    if not is_person(request.user):
        return None
    if request.method not in _SAFE_METHODS and check_csrf(request) is not None:
        raise Refused(_("the form's security token is missing or old."), remedy=_("Reload the page."), code="csrf")
    return Principal(remember(request.user), SESSION_SCOPES)


def sign_in_required(
    view: Callable[Concatenate[HttpRequest, View], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, View], HttpResponseBase]:
    """Send a stranger to the sign-in page and back; keep what is known of the person for this request."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: View.args, **kwargs: View.kwargs) -> HttpResponseBase:
        if not is_person(request.user):
            return redirect_to_login(request.get_full_path())
        remember(request.user)
        return view(request, *args, **kwargs)

    return guarded


def actor(request: HttpRequest) -> User:
    """Return the signed-in person of a page that is guarded by `sign_in_required`."""
    if not is_person(request.user):
        raise Refused(_("you are not signed in."), remedy=_("Sign in first."))
    return request.user
