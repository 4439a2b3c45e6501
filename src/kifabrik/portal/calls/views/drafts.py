"""Pages of drafts: begin, fill in with autosave and a live estimate, submit."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Finding
from kifabrik.core.quantities import hours_from_seconds
from kifabrik.funding import reference
from kifabrik.funding.estimate import gpu_seconds_for
from kifabrik.funding.proposal import find_faults, read_answers
from kifabrik.funding.words import Language
from kifabrik.portal.calls.forms.proposal import AidRows, NewProposalForm, ProposalForm, RelatedRows, rows_in
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.calls.queries import calls, chain, proposals
from kifabrik.portal.calls.services import drafts
from kifabrik.portal.calls.services import proposals as services
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access


@dataclass(slots=True)
class Sheet:
    """The whole form of a draft: sections, related enterprises, aid received."""

    form: ProposalForm
    related: Any
    aid: Any

    def answers(self, proposal: Proposal) -> dict[str, Json]:
        """What can be saved of it."""
        answers = self.form.right_answers()
        before: Any = proposal.answers.get("organisation") or {}
        answers["organisation"]["related"] = rows_in(self.related, before.get("related") or [])
        answers["organisation"]["aid_received"] = rows_in(self.aid, before.get("aid_received") or [])
        return dict(answers)

    def is_right(self) -> bool:
        """Say whether every field of every row is right."""
        return bool(self.form.is_valid() & self.related.is_valid() & self.aid.is_valid())


@require_http_methods(["GET", "POST"])
@sign_in_required
def new_proposal(request: HttpRequest) -> HttpResponse:
    """Begin a draft: choose the call and the organisation."""
    user, now = actor(request), timezone.now()
    access.require(user, Permission.PROPOSAL_WRITE)
    call_id = request.GET.get("call", "")
    if not call_id:
        open_calls = [(each, calls.title_of(each)) for each in calls.open_calls(now=now)[:50]]
        return render(request, "calls/proposal_choose_call.html", {"open_calls": open_calls})
    call = calls.get_call(user, call_id, now=now)
    form = NewProposalForm(request.POST or None, viewer=user)
    if request.method == "POST" and form.is_valid():
        draft = drafts.create(by=user, call=call, organisation=form.cleaned_data["organisation"], now=now)
        return redirect("calls:edit-proposal", draft.pk)
    context = {"form": form, "call": call, "title": calls.title_of(call)}
    return render(request, "calls/proposal_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@sign_in_required
def edit_proposal(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Fill in a draft: save, add a row, check against the rules, submit."""
    proposal = _find(request, proposal_id)
    if request.method == "GET":
        return _show(request, proposal, _read_sheet(proposal, None))
    action = request.POST.get("action", "save")
    data = _with_row(request.POST, action)
    sheet = _read_sheet(proposal, data)
    proposal = drafts.save(
        by=actor(request),
        proposal=proposal,
        answers=sheet.answers(proposal),
        version=_version(data),
        now=timezone.now(),
    )
    if action == "submit":
        return _submit(request, proposal, sheet)
    if action == "check":
        return _show(request, proposal, _read_sheet(proposal, None), findings=_check(proposal))
    if action.startswith("add-"):
        return _show(request, proposal, sheet, is_row_added=True)
    messages.success(request, _("The draft is saved."))
    return redirect("calls:edit-proposal", proposal.pk)


@require_POST
@sign_in_required
def autosave(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Save what is right of a draft while it is written; answers with the note “saved at”."""
    proposal = _find(request, proposal_id)
    sheet = _read_sheet(proposal, request.POST)
    context: dict[str, object] = {"wrong": sheet.form.wrong_fields() if sheet.answers(proposal) else []}
    try:
        proposal = drafts.save(
            by=actor(request),
            proposal=proposal,
            answers=sheet.answers(proposal),
            version=_version(request.POST),
            now=timezone.now(),
        )
    except Conflict as error:  # shown in the note: an error page would not be seen by the person who writes
        context["error"] = error
    return render(request, "calls/_saved.html", {**context, "proposal": proposal, "missing": _count_missing(proposal)})


@require_POST
@sign_in_required
def show_estimate(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Reckon the time that the sizes in the form need, on the chosen system; saves nothing."""
    proposal = _find(request, proposal_id)
    return render(request, "calls/_estimate.html", estimate_for(proposal, _read_sheet(proposal, request.POST).form))


def estimate_for(proposal: Proposal, form: ProposalForm) -> dict[str, object]:
    """Reckon 6 N D over the system's speed from what the form says; nothing while a size is missing."""
    values = form.right_answers() if form.is_bound else proposal.answers
    work, resources = values.get("work") or {}, values.get("resources") or {}
    parameters, tokens = work.get("parameters"), work.get("training_tokens")
    system = reference.systems().get(str(resources.get("system_code") or ""))
    if not (isinstance(parameters, int) and isinstance(tokens, int) and parameters > 0 and tokens > 0 and system):
        return {"estimate": None}
    gpu_seconds = gpu_seconds_for(parameters=parameters, tokens=tokens, system=system)
    asked = resources.get("gpu_hours")
    is_short = isinstance(asked, int | float) and 0 < asked < hours_from_seconds(gpu_seconds)
    return {"estimate": gpu_seconds, "system": system, "parameters": parameters, "tokens": tokens, "is_short": is_short}


def _submit(request: HttpRequest, proposal: Proposal, sheet: Sheet) -> HttpResponse:
    if not sheet.is_right():
        return _show(request, proposal, sheet, status=422)
    try:
        services.submit(by=actor(request), proposal=proposal, now=timezone.now())
    except InvalidInput as error:
        sheet.form.take_error(error)
        return _show(request, proposal, sheet, status=422)
    messages.success(request, _("Your proposal is submitted, and the rules of the call are checked."))
    return redirect("calls:proposal", proposal.pk)


def _show(
    request: HttpRequest,
    proposal: Proposal,
    sheet: Sheet,
    *,
    findings: tuple[Finding, ...] | None = None,
    is_row_added: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "proposal": proposal,
        "call_title": calls.title_of(proposal.call),
        "sheet": sheet,
        "shows_errors": status != 200,
        "findings": findings,
        "is_row_added": is_row_added,
        "missing": _count_missing(proposal),
        "steps": chain.strip(here="proposal", proposal=proposal, award=None),
        **estimate_for(proposal, sheet.form),
    }
    return render(request, "calls/proposal_form.html", context, status=status)


def _check(proposal: Proposal) -> tuple[Finding, ...]:
    """What the rules would say today; while fields are missing, which."""
    faults = find_faults(proposal.answers)
    if faults:
        return faults
    language: Language = "de" if calls.is_german() else "en"
    return services.judge(read_answers(proposal.answers), call=proposal.call, now=timezone.now(), language=language)


def _read_sheet(proposal: Proposal, data: QueryDict | None) -> Sheet:
    organisation: Any = proposal.answers.get("organisation") or {}
    return Sheet(
        form=ProposalForm(data, proposal=proposal),
        related=RelatedRows(data, prefix="related", initial=organisation.get("related") or []),
        aid=AidRows(data, prefix="aid", initial=organisation.get("aid_received") or []),
    )


def _with_row(data: QueryDict, action: str) -> QueryDict:
    """One row more in the set that the pressed button names."""
    prefix = action.removeprefix("add-")
    if prefix == action or f"{prefix}-TOTAL_FORMS" not in data:
        return data
    longer = data.copy()
    longer[f"{prefix}-TOTAL_FORMS"] = str(_number(str(data[f"{prefix}-TOTAL_FORMS"])) + 1)
    return longer


def _version(data: QueryDict) -> int:
    return _number(data.get("version", ""))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _count_missing(proposal: Proposal) -> int:
    return len(find_faults(proposal.answers))


def _find(request: HttpRequest, proposal_id: str) -> Proposal:
    proposal = proposals.get_proposal(actor(request), proposal_id)
    access.require(actor(request), Permission.PROPOSAL_WRITE, organisation=proposal.organisation_id)
    drafts.require_draft(proposal)
    return proposal
