"""Finding: the one shape in which every check of the house speaks. Knows no check."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters; the order of `RANK` is the order of weight."""

    INFO = "info"
    WARNING = "warning"
    NOT_CHECKED = "not-checked"
    SERIOUS = "serious"
    BLOCKING = "blocking"


RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of one check: what, how bad, where, what to do, and by which rule.

    `code` is stable (`dataset.personal-data.email`), `where` a file, line or field, `reference` a law, paper or call
    text. A check that did not run is a finding of severity NOT_CHECKED, never silence.
    """

    code: str
    severity: Severity
    message: str
    where: str = ""
    remedy: str = ""
    reference: str = ""

    def as_dict(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, row: Mapping[str, str]) -> "Finding":
        return cls(**{**row, "severity": Severity(row["severity"])})  # type: ignore[arg-type]  # checked by the enum


def has_blocking(findings: Iterable[Finding]) -> bool:
    """Say whether any finding forbids going on."""
    return any(finding.severity is Severity.BLOCKING for finding in findings)


def sort_by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the heaviest findings first; equal weights keep their order."""
    return tuple(sorted(findings, key=lambda finding: -RANK[finding.severity]))
