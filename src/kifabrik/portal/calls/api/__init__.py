"""REST operations of this chapter."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from kifabrik.core.canonical import Json
from kifabrik.core.errors import NotFound
from kifabrik.portal.calls.api.schemas import (
    AnswersIn,
    AwardOut,
    CallIn,
    CallOut,
    CallPage,
    CopyIn,
    DecisionIn,
    ProposalIn,
    ProposalOut,
    ProposalPage,
    TechnicalCheckIn,
)
from kifabrik.portal.calls.models import Award, Call, Check, Proposal
from kifabrik.portal.calls.queries import calls, proposals
from kifabrik.portal.calls.queries.viewers import is_inside
from kifabrik.portal.calls.services import calls as call_services
from kifabrik.portal.calls.services import decisions, drafts
from kifabrik.portal.calls.services import proposals as proposal_services
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import Principal, read_principal, signed_in
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Scope
from kifabrik.portal.people.queries.access import organisations_of

router = Router(tags=["calls"])


@router.get("/calls", response=listing(CallOut))
def list_calls(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List open calls; programme officers see all."""
    now = timezone.now()
    return answer_page(cut_page(calls.list_calls(_viewer(request), now=now), number=page, size=size), _call(now))


@router.post("/calls", response={201: CallPage}, auth=signed_in(Scope.WRITE))
def open_call(request: HttpRequest, body: CallIn) -> object:
    """Open a call."""
    return Status(201, _whole_call(call_services.open_call(by=_user(request), now=timezone.now(), **body.dict())))


@router.get("/calls/{call_id}", response=CallPage)
def show_call(request: HttpRequest, call_id: str) -> object:
    """Show a call with its rules."""
    return _whole_call(calls.get_call(_viewer(request), call_id, now=timezone.now()))


@router.get("/proposals", response=listing(ProposalOut), auth=signed_in())
def list_proposals(request: HttpRequest, state: str = "", page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the proposals you may see."""
    rows = proposals.list_proposals(_user(request), state=state)
    return answer_page(cut_page(rows, number=page, size=size), _proposal)


@router.post("/proposals", response={201: ProposalPage}, auth=signed_in(Scope.WRITE))
def create_proposal(request: HttpRequest, body: ProposalIn) -> object:
    """Begin a draft for one of your organisations."""
    user, now = _user(request), timezone.now()
    organisation = organisations_of(user).filter(pk=body.organisation).first()
    if organisation is None:
        raise NotFound("there is no such organisation among yours.", where="organisation")
    call = calls.get_call(user, body.call, now=now)
    draft = drafts.create(by=user, call=call, organisation=organisation, answers=_answers(body.answers), now=now)
    return Status(201, _whole(draft, now=now))


@router.get("/proposals/{proposal_id}", response=ProposalPage, auth=signed_in())
def show_proposal(request: HttpRequest, proposal_id: str) -> object:
    """Show a proposal with its checks and decision."""
    return _whole(_find(request, proposal_id), now=timezone.now())


@router.patch("/proposals/{proposal_id}", response=ProposalPage, auth=signed_in(Scope.WRITE))
def save_proposal(request: HttpRequest, proposal_id: str, body: AnswersIn) -> object:
    """Save some answers of a draft."""
    now = timezone.now()
    saved = drafts.save(
        by=_user(request),
        proposal=_find(request, proposal_id),
        answers=_answers(body.answers),
        version=body.version,
        now=now,
    )
    return _whole(saved, now=now)


@router.post("/proposals/{proposal_id}/submit", response=ProposalPage, auth=signed_in(Scope.WRITE))
def submit_proposal(request: HttpRequest, proposal_id: str) -> object:
    """Submit a draft; the answer says whether it is eligible, and why."""
    now = timezone.now()
    submitted = proposal_services.submit(by=_user(request), proposal=_find(request, proposal_id), now=now)
    return _whole(submitted, now=now)


@router.post("/proposals/{proposal_id}/withdraw", response=ProposalPage, auth=signed_in(Scope.WRITE))
def withdraw_proposal(request: HttpRequest, proposal_id: str) -> object:
    """Take a proposal back."""
    now = timezone.now()
    withdrawn = proposal_services.withdraw(by=_user(request), proposal=_find(request, proposal_id), now=now)
    return _whole(withdrawn, now=now)


@router.post("/proposals/{proposal_id}/copy", response={201: ProposalPage}, auth=signed_in(Scope.WRITE))
def copy_proposal(request: HttpRequest, proposal_id: str, body: CopyIn) -> object:
    """Begin a draft in an open call with all answers of this proposal."""
    user, now = _user(request), timezone.now()
    call = calls.get_call(user, body.call, now=now)
    return Status(201, _whole(drafts.copy(by=user, proposal=_find(request, proposal_id), call=call, now=now), now=now))


@router.post("/proposals/{proposal_id}/technical-check", response=ProposalPage, auth=signed_in(Scope.WRITE))
def check_technically(request: HttpRequest, proposal_id: str, body: TechnicalCheckIn) -> object:
    """Record the site's technical check."""
    user, now = _user(request), timezone.now()
    decisions.check_technically(by=user, proposal=_find(request, proposal_id), now=now, **body.dict())
    return _whole(proposals.get_proposal(user, proposal_id), now=now)


@router.post("/proposals/{proposal_id}/decide", response=ProposalPage, auth=signed_in(Scope.WRITE))
def decide(request: HttpRequest, proposal_id: str, body: DecisionIn) -> object:
    """Award or reject a checked proposal."""
    user, now = _user(request), timezone.now()
    decisions.decide(by=user, proposal=_find(request, proposal_id), now=now, **body.dict())
    return _whole(proposals.get_proposal(user, proposal_id), now=now)


@router.get("/awards", response=listing(AwardOut))
def list_awards(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List public awards and those you may see."""
    viewer = _viewer(request)
    rows = cut_page(proposals.list_awards(viewer), number=page, size=size)
    return answer_page(rows, lambda award: _award(viewer, award))


@router.get("/awards/{award_id}", response=AwardOut)
def show_award(request: HttpRequest, award_id: str) -> object:
    """Show an award."""
    viewer = _viewer(request)
    return _award(viewer, proposals.get_award(viewer, award_id))


def _user(request: HttpRequest) -> User:
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the guard of the operation
    return principal.user


def _viewer(request: HttpRequest) -> User | None:
    principal = read_principal(request)
    return principal.user if principal and Scope.READ in principal.scopes else None


def _find(request: HttpRequest, proposal_id: str) -> Proposal:
    return proposals.get_proposal(_user(request), proposal_id)


def _answers(raw: dict[str, Any]) -> dict[str, Json]:
    return dict(raw)


def _call(now: datetime) -> Any:
    return lambda call: _call_row(call, now=now)


def _call_row(call: Call, *, now: datetime) -> dict[str, object]:
    return {
        "id": call.pk,
        "title_en": call.title_en,
        "title_de": call.title_de,
        "summary_en": call.summary_en,
        "summary_de": call.summary_de,
        "state": calls.state_of(call, now=now),
        "mode": call.mode_code,
        "system_codes": call.system_codes,
        "opens_at": call.opens_at,
        "closes_at": call.closes_at,
    }


def _whole_call(call: Call) -> dict[str, object]:
    capacity = calls.capacity_of(call)
    return {
        **_call_row(call, now=timezone.now()),
        "mode_rules": call.mode_rules,
        "capacity_gpu_seconds": capacity.total,
        "awarded_gpu_seconds": capacity.awarded,
    }


def _proposal(proposal: Proposal) -> dict[str, object]:
    return {
        "id": proposal.pk,
        "call": proposal.call_id,
        "organisation": proposal.organisation_id,
        "title": proposal.title,
        "state": proposal.state,
        "version": proposal.version,
        "changed_at": proposal.changed_at,
        "submitted_at": proposal.submitted_at,
        "decided_at": proposal.decided_at,
    }


def _whole(proposal: Proposal, *, now: datetime) -> dict[str, object]:
    standing = proposals.standing_of(proposal)
    promise = proposals.promise_of(proposal, now=now)
    decision = standing.decision
    return {
        **_proposal(proposal),
        "answers": proposal.answers,
        "checks": [_check(row) for row in (standing.eligibility, standing.technical) if row is not None],
        "decision": decision
        and {
            "id": decision.pk,
            "outcome": decision.outcome,
            "reasons": decision.reasons,
            "letter_en": decision.letter_en,
            "letter_de": decision.letter_de,
            "by": decision.by.name if decision.by else None,
            "at": decision.at,
            "award": standing.award.pk if standing.award else None,
        },
        "working_days_elapsed": promise.elapsed_days if promise else None,
        "working_days_promised": promise.promised_days if promise else None,
    }


def _check(row: Check) -> dict[str, object]:
    return {
        "kind": row.kind,
        "outcome": row.outcome,
        "reasons": row.reasons,
        "accepted_gpu_seconds": row.accepted_gpu_seconds,
        "system_code": row.system_code,
        "by": row.by.name if row.by else None,
        "at": row.at,
        "findings": row.findings,
    }


def _award(viewer: User | None, award: Award) -> dict[str, object]:
    seen: dict[str, object] = {
        "id": award.pk,
        "title": award.proposal.title,
        "organisation": award.organisation_id,
        "organisation_name": award.organisation.legal_name,
        "call": award.proposal.call_id,
        "system_code": award.system_code,
        "gpu_seconds": award.gpu_seconds,
        "starts_on": award.starts_on,
        "ends_on": award.ends_on,
        "is_public": award.is_public,
    }
    if is_inside(viewer, award):
        seen |= {
            "proposal": award.proposal_id,
            "reasons": award.decision.reasons,
            "accepted_at": award.accepted_at,
        }
    return seen
