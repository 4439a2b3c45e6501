"""Says what the GDPR asks about the personal data in a dataset, and whether an impact assessment is to be made.

Pure rules over the card and what the organisation declares; they help to ask the right people, and never say that a
duty is met.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.core.quantities import format_count
from kifabrik.passport.data_protection_rules import data_protection_rules
from kifabrik.records import DatasetCard

Role = Literal["none", "controller", "processor", "unknown"]
Special = Literal["none", "present", "unknown"]
Assessment = Literal["open", "done", "not-needed"]
_GDPR = "Regulation (EU) 2016/679"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """What an organisation declares about the personal data in a dataset (the record of Article 30 GDPR in short)."""

    role: Role = "unknown"
    legal_basis: str = ""
    purpose: str = ""
    retention_until: date | None = None
    special_categories: Special = "unknown"
    circumstances: frozenset[str] = frozenset()
    assessment: Assessment = "open"
    assessment_note: str = ""


def declared_on(card: DatasetCard) -> Processing:
    """Read what the card itself declares; a day that is none counts as not declared."""
    origin = card.origin
    try:
        until = date.fromisoformat(origin.retention_until) if origin.retention_until else None
    except ValueError:
        until = None
    return Processing(
        role=origin.personal_data_role,
        legal_basis=origin.legal_basis,
        purpose=origin.purpose,
        retention_until=until,
        special_categories=origin.special_categories,
    )


def holds_personal_data(card: DatasetCard, processing: Processing) -> bool:
    """Say whether personal data were found or declared; what nobody looked for is not known."""
    return bool(card.personal_data) or processing.role in {"controller", "processor"}


def criteria_met(card: DatasetCard, processing: Processing) -> tuple[str, ...]:
    """List the codes of the criteria of WP 248 that hold, as found on the card or declared, in their order."""
    if not holds_personal_data(card, processing):
        return ()
    rules = data_protection_rules()
    found = set(processing.circumstances) | {"innovative"}
    if processing.special_categories == "present":
        found.add("sensitive")
    if sum(row.findings for row in card.personal_data) >= rules.large_scale_findings:
        found.add("large-scale")
    if card.origin.source_kind == "crawled":
        found.add("combined")  # who wrote on one page does not expect it beside a million others
    return tuple(row.code for row in rules.criteria if row.code in found)


def needs_assessment(card: DatasetCard, processing: Processing) -> bool:
    """Say whether an impact assessment is to be made: two criteria, or special categories on a large scale."""
    met = criteria_met(card, processing)
    return len(met) >= data_protection_rules().criteria_needed or {"sensitive", "large-scale"} <= set(met)


def assess(card: DatasetCard, processing: Processing, *, today: date) -> tuple[Finding, ...]:
    """Give what is open about the personal data of a dataset, the heaviest first, each with what to do."""
    if not holds_personal_data(card, processing):
        return _tell_of_none(card)
    found = [*_check_record(processing, today), *_check_special(processing), *_check_assessment(card, processing)]
    return sort_by_weight(found)


def _tell_of_none(card: DatasetCard) -> tuple[Finding, ...]:
    names = " Names were not looked for." if card.names_method == "none" else ""
    message = f"No identifier of a person was found, and no role for personal data is declared.{names}"
    return (Finding("gdpr.nothing-found", Severity.INFO, message),)


def _check_record(processing: Processing, today: date) -> Iterator[Finding]:
    if processing.role in {"none", "unknown"}:
        yield _open(
            "role",
            "Identifiers of persons were found, but nobody declared a role for them.",
            "Declare controller or processor; if you only keep the texts for somebody else, you are a processor.",
            "Articles 4(7), 4(8) and 24",
        )
    if processing.role != "processor" and not processing.legal_basis.strip():
        yield _open("legal-basis", "No legal basis is declared.", "Choose one of Article 6(1).", "Article 6(1)")
    if not processing.purpose.strip():
        yield _open(
            "purpose", "No purpose is declared.", "Say in a sentence what the texts are used for.", "Article 5(1)(b)"
        )
    if processing.retention_until is None:
        yield _open(
            "retention", "No end of storage is declared.", "Declare the day on which the copies go.", "Article 5(1)(e)"
        )
    elif processing.retention_until < today:
        yield Finding(
            "gdpr.retention-passed",
            Severity.SERIOUS,
            f"The texts were to be deleted by {processing.retention_until}.",
            "retention",
            "Delete the copies here and on the clusters, or declare a later day and why.",
            f"{_GDPR}, Article 5(1)(e)",
        )


def _check_special(processing: Processing) -> Iterator[Finding]:
    if processing.special_categories == "unknown":
        yield _open(
            "special-categories",
            "Whether the texts hold special categories of personal data (health, belief, origin ...) is not declared.",
            "Look at a sample and declare it.",
            "Article 9(1)",
        )
    if processing.special_categories == "present" and "9(2)" not in processing.legal_basis.replace(" ", ""):
        yield Finding(
            "gdpr.special-basis",
            Severity.SERIOUS,
            "Special categories of personal data are declared, but no exception of Article 9(2).",
            "legal_basis",
            "Name the exception beside the legal basis, for example “6(1)(a), 9(2)(a)”, or take these texts out.",
            f"{_GDPR}, Article 9",
        )


def _check_assessment(card: DatasetCard, processing: Processing) -> Iterator[Finding]:
    rules = data_protection_rules()
    titles = [row.title for row in rules.criteria if row.code in criteria_met(card, processing)]
    words = f"{format_count(len(titles), 'of 9 criteria holds', 'of 9 criteria hold')} ({'; '.join(titles)})"
    reference = f"{rules.cite('gdpr-35')}; {rules.cite('wp248')}"
    if not needs_assessment(card, processing):
        message = f"An impact assessment is not asked for by these criteria: {words}."
        yield Finding("gdpr.assessment-not-asked", Severity.INFO, message, "assessment", reference=reference)
    elif processing.role == "processor":
        message = f"The controller has to make an impact assessment: {words}."
        remedy = "Ask the controller for it and help with what you know (Article 28(3)(f))."
        yield Finding("gdpr.assessment-of-controller", Severity.WARNING, message, "assessment", remedy, reference)
    elif processing.assessment == "done":
        message = f"An impact assessment was made: {processing.assessment_note}"
        yield Finding("gdpr.assessment-made", Severity.INFO, message.strip(), "assessment", reference=reference)
    elif processing.assessment == "not-needed":
        message = f"Declared as not needed ({processing.assessment_note}), although {words}."
        remedy = "Let the data protection officer confirm it in writing."
        yield Finding("gdpr.assessment-declined", Severity.WARNING, message, "assessment", remedy, reference)
    else:
        yield Finding(
            "gdpr.assessment-needed",
            Severity.SERIOUS,
            f"A data protection impact assessment is to be made before training: {words}.",
            "assessment",
            "Describe the processing, why it is necessary, the risks for persons and the measures against them; ask "
            "the data protection officer; then note here where it lies. Where a high risk remains, ask the authority "
            "first (Article 36).",
            reference,
        )


def _open(code: str, message: str, remedy: str, article: str) -> Finding:
    return Finding(f"gdpr.{code}", Severity.WARNING, message, code, remedy, f"{_GDPR}, {article}")
