"""Records decisions with the letters as they are sent: loads what a letter says, and keeps both languages."""

from datetime import date, datetime

from django.utils import timezone

from kifabrik.funding import letters, reference
from kifabrik.funding.calendar import add_months, judge_promise
from kifabrik.funding.letters import AwardFacts, LetterFacts
from kifabrik.funding.words import Language
from kifabrik.portal.calls.models import Decision, Proposal
from kifabrik.portal.calls.queries.calls import mode_of, system_name, unit_of
from kifabrik.portal.calls.queries.proposals import asked_gpu_seconds, read_finding
from kifabrik.portal.people.models import User


def record_refusal(*, proposal: Proposal, outcome: str, reasons: str, by: User | None, now: datetime) -> Decision:
    """Keep the decision that gives nothing, with its letters; call inside the transaction of the decision."""
    is_eligible = outcome != "ineligible"
    english, german = (
        letters.refusal_letter(
            _facts(proposal, reasons=reasons, by=by, language=language, now=now),
            is_eligible=is_eligible,
            language=language,
        )
        for language in ("en", "de")
    )
    return Decision.objects.create(
        proposal=proposal, outcome=outcome, reasons=reasons, letter_en=english, letter_de=german, by=by, at=now
    )


def record_award(
    *,
    proposal: Proposal,
    system_code: str,
    gpu_seconds: int,
    starts_on: date,
    ends_on: date,
    reasons: str,
    by: User,
    now: datetime,
) -> Decision:
    """Keep the decision that gives resources, with its letters; call inside the transaction of the decision."""
    award = AwardFacts(
        system=system_name(system_code),
        unit=unit_of(system_code),
        gpu_seconds=gpu_seconds,
        asked_gpu_seconds=asked_gpu_seconds(proposal),
        starts_on=starts_on,
        ends_on=ends_on,
        report_due_on=add_months(ends_on, mode_of(proposal.call).report_due_months),
    )
    english, german = (
        letters.award_letter(
            _facts(proposal, reasons=reasons, by=by, language=language, now=now), award=award, language=language
        )
        for language in ("en", "de")
    )
    return Decision.objects.create(
        proposal=proposal, outcome="awarded", reasons=reasons, letter_en=english, letter_de=german, by=by, at=now
    )


def _facts(proposal: Proposal, *, reasons: str, by: User | None, language: Language, now: datetime) -> LetterFacts:
    call, mode, is_german = proposal.call, mode_of(proposal.call), language == "de"
    checks = {check.kind: check for check in proposal.checks.all()}
    technical = checks.get("technical")
    submitted_at = proposal.submitted_at or now
    return LetterFacts(
        proposal_id=proposal.pk,
        title=proposal.title,
        organisation=proposal.organisation.legal_name,
        investigator=proposal.principal_investigator.name,
        call=call.title_de if is_german else call.title_en,
        mode=mode.name_de if is_german else mode.name_en,
        criteria=tuple(read_finding(row, is_german=is_german) for row in checks["eligibility"].findings),
        technical_reasons=technical.reasons if technical else "",
        reasons=reasons,
        decided_by=by.name if by else "",
        today=timezone.localdate(now),
        promise=judge_promise(
            mode,
            submitted_on=timezone.localdate(submitted_at),
            today=timezone.localdate(now),
            holidays={holiday.day for holiday in reference.holidays()},
        ),
    )
