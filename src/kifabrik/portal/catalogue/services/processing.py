"""Keeps what an organisation declares about the personal data in a dataset. Knows rows, not the law."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import InvalidInput
from kifabrik.passport.data_protection import Processing
from kifabrik.passport.data_protection_rules import data_protection_rules
from kifabrik.portal.catalogue.models import Dataset, ProcessingRecord
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

NOTE_LENGTH_MIN = 10


def declare(*, by: User, dataset: Dataset, processing: Processing, now: datetime) -> ProcessingRecord:
    """Declare how personal data in a dataset are processed; the earlier declarations stay as they were.

    Raises Refused without the right, InvalidInput for an unknown circumstance or an assessment without a note.
    """
    access.require(by, Permission.DATASET_WRITE, organisation=dataset.organisation)
    asked = {row.code for row in data_protection_rules().criteria if not row.known}
    if odd := sorted(processing.circumstances - asked):
        raise InvalidInput(_("There is no such circumstance."), where="circumstances", remedy=", ".join(odd)[:200])
    if processing.assessment != "open" and len(processing.assessment_note.strip()) < NOTE_LENGTH_MIN:
        raise InvalidInput(
            _("Say where the assessment lies, or why none is needed."),
            where="assessment_note",
            remedy=_("A sentence is enough (at least 10 characters)."),
        )
    with transaction.atomic():
        return keep(by=by, dataset=dataset, processing=processing, now=now)


def keep(*, by: User, dataset: Dataset, processing: Processing, now: datetime) -> ProcessingRecord:
    """Write the row and its audit line; the caller has asked for the right and opened the transaction."""
    record = ProcessingRecord.objects.create(
        dataset=dataset,
        role=processing.role,
        legal_basis=processing.legal_basis.strip()[:200],
        purpose=processing.purpose.strip(),
        retention_until=processing.retention_until,
        special_categories=processing.special_categories,
        circumstances=sorted(processing.circumstances),
        assessment=processing.assessment,
        assessment_note=processing.assessment_note.strip()[:500],
        by=by,
        at=now,
    )
    until = processing.retention_until
    details: dict[str, Json] = {
        "role": processing.role,
        "legal_basis": record.legal_basis,
        "retention_until": until.isoformat() if until else "",
        "special_categories": processing.special_categories,
        "assessment": processing.assessment,
    }
    audit.append(
        by=by,
        verb="dataset.processing-declared",
        what=dataset,
        organisation=dataset.organisation,
        details=details,
        now=now,
    )
    return record
