"""Keeps under which unix user name a person is known at a site. Knows people and sites, no cluster."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.compute.models import ClusterUser, Site
from kifabrik.portal.compute.services import sites
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

_USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# Names that a cluster keeps for itself: a member with one of them would get the limits and rights of the system.
RESERVED = frozenset({"root", "slurm", "munge", "daemon", "bin", "sys", "nobody", "mysql", "admin"})


def set_name(*, by: User, site: Site, person: User, user_name: str, now: datetime) -> ClusterUser:
    """Say under which unix user name a person works at a site; the same again changes nothing.

    Raises Refused for everybody but the site's operator, InvalidInput for a name that no cluster would take, Conflict
    if another person has it there.
    """
    access.require(by, Permission.SITE_MANAGE, site_code=site.code)
    _check(user_name)
    with transaction.atomic():
        sites.note_change(site_code=site.pk)
        if ClusterUser.objects.filter(site=site, user_name=user_name).exclude(person=person).exists():
            raise Conflict(_("Another person has this user name at the site."), where="user_name")
        known = ClusterUser.objects.filter(site=site, person=person).first()
        if known is not None and known.user_name == user_name:
            return known
        facts = {"user_name": user_name, "set_at": now}
        row, _made = ClusterUser.objects.update_or_create(site=site, person=person, defaults=facts)
        _tell(by, "site.user-named", site, person, user_name, now)
    return row


def remove(*, by: User, site: Site, person: User, now: datetime) -> None:
    """Forget the user name of a person at a site, so that its agent no longer lets them in; twice is no error."""
    access.require(by, Permission.SITE_MANAGE, site_code=site.code)
    with transaction.atomic():
        sites.note_change(site_code=site.pk)
        row = ClusterUser.objects.filter(site=site, person=person).first()
        if row is not None:
            row.delete()
            _tell(by, "site.user-removed", site, person, row.user_name, now)


def _tell(by: User, verb: str, site: Site, person: User, user_name: str, now: datetime) -> None:
    audit.append(by=by, verb=verb, what=site, details={"person": person.pk, "user_name": user_name}, now=now)


def _check(user_name: str) -> None:
    if not _USER_NAME.fullmatch(user_name) or user_name in RESERVED:
        raise InvalidInput(
            _("This is no user name of a person at a cluster."),
            where="user_name",
            remedy=_("Small letters, digits, _ and -, at most 32, beginning with a letter or _."),
        )
