"""Pages of proposals: list, one proposal with checks, decision and letter, and what can be done with it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Severity
from kifabrik.funding.eligibility import suggested_mode
from kifabrik.funding.proposal import read_answers
from kifabrik.funding.states import MOVES, ProposalState
from kifabrik.portal.calls.forms.decisions import DecisionForm, TechnicalCheckForm
from kifabrik.portal.calls.forms.summary import summarise
from kifabrik.portal.calls.models import Call, Proposal
from kifabrik.portal.calls.queries import calls, chain, proposals
from kifabrik.portal.calls.queries.viewers import may_check, may_decide, may_write, system_of
from kifabrik.portal.calls.services import decisions, drafts
from kifabrik.portal.calls.services import proposals as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit


@require_GET
@sign_in_required
def list_proposals(request: HttpRequest) -> HttpResponse:
    """List the proposals a person may see."""
    state = request.GET.get("state", "")
    page = cut_page(proposals.list_proposals(actor(request), state=state), number=request.GET.get("page"))
    now = timezone.now()
    context = {
        "page": page,
        "rows": [
            {
                "proposal": proposal,
                "call_title": calls.title_of(proposal.call),
                "promise": proposals.promise_of(proposal, now=now),
                "asked": proposals.asked_gpu_seconds(proposal),
                "unit": calls.unit_of(system_of(proposal)),
            }
            for proposal in page.rows
        ],
        "state": state,
        "states": [str(each) for each in ProposalState],
        "may_apply": access.may(actor(request), Permission.PROPOSAL_WRITE),
    }
    return render(request, "calls/proposal_list.html", context)


@require_GET
@sign_in_required
def show_proposal(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Show a proposal: where it stands, what the rules said, the answers, the letter."""
    proposal = proposals.get_proposal(actor(request), proposal_id)
    return _show(request, proposal)


@require_POST
@sign_in_required
def withdraw(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Take a proposal back."""
    proposal = proposals.get_proposal(actor(request), proposal_id)
    services.withdraw(by=actor(request), proposal=proposal, now=timezone.now())
    messages.success(request, _("The proposal is withdrawn."))
    return redirect("calls:proposal", proposal.pk)


@require_POST
@sign_in_required
def copy(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Begin a draft in another call with all answers of a proposal."""
    now = timezone.now()
    proposal = proposals.get_proposal(actor(request), proposal_id)
    call = calls.get_call(actor(request), request.POST.get("call", ""), now=now)
    draft = drafts.copy(by=actor(request), proposal=proposal, call=call, now=now)
    messages.success(request, _("A new draft has all answers of the old proposal."))
    return redirect("calls:edit-proposal", draft.pk)


@require_POST
@sign_in_required
def check_technically(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Record the site's technical check."""
    proposal = proposals.get_proposal(actor(request), proposal_id)
    form = TechnicalCheckForm(request.POST, proposal=proposal)
    if form.is_valid():
        try:
            decisions.check_technically(
                by=actor(request),
                proposal=proposal,
                outcome=form.cleaned_data["outcome"],
                reasons=form.cleaned_data["reasons"],
                accepted_gpu_seconds=form.accepted_gpu_seconds,
                system_code=form.cleaned_data["system_code"],
                now=timezone.now(),
            )
        except InvalidInput as error:
            field = {"accepted_gpu_seconds": "accepted_hours"}.get(error.where, error.where)
            form.add_error(field if field in form.fields else None, error.message)
        else:
            messages.success(request, _("The technical check is recorded."))
            return redirect("calls:proposal", proposal.pk)
    return _show(request, proposal, technical_form=form)


@require_POST
@sign_in_required
def decide(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Award or reject a proposal."""
    proposal = proposals.get_proposal(actor(request), proposal_id)
    form = DecisionForm(request.POST)
    if form.is_valid():
        try:
            decisions.decide(by=actor(request), proposal=proposal, now=timezone.now(), **form.cleaned_data)
        except InvalidInput as error:
            form.add_error(error.where if error.where in form.fields else None, error.message)
        else:
            messages.success(request, _("The decision is made, and the letter is written."))
            return redirect("calls:proposal", proposal.pk)
    return _show(request, proposal, decision_form=form)


def _show(
    request: HttpRequest,
    proposal: Proposal,
    *,
    technical_form: TechnicalCheckForm | None = None,
    decision_form: DecisionForm | None = None,
) -> HttpResponse:
    user, now = actor(request), timezone.now()
    standing = proposals.standing_of(proposal)
    findings = proposals.findings_of(standing.eligibility)
    writes = may_write(user, proposal)
    if technical_form is None and standing.technical is None and may_check(user, proposal):
        technical_form = TechnicalCheckForm(proposal=proposal)
    if decision_form is None and standing.technical is not None and may_decide(user, proposal):
        decision_form = DecisionForm()
    forms = [form for form in (technical_form, decision_form) if form is not None]
    context = {
        "proposal": proposal,
        "call_title": calls.title_of(proposal.call),
        "mode_name": calls.mode_name(calls.mode_of(proposal.call)),
        "standing": standing,
        "findings": [finding for finding in findings if finding.severity is not Severity.INFO],
        "kept_rules": [finding for finding in findings if finding.severity is Severity.INFO],
        "letter": proposals.letter_of(standing.decision) if standing.decision else "",
        "promise": proposals.promise_of(proposal, now=now),
        "asked": proposals.asked_gpu_seconds(proposal),
        "system_name": calls.system_name(system_of(proposal)),
        "unit": calls.unit_of(system_of(proposal)),
        "sections": summarise(proposal.answers),
        "steps": chain.strip(here="proposal", proposal=proposal, award=standing.award),
        "events": audit.events_about("proposal", proposal.pk).exclude(verb="proposal.saved"),
        "is_draft": proposal.state == ProposalState.DRAFT,
        "may_edit": writes and proposal.state == ProposalState.DRAFT,
        "may_withdraw": writes and ProposalState.WITHDRAWN in MOVES.get(ProposalState(proposal.state), frozenset()),
        "copy_calls": _calls_to_copy_into(proposal) if writes else [],
        "technical_form": technical_form,
        "decision_form": decision_form,
    }
    has_errors = any(form.errors for form in forms)
    return render(request, "calls/proposal_detail.html", context, status=422 if has_errors else 200)


def _calls_to_copy_into(proposal: Proposal) -> list[tuple[Call, str, bool]]:
    """The open calls for a proposal that is over: those of the mode it belongs into first, and marked."""
    if proposal.state not in {ProposalState.INELIGIBLE, ProposalState.REJECTED, ProposalState.WITHDRAWN}:
        return []
    better = None
    if proposal.state == ProposalState.INELIGIBLE:
        better = suggested_mode(read_answers(proposal.answers), mode=calls.mode_of(proposal.call))
    offered = [
        (call, calls.title_of(call), better is not None and call.mode_code == better.code)
        for call in calls.open_calls(now=timezone.now())[:50]
    ]
    return sorted(offered, key=lambda row: not row[2])
