"""The main menu, which shows a person what their roles can use. Knows the names of pages, not the pages."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries.access import Viewer, is_person, may, read_access


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the menu; `permissions`: one of them is needed; `for_members`: membership opens it too."""

    label: str | Promise
    page: str
    permissions: tuple[Permission, ...] = ()
    for_members: bool = False
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu as one person sees it."""

    label: str | Promise
    url: str
    is_here: bool


PLACES = (
    Place(_("Calls"), "calls:calls", is_public=True),
    Place(
        _("Proposals"),
        "calls:proposals",
        (Permission.PROPOSAL_READ_ALL, Permission.PROPOSAL_CHECK_TECHNICALLY),
        for_members=True,
    ),
    Place(
        _("Awards"), "calls:awards", (Permission.PROPOSAL_READ_ALL, Permission.ALLOCATION_READ_ALL), for_members=True
    ),
    Place(_("Allocations"), "compute:allocations", (Permission.ALLOCATION_READ_ALL,), for_members=True),
    Place(_("Datasets"), "catalogue:datasets", (Permission.RUN_READ_ALL,), for_members=True),
    Place(_("Runs"), "compute:runs", (Permission.RUN_READ_ALL,), for_members=True),
    Place(_("Models"), "catalogue:models", is_public=True),
    Place(_("Support"), "exchange:support", (Permission.SUPPORT_ANSWER,), for_members=True),
    Place(_("Sites"), "compute:sites", (Permission.SITE_MANAGE, Permission.ALLOCATION_MANAGE)),
    Place(_("Organisations"), "people:organisations", (Permission.PEOPLE_MANAGE,), for_members=True),
    Place(_("People"), "people:people", (Permission.PEOPLE_MANAGE,)),
    Place(_("Audit log"), "people:audit", (Permission.AUDIT_READ,)),
)


def may_visit(user: Viewer, place: Place) -> bool:
    """Say whether a place belongs into a person's menu."""
    if place.is_public:
        return True
    if not is_person(user):
        return False
    if place.for_members and read_access(user).organisations:
        return True
    return any(may(user, permission) for permission in place.permissions)


def menu_of(user: Viewer, *, here: str) -> list[Entry]:
    """List the menu of a person who looks at the address `here`."""
    places = [(place.label, reverse(place.page)) for place in PLACES if may_visit(user, place)]
    return [Entry(label, url, here.startswith(url)) for label, url in places]


def navigation(request: HttpRequest) -> dict[str, object]:
    """Give every template its menu."""
    user = getattr(request, "user", None)
    return {"navigation": menu_of(user, here=request.path)}
