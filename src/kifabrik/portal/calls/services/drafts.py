"""Makes drafts of proposals, saves them field by field, and copies a proposal into another call. Decides nothing."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core import canonical
from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.funding.proposal import ProposalAnswers
from kifabrik.funding.states import ProposalState
from kifabrik.portal.calls.models import Call, Proposal
from kifabrik.portal.calls.queries.calls import state_of
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

SECTIONS = frozenset(set(ProposalAnswers.model_fields) - {"schema_version"})
ANSWERS_BYTES_MAX = 200_000


def create(
    *,
    by: User,
    call: Call,
    organisation: Organisation,
    answers: Mapping[str, Json] | None = None,
    now: datetime,
) -> Proposal:
    """Begin a draft for one's organisation; what is known of organisation and person is filled in.

    Raises Refused without the right, Conflict if the call takes no proposals now, InvalidInput for unknown sections.
    """
    access.require(by, Permission.PROPOSAL_WRITE, organisation=organisation)
    require_open(call, now=now)
    start: dict[str, Json] = {
        "organisation": facts_of(organisation),
        "team": {"investigator_name": by.name, "investigator_email": by.email},
        "resources": {"system_code": call.system_codes[0]} if len(call.system_codes) == 1 else {},
    }
    merged = merge(merge(start, answers or {}), {"organisation": facts_of(organisation)})
    with transaction.atomic():
        proposal = Proposal.objects.create(
            call=call,
            organisation=organisation,
            principal_investigator=by,
            title=title_in(merged),
            answers=merged,
            answers_digest=canonical.digest(merged),
            created_at=now,
            changed_at=now,
        )
        audit.append(
            by=by,
            verb="proposal.created",
            what=proposal,
            organisation=organisation,
            details={"call": call.pk},
            now=now,
        )
    return proposal


def save(*, by: User, proposal: Proposal, answers: Mapping[str, Json], version: int, now: datetime) -> Proposal:
    """Save some answers of a draft: sections are merged field by field, lists are replaced.

    Nothing changed writes nothing. Raises Conflict if somebody saved since `version` was read, or if it is no draft.
    """
    access.require(by, Permission.PROPOSAL_WRITE, organisation=proposal.organisation_id)
    with transaction.atomic():
        proposal = Proposal.objects.select_for_update().select_related("organisation", "call").get(pk=proposal.pk)
        require_draft(proposal)
        merged = merge(merge(proposal.answers, answers), {"organisation": facts_of(proposal.organisation)})
        digest = canonical.digest(merged)
        if digest == proposal.answers_digest:
            return proposal
        if version != proposal.version:
            raise Conflict(
                _("Somebody else saved this draft in the meantime."),
                where="version",
                remedy=_("Reload the page to see their changes, then enter yours again."),
                code="lost-update",
            )
        proposal.answers, proposal.answers_digest, proposal.title = merged, digest, title_in(merged)
        proposal.version += 1
        proposal.changed_at = now
        proposal.save(update_fields=["answers", "answers_digest", "title", "version", "changed_at"])
        audit.append(
            by=by,
            verb="proposal.saved",
            what=proposal,
            organisation=proposal.organisation,
            details={"version": proposal.version, "answers_digest": digest},
            now=now,
        )
    return proposal


def copy(*, by: User, proposal: Proposal, call: Call, now: datetime) -> Proposal:
    """Begin a draft in another call, or again in the same one, with all answers of a proposal of one's organisation."""
    answers = {name: section for name, section in proposal.answers.items() if name in SECTIONS}
    resources = answers.get("resources")
    if isinstance(resources, Mapping) and resources.get("system_code") not in call.system_codes:
        answers["resources"] = {**resources, "system_code": call.system_codes[0]}
    return create(by=by, call=call, organisation=proposal.organisation, answers=answers, now=now)


def merge(old: Mapping[str, Json], new: Mapping[str, Json]) -> dict[str, Json]:
    """Put new answers over old ones, section by section; null takes a field away.

    Raises InvalidInput for what no section can be.
    """
    merged: dict[str, Json] = {name: deepcopy(section) for name, section in old.items() if name in SECTIONS}
    for name, section in new.items():
        if name == "schema_version":
            continue
        if name not in SECTIONS:
            known = ", ".join(sorted(SECTIONS))
            raise InvalidInput(_("There is no such section; known are: %(known)s.") % {"known": known}, where=name)
        if not isinstance(section, Mapping):
            raise InvalidInput(_("A section is a set of fields."), where=name)
        before = merged.get(name)
        together = {**before, **section} if isinstance(before, Mapping) else section
        merged[name] = {field: value for field, value in together.items() if value is not None}
    _require_small(merged)
    return merged


def facts_of(organisation: Organisation) -> dict[str, Json]:
    """What the portal knows of an organisation; a proposal cannot say otherwise."""
    known: dict[str, Json] = {
        "legal_name": organisation.legal_name,
        "country": organisation.country,
        "kind": organisation.kind,
    }
    numbers = {"register_number": organisation.register_number, "vat_number": organisation.vat_number}
    return {**known, **{name: number for name, number in numbers.items() if number}}


def title_in(answers: Mapping[str, Json]) -> str:
    """The title in answers, as far as it is there."""
    project = answers.get("project")
    title = project.get("title") if isinstance(project, Mapping) else ""
    return title[:200] if isinstance(title, str) else ""


def require_open(call: Call, *, now: datetime) -> None:
    """Raise Conflict unless a call takes proposals now."""
    state = state_of(call, now=now)
    if state == "planned":
        raise Conflict(
            _("This call has not opened yet."), where="call", remedy=_("It opens on the day named on its page.")
        )
    if state == "closed":
        raise Conflict(
            _("This call is closed."),
            where="call",
            remedy=_("Your draft is kept: copy it into an open call."),
            code="call-closed",
        )


def require_draft(proposal: Proposal) -> None:
    """Raise Conflict for a proposal that was submitted or withdrawn."""
    if proposal.state != ProposalState.DRAFT:
        raise Conflict(
            _("This proposal is submitted and cannot be changed any more."),
            where=proposal.pk,
            remedy=_("Withdraw it, or copy it into a new draft."),
        )


def _require_small(answers: Mapping[str, Json]) -> None:
    try:
        size_bytes = len(canonical.encode(answers))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(_("These answers cannot be kept as JSON."), where="answers") from error
    if size_bytes > ANSWERS_BYTES_MAX:
        raise InvalidInput(_("These answers are longer than a proposal can be."), where="answers")
