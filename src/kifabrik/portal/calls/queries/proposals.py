"""Reads of proposals and awards: lists, one of each with its checks and decision, and its standing in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.core.findings import RANK, Finding, Severity
from kifabrik.core.quantities import seconds_from_hours
from kifabrik.funding import reference
from kifabrik.funding.calendar import Promise, judge_promise
from kifabrik.funding.states import ProposalState
from kifabrik.portal.calls.models import Award, Check, Decision, Proposal
from kifabrik.portal.calls.queries.calls import is_german, mode_of
from kifabrik.portal.calls.queries.viewers import readable_awards, readable_proposals
from kifabrik.portal.people.queries.access import Viewer


@dataclass(frozen=True, slots=True)
class Standing:
    """The checks and the decision of a proposal, as far as there are any."""

    eligibility: Check | None
    technical: Check | None
    decision: Decision | None
    award: Award | None

    @property
    def waits_for(self) -> str:
        """Who has to act next: "site", "programme" or nobody."""
        if self.decision is not None or self.eligibility is None or self.eligibility.outcome == "failed":
            return ""
        return "programme" if self.technical else "site"


def list_proposals(viewer: Viewer, *, state: str = "") -> QuerySet[Proposal]:
    """List the proposals a viewer may see, the one changed last first; optionally of one state."""
    proposals = readable_proposals(viewer).select_related("call", "organisation", "principal_investigator")
    if state in {str(each) for each in ProposalState}:
        proposals = proposals.filter(state=state)
    return proposals.order_by("-changed_at", "id")


def get_proposal(viewer: Viewer, proposal_id: str) -> Proposal:
    """Read a proposal the viewer may see; raises NotFound."""
    proposals = readable_proposals(viewer).select_related("call", "organisation", "principal_investigator")
    proposal = proposals.filter(pk=proposal_id).first()
    if proposal is None:
        raise NotFound(_("There is no such proposal."), where=proposal_id)
    return proposal


def standing_of(proposal: Proposal) -> Standing:
    """Read the checks, the decision and the award of a proposal."""
    checks = {check.kind: check for check in proposal.checks.select_related("by")}
    decision = Decision.objects.filter(proposal=proposal).select_related("by").first()
    award = Award.objects.filter(proposal=proposal).first() if decision else None
    return Standing(checks.get("eligibility"), checks.get("technical"), decision, award)


def findings_of(check: Check | None) -> tuple[Finding, ...]:
    """Read the findings of a check in the reader's language, the heaviest first."""
    if check is None:
        return ()
    found = [read_finding(row, is_german=is_german()) for row in check.findings]
    return tuple(sorted(found, key=lambda finding: -RANK[finding.severity]))


def read_finding(row: Mapping[str, str], *, is_german: bool) -> Finding:
    """Read one stored finding in one of its two languages."""
    ending = "_de" if is_german else ""
    return Finding(
        code=row["code"],
        severity=Severity(row["severity"]),
        message=row.get(f"message{ending}") or row["message"],
        where=row.get("where", ""),
        remedy=row.get(f"remedy{ending}", row.get("remedy", "")),
        reference=row.get("reference", ""),
    )


def letter_of(decision: Decision) -> str:
    """The letter in the reader's language, as it was sent."""
    return decision.letter_de if is_german() else decision.letter_en


def promise_of(proposal: Proposal, *, now: datetime) -> Promise | None:
    """Compare the working time since submission with the mode's promise; None for what was never submitted."""
    if proposal.submitted_at is None:
        return None
    return judge_promise(
        mode_of(proposal.call),
        submitted_on=timezone.localdate(proposal.submitted_at),
        today=timezone.localdate(proposal.decided_at or now),
        holidays={holiday.day for holiday in reference.holidays()},
    )


def asked_gpu_seconds(proposal: Proposal) -> int:
    """How much time a proposal asks for, in seconds of its system's unit; 0 while a draft does not say."""
    hours = (proposal.answers.get("resources") or {}).get("gpu_hours")
    return seconds_from_hours(float(hours)) if isinstance(hours, int | float) and hours > 0 else 0


def list_awards(viewer: Viewer) -> QuerySet[Award]:
    """List the awards a viewer may see, the newest first."""
    return (
        readable_awards(viewer)
        .select_related("organisation", "proposal__call", "decision")
        .order_by("-decision__at", "id")
    )


def get_award(viewer: Viewer, award_id: str) -> Award:
    """Read an award the viewer may see; raises NotFound."""
    awards = readable_awards(viewer).select_related(
        "organisation", "proposal__call", "proposal__principal_investigator", "decision__by", "accepted_by"
    )
    award = awards.filter(pk=award_id).first()
    if award is None:
        raise NotFound(_("There is no such award."), where=award_id)
    return award
