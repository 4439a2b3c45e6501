"""Who comes through the API's doors: a person with a token or session, or for public things a visitor."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from kifabrik.portal.people.authentication import Principal, SignedIn
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Scope
from kifabrik.portal.people.queries.access import Viewer


class VisitorsToo(SignedIn):
    """Lets in everybody; a token that is shown must be a good one."""

    def __call__(self, request: HttpRequest) -> Principal | AnonymousUser | None:  # type: ignore[override]  # wider
        """Return the principal, or a visitor if nobody shows a token; None for a wrong token."""
        principal = super().__call__(request)
        if principal is None and "Authorization" not in request.headers:
            return AnonymousUser()
        return principal


visitors_too = VisitorsToo(Scope.READ)


def viewer(request: HttpRequest) -> Viewer:
    """Return who looks: a person or a visitor."""
    found: Principal | AnonymousUser = request.auth  # type: ignore[attr-defined]  # set by the guard
    return found.user if isinstance(found, Principal) else found


def person(request: HttpRequest) -> User:
    """Return the person who came through a guard that lets in no visitors."""
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the guard
    return principal.user
