"""What a dataset card leaves unsaid although readers of an export will look for it. Knows fields, not their exports.

mlcroissant and the hub accept a dataset without a licence, a creator or a collection period; we name each gap.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kifabrik.core.findings import Finding, Severity
from kifabrik.core.quantities import format_count
from kifabrik.records import DatasetCard
from kifabrik.records.dataset_card import DeduplicationRecord
from kifabrik.records.spdx import canonical_expression

NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a card may leave unsaid: when it does, how bad that is and how it is mended."""

    code: str
    where: str
    message: str
    remedy: str
    applies: Callable[[DatasetCard], bool]
    severity: Severity = Severity.WARNING


GAPS = (
    Gap(
        "licence",
        "origin.licence",
        "The licence of the texts is not stated.",
        "Declare it with --licence as an SPDX identifier, for example CC-BY-4.0.",
        lambda card: card.origin.licence.strip().lower() in {"", "unknown"},
        Severity.SERIOUS,
    ),
    Gap(
        "licence-notation",
        "origin.licence",
        "The licence is no SPDX expression, so programs cannot read it.",
        "Declare it with --licence as an SPDX identifier, for example CC-BY-4.0.",
        lambda card: (
            card.origin.licence.strip().lower() not in {"", "unknown"} and not canonical_expression(card.origin.licence)
        ),
    ),
    Gap(
        "creator",
        "origin.creator",
        "Who made the collection is not stated.",
        "Declare it with --creator.",
        lambda card: not card.origin.creator.strip(),
    ),
    Gap(
        "url",
        "origin.url",
        "Where the collection can be had is not stated.",
        "Declare it with --url, if it can be had anywhere.",
        lambda card: not card.origin.url.strip() and card.origin.source_kind in {"public", "licensed", "crawled"},
    ),
    Gap(
        "collection-period",
        "origin.collected_to",
        "When the texts were collected is not stated.",
        "Declare it with --collected-from and --collected-to.",
        lambda card: not (card.origin.collected_from and card.origin.collected_to),
    ),
    Gap(
        "source-kind",
        "origin.source_kind",
        "Of which kind the source is, is not stated.",
        "Declare it with --source-kind: public, licensed, crawled, user, synthetic or own.",
        lambda card: card.origin.source_kind == "other",
    ),
    Gap(
        "special-categories",
        "origin.special_categories",
        "Whether the texts hold special categories of personal data is not stated.",
        "Declare it with --special-categories none or present.",
        lambda card: card.origin.special_categories == "unknown",
    ),
    Gap(
        "languages",
        "languages",
        "The languages of the texts are not known.",
        "Check the dataset again; languages are found by the check.",
        lambda card: not any(code not in {"und", "code"} for code in card.languages),
    ),
)


def find_gaps(card: DatasetCard, *, export: str) -> Iterator[Finding]:
    """Give one finding for each gap of a card; `export` begins the code, as in `croissant.missing.licence`."""
    for gap in GAPS:
        if gap.applies(card):
            yield Finding(f"{export}.missing.{gap.code}", gap.severity, gap.message, gap.where, gap.remedy)


def stated(text: str) -> str:
    """Write what a person declared, or that they declared nothing."""
    return " ".join(text.split()) or NOT_STATED


def collection_period(card: DatasetCard) -> str:
    """Write from when to when the texts were collected, or that nobody said so."""
    first, last = card.origin.collected_from, card.origin.collected_to
    if not first and not last:
        return NOT_STATED
    return f"{first or NOT_STATED} to {last or NOT_STATED}"


def spoken_languages(card: DatasetCard) -> tuple[str, ...]:
    """List the language codes of a card, the largest first, without programming code and undetermined texts."""
    rows = sorted(card.languages.items(), key=lambda row: (-row[1], row[0]))
    return tuple(code for code, _count in rows if 2 <= len(code) <= 3 and code.isalpha() and code != "und")


def describe_personal_data(card: DatasetCard) -> str:
    """Say in a sentence what identifiers of persons were found and what was done with them."""
    found = ", ".join(f"{row.findings} {row.kind}" for row in card.personal_data) or "none of the kinds looked for"
    names = "Names were not looked for." if card.names_method == "none" else f"Names: {card.names_method}."
    actions = {
        "report": "They were left in place.",
        "placeholder": "They were replaced by placeholders.",
        "mask": "They were masked.",
        "pseudonym": "They were replaced by keyed pseudonyms.",
        "drop": "Documents that hold them were left out.",
    }
    done = actions[card.redaction.action] if card.personal_data else ""
    return f"Identifiers of persons found by rules: {found}. {done} {names}".replace("  ", " ")


def describe_preprocessing(card: DatasetCard) -> tuple[str, ...]:
    """List in sentences what the check did to the texts, each figure from the card."""
    lines = [format_count(card.exact_duplicates_removed, "exact duplicate was", "exact duplicates were") + " removed."]
    if card.deduplication:
        near = card.deduplication
        removed = format_count(near.removed_documents, "near-duplicate was", "near-duplicates were")
        lines.append(
            f"{removed} removed ({near.method}, {near.shingle_words}-word shingles,"
            f" {near.permutations} permutations, {near.bands} bands of {near.rows}, threshold {near.threshold:g})."
        )
        lines.extend(_describe_others(near))
    if card.decontamination:
        shared = f"{card.decontamination.ngram_words}-grams with evaluation sets"
        lines.append(
            format_count(
                card.decontamination.removed_documents,
                f"document that shares {shared} was removed.",
                f"documents that share {shared} were removed.",
            )
        )
    if card.redaction.replaced:
        replaced = sum(card.redaction.replaced.values())
        lines.append(
            format_count(replaced, "identifier of a person was replaced.", "identifiers of persons were replaced.")
        )
    if card.redaction.dropped_documents:
        dropped = format_count(
            card.redaction.dropped_documents,
            "document with identifiers of persons was",
            "documents with identifiers of persons were",
        )
        lines.append(f"{dropped} left out.")
    if card.rights and card.rights.removed_documents:
        reserved = card.rights.removed_documents
        lines.append(
            format_count(
                reserved,
                "document was left out because mining it is reserved.",
                "documents were left out because mining them is reserved.",
            )
        )
    lines.append(f"Split: {card.split_rule}.")
    return tuple(lines)


def _describe_others(near: DeduplicationRecord) -> Iterator[str]:
    """Say what other datasets hold too, and what was done about it."""
    for label, count in near.other_datasets.items():
        have = format_count(count, "document has", "documents have")
        yield f"{have} a near-duplicate in the dataset {label}, verified on both texts."
    if near.removed_for_others:
        yield format_count(
            near.removed_for_others,
            "document was left out because another dataset holds it.",
            "documents were left out because another dataset holds them.",
        )
