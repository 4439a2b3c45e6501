"""Organisations and who belongs to them."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.people.models import Membership, Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import organisations as rows
from kifabrik.portal.people.queries.access import is_manager, may
from kifabrik.portal.people.services import audit

KINDS = frozenset({"start-up", "sme", "large-enterprise", "research", "public"})
_COUNTRY = re.compile(r"^[A-Z]{2}$")


@transaction.atomic
def create(
    *,
    by: User,
    legal_name: str,
    country: str,
    kind: str,
    register_number: str = "",
    vat_number: str = "",
    now: datetime,
) -> Organisation:
    """Make an organisation whose first manager is its maker; raises InvalidInput naming the field, or Conflict."""
    legal_name, country = " ".join(legal_name.split()), country.strip().upper()
    _check(legal_name=legal_name, country=country, kind=kind)
    organisation = Organisation.objects.create(
        legal_name=legal_name,
        country=country,
        kind=kind,
        register_number=register_number.strip(),
        vat_number=vat_number.strip(),
        created_at=now,
    )
    Membership.objects.create(user=by, organisation=organisation, is_manager=True, since_at=now)
    _forget(by)
    audit.append(
        by=by,
        verb="organisation.created",
        what=organisation,
        organisation=organisation,
        details={"legal_name": legal_name, "country": country, "kind": kind},
        now=now,
    )
    return organisation


@transaction.atomic
def add_member(
    *, by: User | None, organisation: Organisation, user: User, is_manager: bool = False, now: datetime
) -> Membership:
    """Let a person belong to an organisation; adding them again changes only whether they manage it.

    Raises Refused unless a manager of it, a programme officer or the factory itself (`by=None`) does it, and Conflict
    if it would be left without a manager.
    """
    _require_manager(by, organisation)
    membership = Membership.objects.select_for_update().filter(user=user, organisation=organisation).first()
    if membership is None:
        membership = Membership.objects.create(
            user=user, organisation=organisation, is_manager=is_manager, since_at=now
        )
        verb = "organisation.member-added"
    elif membership.is_manager != is_manager:
        if not is_manager:
            _require_other_manager(membership)
        membership.is_manager = is_manager
        membership.save(update_fields=["is_manager"])
        verb = "organisation.member-changed"
    else:
        return membership
    _forget(user)
    details: dict[str, Json] = {"user": user.pk, "is_manager": is_manager}
    audit.append(by=by, verb=verb, what=organisation, organisation=organisation, details=details, now=now)
    return membership


@transaction.atomic
def remove_member(*, by: User, organisation: Organisation, user_id: str, now: datetime) -> None:
    """End a membership; one may always leave. Raises Conflict for the last manager, NotFound for no member."""
    if by.pk != user_id:
        _require_manager(by, organisation)
    membership = Membership.objects.select_for_update().filter(user_id=user_id, organisation=organisation).first()
    if membership is None:
        raise NotFound(_("this person does not belong to the organisation."))
    _require_other_manager(membership)
    membership.delete()
    _forget(by)
    audit.append(
        by=by,
        verb="organisation.member-removed",
        what=organisation,
        organisation=organisation,
        details={"user": user_id},
        now=now,
    )


def _check(*, legal_name: str, country: str, kind: str) -> None:
    if not legal_name:
        raise InvalidInput(_("a legal name is needed."), where="legal_name", remedy=_("Write it as in the register."))
    if not _COUNTRY.match(country):
        raise InvalidInput(
            _("this is not a country code."), where="country", remedy=_("Write two letters, such as DE.")
        )
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise InvalidInput(
            _("this kind of organisation is not known."),
            where="kind",
            remedy=_("Choose one of %(kinds)s.") % {"kinds": known},
        )
    if rows.is_name_taken(legal_name):
        raise Conflict(
            _("an organisation of this name is already here."),
            where="legal_name",
            remedy=_("Ask one of its managers to add you."),
        )


def _require_manager(by: User | None, organisation: Organisation) -> None:
    if by is None or is_manager(by, organisation) or may(by, Permission.PEOPLE_MANAGE):
        return
    raise Refused(_("only its managers decide who belongs to an organisation."), remedy=_("Ask one of them."))


def _require_other_manager(membership: Membership) -> None:
    if membership.is_manager and not rows.has_other_manager(membership):
        raise Conflict(
            _("an organisation needs at least one manager."), remedy=_("Let somebody else become manager first.")
        )


def _forget(user: User) -> None:
    """Ask the database again about this person, should the same request go on."""
    user.remembered_access = None
