"""Who comes through the API's doors: a person, or the agent of a site. Knows principals, no row."""

from django.http import HttpRequest
from ninja.security.base import AuthBase

from kifabrik.portal.people.authentication import Principal, read_principal, signed_in, site_agent
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Scope


class PersonOrSite(AuthBase):
    """Lets in a person with a scope, or the agent of a site with its own."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"

    def __init__(self, scope: Scope) -> None:
        self._person = signed_in(scope)
        super().__init__()

    def __call__(self, request: HttpRequest) -> Principal | None:
        """Return the principal, None for a stranger; raises Refused for a token that may do neither."""
        principal = read_principal(request)
        if principal is None:
            return None
        guard = site_agent if is_site(principal) else self._person
        return guard(request)


def is_site(principal: Principal) -> bool:
    """Say whether the agent of a site speaks."""
    return Scope.SITE in principal.scopes and principal.site_code != ""


def principal_of(request: HttpRequest) -> Principal:
    """Return who came through the guard."""
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the guard of the operation
    return principal


def person(request: HttpRequest) -> User:
    """Return the person who came through the guard."""
    return principal_of(request).user
