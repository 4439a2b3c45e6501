"""Which findings of a dataset stop training on it. Knows severities, not what a check looks for."""

from collections.abc import Collection, Iterable

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.records import DatasetCard


def blocking_findings(card: DatasetCard, *, accepted: Collection[tuple[str, str]]) -> tuple[Finding, ...]:
    """List the findings that stop training, heaviest first.

    `accepted` holds (code, where) of serious findings that a person took responsibility for with a reason; a blocking
    finding cannot be accepted, only mended.
    """
    return stopping_findings(card.findings, accepted=accepted)


def stopping_findings(findings: Iterable[Finding], *, accepted: Collection[tuple[str, str]]) -> tuple[Finding, ...]:
    """Apply the same rule to findings that were read without their card."""
    return sort_by_weight(
        finding
        for finding in findings
        if finding.severity is Severity.BLOCKING
        or (finding.severity is Severity.SERIOUS and (finding.code, finding.where) not in accepted)
    )
