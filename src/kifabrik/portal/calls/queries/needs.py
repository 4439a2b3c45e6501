"""What of this chapter needs a person now: drafts, proposals to check or decide, awards to accept."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from kifabrik.funding.states import ProposalState
from kifabrik.portal.calls.models import Award, Proposal
from kifabrik.portal.calls.queries.viewers import may_check, may_decide, readable_proposals
from kifabrik.portal.doors.needs import Need
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import read_access

_MOST = 10


def needs(user: User, *, now: datetime) -> list[Need]:  # noqa: ARG001  # the shape every chapter offers
    """Tell what waits for a person in calls, proposals and awards."""
    return [*_drafts(user), *_awards(user), *_waiting(user)]


def _drafts(user: User) -> list[Need]:
    if not access.may(user, Permission.PROPOSAL_WRITE):
        return []
    own = access.organisations_of(user)
    drafts = Proposal.objects.filter(organisation__in=own, state=ProposalState.DRAFT).select_related("call")
    return [
        Need(
            _("Finish your draft “%(title)s”") % {"title": draft.title or _("without a title")},
            _("It is not submitted yet."),
            reverse("calls:edit-proposal", args=[draft.pk]),
            due_at=draft.call.closes_at,
            weight=50,
        )
        for draft in drafts.order_by("-changed_at")[:_MOST]
    ]


def _awards(user: User) -> list[Need]:
    managed = read_access(user).managed
    open_awards = Award.objects.filter(organisation__in=managed, accepted_at__isnull=True).select_related("proposal")
    return [
        Need(
            _("Accept the award for “%(title)s”") % {"title": award.proposal.title},
            _("The allocation opens as soon as you accept."),
            reverse("calls:award", args=[award.pk]),
            weight=80,
        )
        for award in open_awards.order_by("starts_on")[:_MOST]
    ]


def _waiting(user: User) -> list[Need]:
    """Proposals without technical check for operators of their system, checked ones for programme officers."""
    checks = access.may(user, Permission.PROPOSAL_CHECK_TECHNICALLY)
    decides = access.may(user, Permission.PROPOSAL_DECIDE)
    if not (checks or decides):
        return []
    rows = readable_proposals(user).filter(state=ProposalState.SUBMITTED).select_related("organisation")
    found: list[Need] = []
    for proposal in rows.prefetch_related("checks").order_by("submitted_at")[: 3 * _MOST]:
        is_checked = any(check.kind == "technical" for check in proposal.checks.all())
        if is_checked and may_decide(user, proposal):
            title = _("Decide the proposal “%(title)s”")
        elif not is_checked and may_check(user, proposal):
            title = _("Check the proposal “%(title)s” technically")
        else:
            continue
        text = _("From %(organisation)s.") % {"organisation": proposal.organisation.legal_name}
        found.append(Need(title % {"title": proposal.title}, text, _url(proposal), weight=70))
    return found[:_MOST]


def _url(proposal: Proposal) -> str:
    return reverse("calls:proposal", args=[proposal.pk])
