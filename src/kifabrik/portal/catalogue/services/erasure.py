"""Searches for a person's values by keyed digests and keeps what was found and decided. Knows rows, not persons."""

import re
from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.catalogue.models import ErasureRequest
from kifabrik.portal.catalogue.queries.erasure import find_places
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

DIGESTS_MAX = 200
DECISION_LENGTH_MIN = 10
_DIGEST = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,80}")


def search(
    *,
    by: User,
    organisation: Organisation,
    reference: str,
    received_on: date,
    key_id: str,
    digests: Sequence[str],
    now: datetime,
) -> ErasureRequest:
    """Search all datasets of an organisation for values by their digests, and keep what was found.

    Raises Refused without the right, InvalidInput for a reference that names a person or what is no digest.
    """
    access.require(by, Permission.PERSONAL_DATA_SEE, organisation=organisation)
    reference = reference.strip()
    wanted = sorted({digest.strip() for digest in digests if digest.strip()})
    _require_words(reference=reference, received_on=received_on, key_id=key_id, today=now.date())
    _require_digests(wanted)
    places = find_places(organisation, key_id=key_id, digests=frozenset(wanted))
    with transaction.atomic():
        request = ErasureRequest.objects.create(
            organisation=organisation,
            reference=reference,
            received_on=received_on,
            key_id=key_id,
            digests=wanted,
            found=places.keep(),
            by=by,
            at=now,
        )
        details: dict[str, Json] = {
            "reference": reference,
            "values": len(wanted),
            "places": places.count,
            "versions": [hit.version for hit in places.hits],
            "runs": list(places.runs),
            "releases": list(places.releases),
        }
        audit.append(by=by, verb="erasure.searched", what=request, organisation=organisation, details=details, now=now)
    return request


def decide(*, by: User, request: ErasureRequest, decision: str, now: datetime) -> ErasureRequest:
    """Keep what the organisation decided and did; it is said once and then stands.

    Raises Refused without the right, InvalidInput for an empty decision, Conflict if there is one already.
    """
    access.require(by, Permission.PERSONAL_DATA_SEE, organisation=request.organisation)
    decision = decision.strip()
    if len(decision) < DECISION_LENGTH_MIN:
        raise InvalidInput(
            _("The decision is too short."),
            where="decision",
            remedy=_("Say what was deleted, what stays and why (at least 10 characters)."),
        )
    with transaction.atomic():
        request = ErasureRequest.objects.select_for_update().select_related("organisation").get(pk=request.pk)
        if request.decision:
            raise Conflict(_("This request is decided already."), where=request.pk)
        request.decision, request.decided_by, request.decided_at = decision, by, now
        request.save(update_fields=["decision", "decided_by", "decided_at"])
        audit.append(
            by=by,
            verb="erasure.decided",
            what=request,
            organisation=request.organisation,
            details={"reference": request.reference, "decision": decision},
            now=now,
        )
    return request


def _require_words(*, reference: str, received_on: date, key_id: str, today: date) -> None:
    if not reference or len(reference) > 120 or "@" in reference:
        raise InvalidInput(
            _("The file number is empty, too long or an address."),
            where="reference",
            remedy=_("Use your own file number, not the person's name or address."),
        )
    if received_on > today:
        raise InvalidInput(_("The request cannot have come in the future."), where="received_on")
    if not _KEY_ID.fullmatch(key_id):
        raise InvalidInput(
            _("This is no name of a key."), where="key_id", remedy=_("Copy it from the command's output.")
        )


def _require_digests(digests: Sequence[str]) -> None:
    odd = next((digest for digest in digests if not _DIGEST.fullmatch(digest)), None)
    if odd is not None:
        # What was typed may be the person's value itself, so it is not repeated anywhere.
        raise InvalidInput(
            _("One of the lines is no keyed digest. The person's value itself must not be entered here."),
            where="digests",
            remedy=_("Run 'kifabrik dataset find-person' on your machine and copy the lines hmac-sha256:…"),
        )
    if not digests or len(digests) > DIGESTS_MAX:
        raise InvalidInput(_("Give between 1 and %(count)s digests.") % {"count": DIGESTS_MAX}, where="digests")
