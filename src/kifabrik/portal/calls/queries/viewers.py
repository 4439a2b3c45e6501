"""Who looks: the one place that turns a viewer into filters over calls, proposals and awards. Knows roles, no page.

A site's operator sees the proposals that ask for the system with the code of the site.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from kifabrik.funding.states import ProposalState
from kifabrik.portal.calls.models import Award, Call, Proposal
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer

_EVERYTHING = Q(pk__isnull=False)


def is_open(now: datetime) -> Q:
    """Filter calls that take proposals at a moment."""
    return Q(opens_at__lte=now) & (Q(closes_at__isnull=True) | Q(closes_at__gt=now))


def readable_calls(viewer: Viewer, *, now: datetime) -> QuerySet[Call]:
    """List the calls a viewer may see: open ones, those their organisations applied to, for their makers all."""
    if access.may(viewer, Permission.CALL_MANAGE) or access.may(viewer, Permission.PROPOSAL_READ_ALL):
        return Call.objects.all()
    applied = Proposal.objects.filter(organisation__in=access.organisations_of(viewer)).values("call")
    return Call.objects.filter(is_open(now) | Q(pk__in=applied))


def readable_proposals(viewer: Viewer) -> QuerySet[Proposal]:
    """List the proposals a viewer may see: those of their organisations, and submitted ones by their role."""
    seen = Q(organisation__in=access.organisations_of(viewer))
    submitted = Q(submitted_at__isnull=False)
    if access.may(viewer, Permission.PROPOSAL_READ_ALL):
        seen |= submitted
    systems = access.sites_of(viewer, Permission.PROPOSAL_CHECK_TECHNICALLY)
    if systems is None:
        seen |= submitted
    elif systems:
        seen |= submitted & Q(answers__resources__system_code__in=systems)
    return Proposal.objects.filter(seen)


def readable_awards(viewer: Viewer) -> QuerySet[Award]:
    """List the awards a viewer may see: public ones, those of their organisations, by role all or their site's."""
    seen = Q(is_public=True) | Q(organisation__in=access.organisations_of(viewer))
    if access.may(viewer, Permission.PROPOSAL_READ_ALL):
        seen |= _EVERYTHING
    systems = access.sites_of(viewer, Permission.ALLOCATION_READ_ALL)
    seen |= _EVERYTHING if systems is None else Q(system_code__in=systems)
    return Award.objects.filter(seen)


def is_inside(viewer: Viewer, award: Award) -> bool:
    """Say whether a viewer may read more of an award than what is public: reasons, letter, people."""
    return (
        access.is_member(viewer, award.organisation_id)
        or access.may(viewer, Permission.PROPOSAL_READ_ALL)
        or access.may(viewer, Permission.ALLOCATION_READ_ALL, site_code=award.system_code)
    )


def may_write(viewer: Viewer, proposal: Proposal) -> bool:
    """Say whether a viewer may change, submit or withdraw a proposal."""
    return access.may(viewer, Permission.PROPOSAL_WRITE, organisation=proposal.organisation_id)


def may_check(viewer: Viewer, proposal: Proposal) -> bool:
    """Say whether a viewer may check a proposal technically now."""
    return (
        proposal.state == ProposalState.SUBMITTED
        and access.may(viewer, Permission.PROPOSAL_CHECK_TECHNICALLY, site_code=system_of(proposal))
        and not access.is_member(viewer, proposal.organisation_id)
    )


def may_decide(viewer: Viewer, proposal: Proposal) -> bool:
    """Say whether a viewer may decide a proposal now."""
    return (
        proposal.state == ProposalState.SUBMITTED
        and access.may(viewer, Permission.PROPOSAL_DECIDE)
        and not access.is_member(viewer, proposal.organisation_id)
    )


def system_of(proposal: Proposal) -> str:
    """Name the system a proposal asks for; empty while a draft does not say."""
    resources = proposal.answers.get("resources") or {}
    return str(resources.get("system_code") or "")
