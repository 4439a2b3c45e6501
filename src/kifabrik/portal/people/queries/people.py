"""Reads of the people of the factory, for those who look after them."""

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries.access import Viewer, require


def everybody(user: Viewer, *, wanted: str = "") -> QuerySet[User]:
    """List all accounts with roles and organisations, by name; raises Refused without the right to manage people."""
    require(user, Permission.PEOPLE_MANAGE)
    people = User.objects.prefetch_related("role_assignments", "memberships__organisation").order_by("name", "pk")
    if wanted:
        people = people.filter(Q(name__icontains=wanted) | Q(email__icontains=wanted))
    return people


def find_by_email(email: str) -> User:
    """Find the account with an address; raises NotFound."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise NotFound(
            _("nobody here has this address."), where="email", remedy=_("Check it, or make an account first.")
        )
    return user


def read(user: Viewer, person_id: str) -> User:
    """Read one account; raises Refused without the right to manage people, NotFound for nobody."""
    person = everybody(user).filter(pk=person_id).first()
    if person is None:
        raise NotFound(_("there is no such account."))
    return person
