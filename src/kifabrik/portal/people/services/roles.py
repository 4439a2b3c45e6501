"""Giving and withdrawing roles."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, InvalidInput, NotFound
from kifabrik.portal.people.models import RoleAssignment, User
from kifabrik.portal.people.permissions import Permission, Role
from kifabrik.portal.people.queries.access import require
from kifabrik.portal.people.services import audit

SITE_ROLES = frozenset({Role.OPERATOR})


@transaction.atomic
def assign(*, by: User | None, user: User, role: Role, site_code: str = "", now: datetime) -> RoleAssignment:
    """Give a role, for an operator perhaps at one site only; giving it twice is no error.

    `by=None` is the factory itself at its first start. Raises Refused without the right to manage people.
    """
    if by is not None:
        require(by, Permission.PEOPLE_MANAGE)
    if role is Role.VISITOR:
        raise InvalidInput(_("everybody is a visitor."), where="role", remedy=_("Choose another role."))
    if site_code and role not in SITE_ROLES:
        raise InvalidInput(
            _("this role is not limited to a site."),
            where="site_code",
            remedy=_("Leave the site empty, or choose operator."),
        )
    assignment, is_new = RoleAssignment.objects.get_or_create(
        user=user, role=role, site_code=site_code, defaults={"since_at": now}
    )
    if is_new:
        user.remembered_access = None
        details = {"role": str(role), "site_code": site_code}
        audit.append(by=by, verb="role.assigned", what=user, details=details, now=now)
    return assignment


@transaction.atomic
def withdraw(*, by: User, assignment_id: int, now: datetime) -> None:
    """Take a role away; raises NotFound, or Conflict for the last programme officer."""
    require(by, Permission.PEOPLE_MANAGE)
    assignment = (
        RoleAssignment.objects.select_for_update(of=("self",)).select_related("user").filter(pk=assignment_id).first()
    )
    if assignment is None:
        raise NotFound(_("this role is not held any more."), remedy=_("Reload the page."))
    _require_other_officer(assignment)
    assignment.delete()
    details = {"role": assignment.role, "site_code": assignment.site_code}
    audit.append(by=by, verb="role.withdrawn", what=assignment.user, details=details, now=now)


def _require_other_officer(assignment: RoleAssignment) -> None:
    """Keep at least one active person who can give roles."""
    if assignment.role != Role.PROGRAMME_OFFICER:
        return
    officers = RoleAssignment.objects.filter(role=Role.PROGRAMME_OFFICER, user__is_active=True)
    if not officers.exclude(pk=assignment.pk).exists():
        raise Conflict(
            _("the factory needs at least one programme officer."), remedy=_("Give somebody else the role first.")
        )
