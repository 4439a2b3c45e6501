"""Letters of decision in English and German: outcome, reason for every criterion, time taken, how to ask for a review.

Plain text, because a letter is kept as it was sent. Knows sentences, not where the facts come from.
"""

from dataclasses import dataclass
from datetime import date

from kifabrik.core.findings import Finding, Severity
from kifabrik.core.quantities import hours_from_seconds
from kifabrik.funding.calendar import Promise
from kifabrik.funding.words import Language, letter_texts, write_count, write_day, write_number

_MARKS = {
    Severity.INFO: "+",
    Severity.WARNING: "!",
    Severity.NOT_CHECKED: "?",
    Severity.SERIOUS: "!",
    Severity.BLOCKING: "-",
}


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """What every letter says; `criteria` are findings in the letter's language, `decided_by` is empty for a rule."""

    proposal_id: str
    title: str
    organisation: str
    investigator: str
    call: str
    mode: str
    criteria: tuple[Finding, ...]
    technical_reasons: str
    reasons: str
    decided_by: str
    today: date
    promise: Promise


@dataclass(frozen=True, slots=True)
class AwardFacts:
    """What an award gives; amounts in seconds of the system's unit (GPU or CPU)."""

    system: str
    unit: str
    gpu_seconds: int
    asked_gpu_seconds: int
    starts_on: date
    ends_on: date
    report_due_on: date


def award_letter(facts: LetterFacts, *, award: AwardFacts, language: Language) -> str:
    """Write the letter that gives resources."""
    texts = letter_texts(language)
    amounts = {
        "amount": write_number(round(hours_from_seconds(award.gpu_seconds), 2), language),
        "asked": write_number(round(hours_from_seconds(award.asked_gpu_seconds), 2), language),
        "unit": texts[f"unit-{award.unit}"],
        "system": award.system,
        "starts_on": write_day(award.starts_on, language),
        "ends_on": write_day(award.ends_on, language),
    }
    opening = [texts["awarded"].format(**amounts)]
    if award.gpu_seconds < award.asked_gpu_seconds:
        opening.append(texts["cut"].format(**amounts))
    following = texts["next-award"].format(report_due=write_day(award.report_due_on, language))
    return _assemble(facts, opening=opening, following=[following], language=language)


def refusal_letter(facts: LetterFacts, *, is_eligible: bool, language: Language) -> str:
    """Write the letter that gives nothing: rejected after checks, or ineligible by rule; says what to do."""
    texts = letter_texts(language)
    remedies = [
        f"- {finding.remedy}"
        for finding in facts.criteria
        if finding.remedy and finding.severity in (Severity.BLOCKING, Severity.SERIOUS)
    ]
    following = [_section(texts["what-to-do"], "\n".join(remedies))] if remedies else []
    opening = texts["rejected" if is_eligible else "ineligible"]
    return _assemble(facts, opening=[opening], following=[*following, texts["next-refusal"]], language=language)


def _assemble(facts: LetterFacts, *, opening: list[str], following: list[str], language: Language) -> str:
    texts = letter_texts(language)
    head = texts["head"].format(
        organisation=facts.organisation,
        investigator=facts.investigator,
        today=write_day(facts.today, language),
        call=facts.call,
        mode=facts.mode,
        proposal_id=facts.proposal_id,
        title=facts.title,
    )
    paragraphs = [head.rstrip(), texts["greeting"].format(investigator=facts.investigator), *opening]
    criteria = "\n".join(f"{_MARKS[finding.severity]} {finding.message}" for finding in facts.criteria)
    for title, text in (
        ("criteria", criteria),
        ("technical", facts.technical_reasons),
        ("reasons", facts.reasons),
    ):
        if text.strip():
            paragraphs.append(_section(texts[title], text))
    paragraphs += [*following, _write_time(facts.promise, language), texts["review"]]
    paragraphs.append(texts["signature"].format(decided_by=facts.decided_by) if facts.decided_by else texts["by-rule"])
    return "\n\n".join(paragraphs) + "\n"


def _section(title: str, text: str) -> str:
    return f"{title}\n{text.strip()}"


def _write_time(promise: Promise, language: Language) -> str:
    name = "time-open" if promise.promised_days is None else "time"
    return letter_texts(language)[name].format(
        elapsed=write_count(promise.elapsed_days, "working-day", language),
        counts_from=write_day(promise.counts_from, language),
        promised=promise.promised_days,
    )
