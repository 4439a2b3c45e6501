"""The site's technical check, and the programme's decision with award and letters."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.core.states import require_move
from kifabrik.funding.calendar import add_months
from kifabrik.funding.proposal import ProposalAnswers, read_answers
from kifabrik.funding.states import MOVES, ProposalState
from kifabrik.portal.calls.models import Award, Call, Check, Decision, Proposal
from kifabrik.portal.calls.queries.calls import capacity_of, mode_of
from kifabrik.portal.calls.queries.proposals import asked_gpu_seconds
from kifabrik.portal.calls.queries.viewers import system_of
from kifabrik.portal.calls.services import letters
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

REASONS_MIN, REASONS_MAX = 20, 4000


def check_technically(
    *,
    by: User,
    proposal: Proposal,
    outcome: str,
    reasons: str,
    accepted_gpu_seconds: int | None = None,
    system_code: str = "",
    now: datetime,
) -> Check:
    """Record the check of the site: passed with an accepted amount on a system, or failed, with reasons.

    The operator of the asked system does it; they may accept less than asked, or name another system of the call.
    Raises Refused without the right or with an own interest, InvalidInput that names a field, Conflict if it was done.
    """
    access.require(by, Permission.PROPOSAL_CHECK_TECHNICALLY, site_code=system_of(proposal))
    _require_no_interest(by, proposal)
    reasons = _checked(reasons)
    if outcome not in ("passed", "failed"):
        raise InvalidInput(_("The outcome is passed or failed."), where="outcome")
    with transaction.atomic():
        proposal = _lock(proposal)
        _require_waiting(proposal)
        if proposal.checks.filter(kind="technical").exists():
            raise Conflict(_("The technical check of this proposal is done already."), where=proposal.pk)
        amount = _accepted(proposal, accepted_gpu_seconds) if outcome == "passed" else None
        system = system_code or system_of(proposal)
        if system not in proposal.call.system_codes:
            raise InvalidInput(_("This call does not offer that system."), where="system_code")
        check = Check.objects.create(
            proposal=proposal,
            kind="technical",
            outcome=outcome,
            findings=[],
            reasons=reasons,
            accepted_gpu_seconds=amount,
            system_code=system,
            by=by,
            at=now,
        )
        proposal.changed_at = now
        proposal.save(update_fields=["changed_at"])
        details: dict[str, Json] = {"outcome": outcome, "accepted_gpu_seconds": amount, "system_code": system}
        audit.append(
            by=by,
            verb="proposal.technically-checked",
            what=proposal,
            organisation=proposal.organisation,
            details=details,
            now=now,
        )
    return check


def decide(*, by: User, proposal: Proposal, outcome: str, reasons: str, now: datetime) -> Decision:
    """Award or reject a checked proposal; an award takes what the technical check accepted, and letters are written.

    Raises Refused without the right, with an own interest, and for whoever did the technical check; Conflict before the
    checks are done, for modes that need a panel, and if the call's time is used up.
    """
    access.require(by, Permission.PROPOSAL_DECIDE)
    _require_no_interest(by, proposal)
    reasons = _checked(reasons)
    if outcome not in ("awarded", "rejected"):
        raise InvalidInput(_("The outcome is awarded or rejected."), where="outcome")
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=proposal.call_id)  # one decision of a call at a time
        proposal = _lock(proposal)
        _require_waiting(proposal)
        technical = proposal.checks.filter(kind="technical").first()
        _require_second_person(by, technical)
        if outcome == "awarded":
            decision = _award(by=by, proposal=proposal, call=call, technical=technical, reasons=reasons, now=now)
        else:
            decision = letters.record_refusal(proposal=proposal, outcome="rejected", reasons=reasons, by=by, now=now)
        to = ProposalState(outcome)
        require_move(MOVES, now=ProposalState(proposal.state), to=to, what="the proposal")
        proposal.state, proposal.decided_at, proposal.changed_at = to, now, now
        proposal.save(update_fields=["state", "decided_at", "changed_at"])
        audit.append(
            by=by,
            verb=f"proposal.{outcome}",
            what=proposal,
            organisation=proposal.organisation,
            details={"decision": decision.pk},
            now=now,
        )
    return decision


def _award(
    *, by: User, proposal: Proposal, call: Call, technical: Check | None, reasons: str, now: datetime
) -> Decision:
    if mode_of(call).selection == "panel":
        raise Conflict(
            _("This access mode is decided by a panel after expert review, not by one person."), where=call.pk
        )
    if technical is None or technical.outcome != "passed" or technical.accepted_gpu_seconds is None:
        raise Conflict(
            _("Only a proposal that passed the technical check can be awarded."),
            where=proposal.pk,
            remedy=_("Wait for the site's technical check, or reject the proposal with reasons."),
        )
    gpu_seconds = technical.accepted_gpu_seconds
    _require_capacity(call, gpu_seconds)
    answers: ProposalAnswers = read_answers(proposal.answers)
    starts_on = max(answers.resources.starts_on, timezone.localdate(now))
    ends_on = add_months(starts_on, answers.resources.duration_months) - timedelta(days=1)
    decision = letters.record_award(
        proposal=proposal,
        system_code=technical.system_code,
        gpu_seconds=gpu_seconds,
        starts_on=starts_on,
        ends_on=ends_on,
        reasons=reasons,
        by=by,
        now=now,
    )
    award = Award.objects.create(
        decision=decision,
        proposal=proposal,
        organisation=proposal.organisation,
        system_code=technical.system_code,
        gpu_seconds=gpu_seconds,
        starts_on=starts_on,
        ends_on=ends_on,
        is_public=answers.declarations.may_publish,
    )
    details: dict[str, Json] = {"gpu_seconds": gpu_seconds, "system_code": technical.system_code}
    audit.append(by=by, verb="award.given", what=award, organisation=proposal.organisation, details=details, now=now)
    return decision


def _require_capacity(call: Call, gpu_seconds: int) -> None:
    left = capacity_of(call).left
    if gpu_seconds > left:
        raise Conflict(
            _("The call has %(left)s hours left, and %(needed)s are needed.")
            % {"left": left // 3600, "needed": -(-gpu_seconds // 3600)},
            where=call.pk,
            remedy=_("Ask the site to accept less, or open a call with more time."),
            code="call-used-up",
        )


def _accepted(proposal: Proposal, accepted_gpu_seconds: int | None) -> int:
    asked = asked_gpu_seconds(proposal)
    amount = asked if accepted_gpu_seconds is None else accepted_gpu_seconds
    if not 0 < amount <= asked:
        raise InvalidInput(
            _("The accepted amount lies between one second and what was asked for."), where="accepted_gpu_seconds"
        )
    return amount


def _require_waiting(proposal: Proposal) -> None:
    if proposal.state != ProposalState.SUBMITTED:
        raise Conflict(
            _("This proposal does not wait for a check or decision: it is %(state)s.") % {"state": proposal.state},
            where=proposal.pk,
        )


def _require_no_interest(by: User, proposal: Proposal) -> None:
    if access.is_member(by, proposal.organisation_id):
        raise Refused(
            _("You belong to the applicant, so you cannot check or decide this proposal."),
            remedy=_("Ask a colleague who does not."),
            code="own-interest",
        )


def _require_second_person(by: User, technical: Check | None) -> None:
    if technical is not None and technical.by_id == by.pk:
        raise Refused(
            _("You did the technical check; the decision needs a second pair of eyes."),
            remedy=_("Ask another programme officer to decide."),
            code="second-person",
        )


def _checked(reasons: str) -> str:
    reasons = reasons.strip()
    if not REASONS_MIN <= len(reasons) <= REASONS_MAX:
        raise InvalidInput(
            _("The reasons must have %(least)s to %(most)s characters.") % {"least": REASONS_MIN, "most": REASONS_MAX},
            where="reasons",
            remedy=_("The applicant reads them: say what was looked at and what speaks for the outcome."),
        )
    return reasons


def _lock(proposal: Proposal) -> Proposal:
    rows = Proposal.objects.select_for_update(of=("self",)).select_related(
        "organisation", "call", "principal_investigator"
    )
    return rows.get(pk=proposal.pk)
