"""What the portal's rows say for a passport: award, usage, every decision on the way. Knows no technical field."""

from django.db.models import Sum

from kifabrik.ledger.books import consumed
from kifabrik.portal.calls.models import Check
from kifabrik.portal.catalogue.models import FindingAcceptance, Release
from kifabrik.portal.compute.models import LedgerTransfer
from kifabrik.records.passport import AwardRecord, Decision, UsageSummary

RULES = "the rules of the call"  # who decided when no person did; written into records, so never translated


def award_record(release: Release) -> AwardRecord:
    """Write down the decision that gave the resources and the allocation it opened."""
    allocation = release.run.allocation
    award = allocation.award
    call = award.proposal.call
    return AwardRecord(
        call=call.title_en,
        access_mode=call.mode_code,
        access_mode_version=call.mode_version,
        proposal_id=award.proposal_id,
        proposal_title=award.proposal.title,
        organisation=award.organisation.legal_name,
        award_id=award.pk,
        allocation_id=allocation.pk,
        site=allocation.site.name,
        granted_gpu_seconds=award.gpu_seconds,
        starts_on=allocation.starts_on.isoformat(),
        ends_on=allocation.ends_on.isoformat(),
    )


def usage_summary(release: Release) -> UsageSummary:
    """Write down what the ledger booked for the run, with every line that did."""
    run = release.run
    transfers = LedgerTransfer.objects.filter(run_id=run.pk).order_by("number")
    posted = transfers.filter(credit=consumed(run.allocation_id)).aggregate(sum=Sum("gpu_seconds"))["sum"]
    return UsageSummary(
        posted_gpu_seconds=posted or 0,
        unit=run.allocation.site.unit,
        ledger_entries=tuple(transfers.values_list("pk", flat=True)),
    )


def decisions_before_release(release: Release) -> tuple[Decision, ...]:
    """List who decided what until the release, in the order in which it happened."""
    proposal = release.run.allocation.award.proposal
    checks = [_check(row) for row in proposal.checks.select_related("by")]
    decisions = [*checks, _award(release), *_acceptances(release), *_waivers(release)]
    return tuple(sorted(decisions, key=lambda decision: decision.at))


def _check(row: Check) -> Decision:
    by_rule = row.by is None
    return Decision(
        what="eligibility" if row.kind == "eligibility" else "technical-check",
        by=RULES if row.by is None else row.by.name,
        role="rule" if by_rule else "operator",
        at=row.at.isoformat(),
        outcome=row.outcome,
        reasons=row.reasons or " ".join(str(finding["message"]) for finding in row.findings) or "–",
    )


def _award(release: Release) -> Decision:
    decision = release.run.allocation.award.decision
    return Decision(
        what="award",
        by=RULES if decision.by is None else decision.by.name,
        role="rule" if decision.by is None else "programme officer",
        at=decision.at.isoformat(),
        outcome=decision.outcome,
        reasons=decision.reasons,
    )


def _acceptances(release: Release) -> list[Decision]:
    rows = (
        FindingAcceptance.objects.filter(version=release.dataset_version_id).select_related("by").order_by("at", "id")
    )
    return [
        Decision(
            what="finding-accepted",
            by=row.by.name,
            role="member of the organisation",
            at=row.at.isoformat(),
            outcome=f"{row.code} {row.where}".strip(),
            reasons=row.reason,
        )
        for row in rows
    ]


def _waivers(release: Release) -> list[Decision]:
    return [
        Decision(
            what="waiver",
            by=row.by.name,
            role="holder of the right to waive",
            at=row.at.isoformat(),
            outcome=f"{row.test} until {row.expires_on.isoformat()}",
            reasons=row.reason,
        )
        for row in release.waivers.all()
    ]
