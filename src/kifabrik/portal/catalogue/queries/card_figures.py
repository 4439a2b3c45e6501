"""What the page of a dataset version shows of its card: figures in the reader's words, each with a plot."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from kifabrik.portal.catalogue.queries.figures import Bar, bars
from kifabrik.portal.catalogue.queries.names import name_language
from kifabrik.portal.catalogue.queries.plots import Histogram, Stack, Step, histogram, stacks, steps
from kifabrik.records import DatasetCard
from kifabrik.records.dataset_card import OptOutEvidence, QualitySignal

DOMAINS_SHOWN = 10
OPT_OUTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class CardFigures:
    """Everything that is drawn from one card."""

    persons: tuple[Stack, ...]
    languages: tuple[Bar, ...]
    formats: tuple[Bar, ...]
    licences: tuple[Bar, ...]
    licences_declared: tuple[Bar, ...]
    lengths: Histogram
    kept: tuple[Step, ...]
    domains: tuple[Bar, ...]
    quality: tuple[QualitySignal, ...]
    opt_outs: tuple[OptOutEvidence, ...]
    reserving: int
    touched: tuple[Bar, ...]


def draw(card: DatasetCard) -> CardFigures:
    """Draw a card."""
    domains = {row.domain: row.text_bytes for row in card.domains[:DOMAINS_SHOWN]}
    decontamination = card.decontamination.evaluation_sets if card.decontamination else {}
    return CardFigures(
        persons=stacks(card.personal_data),
        languages=bars({name_language(code): count for code, count in card.languages.items()}),
        formats=bars(card.formats),
        licences=bars(card.licences_detected, whole=card.documents_kept),
        licences_declared=bars(card.licences_declared, whole=card.documents_kept),
        lengths=histogram(card.lengths),
        kept=steps(_rows_of_keeping(card)),
        domains=bars(domains, whole=card.text_bytes),
        quality=tuple(sorted(card.quality, key=lambda row: (-row.doubted_documents, row.code))),
        opt_outs=card.opt_outs[:OPT_OUTS_SHOWN],
        reserving=sum(row.reserves is True for row in card.opt_outs),
        touched=bars(decontamination, whole=card.documents_read),
    )


def _rows_of_keeping(card: DatasetCard) -> list[tuple[str, int]]:
    """Say how the documents that were read became those that were kept; what no record tells apart is left out."""
    rows = [
        (_("Documents read"), card.documents_read),
        (_("Exact duplicates removed"), card.exact_duplicates_removed),
    ]
    if card.deduplication:
        rows.append((_("Near-duplicates removed"), card.deduplication.removed_documents))
    if card.deduplication and card.deduplication.removed_for_others:
        rows.append((_("Left out because other datasets hold them"), card.deduplication.removed_for_others))
    if card.decontamination:
        rows.append((_("Removed for touching evaluation sets"), card.decontamination.removed_documents))
    if card.redaction.dropped_documents:
        rows.append((_("Left out for personal data"), card.redaction.dropped_documents))
    if card.rights and card.rights.removed_documents:
        rows.append((_("Left out for reserved rights"), card.rights.removed_documents))
    rows.append((_("Documents kept"), card.documents_kept))
    return rows
