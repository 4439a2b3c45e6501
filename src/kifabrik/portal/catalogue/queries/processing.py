"""Reads what is declared about the personal data in a dataset, and what the law asks about it."""

from collections.abc import Sequence
from datetime import date

from kifabrik.core.findings import Finding
from kifabrik.passport.data_protection import Processing, assess, declared_on
from kifabrik.portal.catalogue.models import Dataset, ProcessingRecord
from kifabrik.records import DatasetCard


def list_records(dataset: Dataset) -> Sequence[ProcessingRecord]:
    """List the declarations of a dataset, the newest first."""
    return list(dataset.processing_records.select_related("by").order_by("-id"))


def as_processing(record: ProcessingRecord) -> Processing:
    """Read a row as the rules take it."""
    return Processing(
        role=record.role,  # type: ignore[arg-type]  # the table knows these words only
        legal_basis=record.legal_basis,
        purpose=record.purpose,
        retention_until=record.retention_until,
        special_categories=record.special_categories,  # type: ignore[arg-type]  # as above
        circumstances=frozenset(record.circumstances),
        assessment=record.assessment,  # type: ignore[arg-type]  # as above
        assessment_note=record.assessment_note,
    )


def processing_of(records: Sequence[ProcessingRecord], card: DatasetCard) -> Processing:
    """Give the newest declaration, or what the card declares as long as there is none."""
    return as_processing(records[0]) if records else declared_on(card)


def open_points(records: Sequence[ProcessingRecord], card: DatasetCard, *, today: date) -> tuple[Finding, ...]:
    """List what the GDPR asks about this dataset, the heaviest first."""
    return assess(card, processing_of(records, card), today=today)
