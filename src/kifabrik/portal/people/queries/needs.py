"""What waits for a person in their own account: an organisation to join, tokens about to end."""

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from kifabrik.portal.doors.needs import Need
from kifabrik.portal.people.models import AccessToken, User
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.access import has_role, read_access
from kifabrik.portal.people.queries.profiles import tokens_of

SOON = timedelta(days=14)


def needs(user: User, *, now: datetime) -> list[Need]:
    """Tell a person without a part here how to begin, and an applicant that they need an organisation."""
    found = []
    access = read_access(user)
    if not access.organisations and (has_role(user, Role.APPLICANT) or not access.roles):
        found.append(
            Need(
                _("Make your organisation, or join one"),
                _("Proposals, datasets and models belong to an organisation."),
                reverse("people:organisations"),
                weight=60,
            )
        )
    ending = tokens_of(user).filter(revoked_at=None, expires_at__gt=now, expires_at__lt=now + SOON)
    return [*found, *(_ending(token) for token in ending)]


def _ending(token: AccessToken) -> Need:
    return Need(
        _("The token “%(name)s” ends soon") % {"name": token.name},
        _("Make a new one for the program that uses it."),
        reverse("people:profile"),
        due_at=token.expires_at,
        weight=30,
    )
