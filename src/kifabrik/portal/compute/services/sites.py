"""Registers sites and hands tokens to their agents. Knows the reference data of systems, no cluster."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.ids import new_id
from kifabrik.funding.reference import systems
from kifabrik.portal.compute.models import Site
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission, Scope
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit, tokens
from kifabrik.portal.people.services.tokens import NewToken

_CODE = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")
_UNITS = ("GPU", "CPU")


def register(
    *, by: User, code: str, name: str, system_code: str, unit: str = "GPU", devices: int = 1, now: datetime
) -> Site:
    """Register a site; the same facts again are the same site.

    Raises Refused without the operator's role for it, InvalidInput for an unknown system, Conflict for a taken code.
    """
    access.require(by, Permission.SITE_MANAGE, site_code=code)
    _check(code=code, name=name, system_code=system_code, unit=unit, devices=devices)
    facts: dict[str, Json] = {"name": name.strip(), "system_code": system_code, "unit": unit, "devices": devices}
    with transaction.atomic():
        site, made = Site.objects.get_or_create(code=code, defaults={**facts, "created_at": now})
        if made:
            audit.append(by=by, verb="site.registered", what=site, details=facts, now=now)
        elif any(getattr(site, field) != value for field, value in facts.items()):
            raise Conflict(_("The site %(code)s exists with other facts.") % {"code": code}, where="code")
    return site


def issue_token(*, by: User, site: Site, name: str = "", now: datetime) -> NewToken:
    """Make the secret with which the agent of a site speaks; raises Refused unless the person operates the site."""
    access.require(by, Permission.SITE_MANAGE, site_code=site.code)
    return tokens.create(by=by, name=name or f"agent of {site.code}", scopes={Scope.SITE}, site_code=site.code, now=now)


def note_contact(*, site: Site, agent_version: str, now: datetime) -> None:
    """Remember that the agent of a site has just asked what to do."""
    Site.objects.filter(pk=site.pk).update(last_seen_at=now, agent_version=agent_version[:40] or site.agent_version)


def note_change(*, site_code: str) -> None:
    """Let the agent of a site see that its allocations have changed; call it first in the transaction of the change.

    First, so that every writer takes site and allocation in this order and no two wait for each other.
    """
    Site.objects.filter(pk=site_code).update(allocations_token=new_id("change"))


def _check(*, code: str, name: str, system_code: str, unit: str, devices: int) -> None:
    if not _CODE.match(code):
        raise InvalidInput(
            _("A site's code has small letters, digits and hyphens only."), where="code", remedy=_("Example: laptop.")
        )
    if not name.strip() or len(name) > 200:
        raise InvalidInput(_("A site needs a name of at most 200 characters."), where="name")
    if system_code not in systems():
        raise InvalidInput(
            _("The reference data know no system “%(code)s”.") % {"code": system_code[:64]},
            where="system_code",
            remedy=_("Known systems: %(codes)s.") % {"codes": ", ".join(sorted(systems()))},
        )
    if unit not in _UNITS:
        raise InvalidInput(_("The unit is GPU or CPU."), where="unit")
    if devices < 1:
        raise InvalidInput(_("A site has at least one device."), where="devices")
