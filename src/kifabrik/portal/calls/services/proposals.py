"""Submits proposals, which are checked by rule at once, and withdraws them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kifabrik.core import canonical
from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Finding, has_blocking
from kifabrik.core.states import require_move
from kifabrik.funding import eligibility, reference
from kifabrik.funding.proposal import ProposalAnswers, read_answers
from kifabrik.funding.states import MOVES, ProposalState
from kifabrik.funding.words import Language
from kifabrik.portal.calls.models import Call, Check, Proposal
from kifabrik.portal.calls.queries.calls import mode_of
from kifabrik.portal.calls.services import letters
from kifabrik.portal.calls.services.drafts import facts_of, merge, require_draft, require_open
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit


def submit(*, by: User, proposal: Proposal, now: datetime) -> Proposal:
    """Submit a draft; the rules of its call are checked at once, and one that breaks them is ineligible with reasons.

    Raises Refused without the right, InvalidInput that names the first missing field, Conflict for a closed call and
    for what is no draft.
    """
    access.require(by, Permission.PROPOSAL_WRITE, organisation=proposal.organisation_id)
    with transaction.atomic():
        proposal = _lock(proposal)
        require_draft(proposal)
        require_open(proposal.call, now=now)
        answers = read_answers(merge(proposal.answers, {"organisation": facts_of(proposal.organisation)}))
        _require_system(answers, proposal.call)
        proposal.answers = answers.model_dump(mode="json")
        proposal.answers_digest = canonical.digest(proposal.answers)
        proposal.title = answers.project.title
        proposal.submitted_at = proposal.changed_at = now
        proposal.state = ProposalState.SUBMITTED
        proposal.save()
        audit.append(
            by=by,
            verb="proposal.submitted",
            what=proposal,
            organisation=proposal.organisation,
            details={"answers_digest": proposal.answers_digest, "call": proposal.call_id},
            now=now,
        )
        _check_by_rule(proposal, answers, now=now)
    return proposal


def withdraw(*, by: User, proposal: Proposal, now: datetime) -> Proposal:
    """Take a proposal back; raises Refused without the right, Conflict once it is decided. Twice is no error."""
    access.require(by, Permission.PROPOSAL_WRITE, organisation=proposal.organisation_id)
    with transaction.atomic():
        proposal = _lock(proposal)
        if proposal.state == ProposalState.WITHDRAWN:
            return proposal
        _move(proposal, ProposalState.WITHDRAWN)
        proposal.changed_at = now
        proposal.save(update_fields=["state", "changed_at"])
        audit.append(by=by, verb="proposal.withdrawn", what=proposal, organisation=proposal.organisation, now=now)
    return proposal


def judge(answers: ProposalAnswers, *, call: Call, now: datetime, language: Language = "en") -> tuple[Finding, ...]:
    """Ask the rules of a call about whole answers, without submitting anything."""
    return eligibility.check(
        answers,
        mode=mode_of(call),
        countries=reference.countries(),
        thresholds=reference.sme_thresholds(),
        today=timezone.localdate(now),
        language=language,
    )


def _check_by_rule(proposal: Proposal, answers: ProposalAnswers, *, now: datetime) -> None:
    english = judge(answers, call=proposal.call, now=now, language="en")
    german = judge(answers, call=proposal.call, now=now, language="de")
    is_eligible = not has_blocking(english)
    Check.objects.create(
        proposal=proposal,
        kind="eligibility",
        outcome="passed" if is_eligible else "failed",
        findings=write_both(english, german),
        at=now,
    )
    codes = [finding.code for finding in english if finding.severity != "info"]
    audit.append(
        by=None,
        verb="proposal.checked",
        what=proposal,
        organisation=proposal.organisation,
        details={"outcome": "passed" if is_eligible else "failed", "findings": codes},
        now=now,
    )
    if is_eligible:
        return
    _move(proposal, ProposalState.INELIGIBLE)
    proposal.decided_at = now
    proposal.save(update_fields=["state", "decided_at"])
    letters.record_refusal(proposal=proposal, outcome="ineligible", reasons="", by=None, now=now)
    audit.append(by=None, verb="proposal.ineligible", what=proposal, organisation=proposal.organisation, now=now)


def write_both(english: Sequence[Finding], german: Sequence[Finding]) -> list[dict[str, str]]:
    """Write findings in both languages, as a check keeps them."""
    return [
        {**one.as_dict(), "message_de": other.message, "remedy_de": other.remedy}
        for one, other in zip(english, german, strict=True)
    ]


def _require_system(answers: ProposalAnswers, call: Call) -> None:
    asked = answers.resources
    for field, code in (("system_code", asked.system_code), ("fallback_system_code", asked.fallback_system_code)):
        if code and code not in call.system_codes:
            raise InvalidInput(
                _("This call does not offer that system."),
                where=f"resources.{field}",
                remedy=_("Choose one of: %(codes)s.") % {"codes": ", ".join(call.system_codes)},
            )


def _lock(proposal: Proposal) -> Proposal:
    rows = Proposal.objects.select_for_update(of=("self",)).select_related(
        "organisation", "call", "principal_investigator"
    )
    return rows.get(pk=proposal.pk)


def _move(proposal: Proposal, to: ProposalState) -> None:
    require_move(MOVES, now=ProposalState(proposal.state), to=to, what="the proposal")
    proposal.state = to
