"""Who may do what: roles and memberships joined into one answer. Knows no other chapter.

A question costs two reads, or none when the request's user was met before (`remember`).
"""

from dataclasses import dataclass
from typing import TypeGuard

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import Refused
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import GRANTS, ORGANISATION_BOUND, Permission, Role

Viewer = User | AnonymousUser | None
REMEMBER = object()


@dataclass(frozen=True, slots=True)
class Access:
    """What is known of a person: (role, site code or "" for all), organisations, and those they manage."""

    roles: frozenset[tuple[Role, str]] = frozenset()
    organisations: frozenset[str] = frozenset()
    managed: frozenset[str] = frozenset()


def is_person(user: Viewer) -> TypeGuard[User]:
    """Say whether somebody is signed in and their account is active."""
    return user is not None and user.is_authenticated and user.is_active


def read_access(user: Viewer) -> Access:
    """Read roles and memberships; a visitor without an account has none."""
    if not is_person(user):
        return Access()
    if isinstance(user.remembered_access, Access):
        return user.remembered_access
    roles = user.role_assignments.values_list("role", "site_code")
    memberships = list(user.memberships.values_list("organisation_id", "is_manager"))
    access = Access(
        roles=frozenset((Role(role), site) for role, site in roles),
        organisations=frozenset(organisation for organisation, _ in memberships),
        managed=frozenset(organisation for organisation, is_manager in memberships if is_manager),
    )
    if user.remembered_access is REMEMBER:
        user.remembered_access = access
    return access


def remember(user: User) -> User:
    """Let the first answer be kept on this object, which lives as long as one request; reads nothing yet."""
    if user.remembered_access is None:
        user.remembered_access = REMEMBER
    return user


def may(
    user: Viewer, permission: Permission, *, organisation: Organisation | str | None = None, site_code: str = ""
) -> bool:
    """Say whether a person may do something.

    Rights over an organisation's own things need a role and membership; without `organisation` the answer is "in some
    organisation". A role limited to a site counts for that site; without `site_code` the answer is "at some site".
    """
    access = read_access(user)
    granted = any(
        permission in GRANTS[role] and (not limited_to or not site_code or limited_to == site_code)
        for role, limited_to in access.roles
    )
    if not granted or permission not in ORGANISATION_BOUND:
        return granted
    if organisation is None:
        return bool(access.organisations)
    return _key(organisation) in access.organisations


def require(
    user: Viewer, permission: Permission, *, organisation: Organisation | str | None = None, site_code: str = ""
) -> None:
    """Raise Refused if a person may not do something."""
    if may(user, permission, organisation=organisation, site_code=site_code):
        return
    raise Refused(
        _("your roles do not allow this (%(permission)s).") % {"permission": permission},
        remedy=_("Ask a programme officer for the role, or a manager of the organisation to add you."),
    )


def has_role(user: Viewer, role: Role) -> bool:
    """Say whether a person holds a role at any site."""
    return any(held == role for held, _ in read_access(user).roles)


def sites_of(user: Viewer, permission: Permission) -> frozenset[str] | None:
    """Name the sites for which a person holds a permission; None means all of them."""
    sites = {site for role, site in read_access(user).roles if permission in GRANTS[role]}
    return None if "" in sites else frozenset(sites)


def is_member(user: Viewer, organisation: Organisation | str) -> bool:
    """Say whether a person belongs to an organisation."""
    return _key(organisation) in read_access(user).organisations


def is_manager(user: Viewer, organisation: Organisation | str) -> bool:
    """Say whether a person may invite others to an organisation and sign for it."""
    return _key(organisation) in read_access(user).managed


def organisations_of(user: Viewer) -> QuerySet[Organisation]:
    """List the organisations a person belongs to."""
    return Organisation.objects.filter(pk__in=read_access(user).organisations)


def _key(organisation: Organisation | str) -> str:
    return organisation if isinstance(organisation, str) else organisation.pk
