"""How far the evidence of a passport reaches, in three numbers. Knows severities, no article."""

from collections.abc import Iterable
from dataclasses import dataclass

from kifabrik.core.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many points the records answer, answer in part, or do not speak to."""

    there: int
    incomplete: int
    silent: int


def count(findings: Iterable[Finding]) -> Evidence:
    """Count the points of a passport's evidence."""
    severities = [finding.severity for finding in findings]
    there, silent = severities.count(Severity.INFO), severities.count(Severity.NOT_CHECKED)
    return Evidence(there, len(severities) - there - silent, silent)
