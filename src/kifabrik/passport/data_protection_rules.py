"""Reads the reference data of data protection: criteria of an impact assessment, legal bases. Knows no dataset."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kifabrik.passport.reference import Source

_PATH = Path(__file__).parent / "reference" / "data_protection.yaml"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One of the nine criteria of WP 248; `known` ones are found on the card, the others are asked."""

    code: str
    number: int
    title: str
    known: bool


@dataclass(frozen=True, slots=True)
class DataProtectionRules:
    """The rules, each with its source."""

    version: int
    criteria: tuple[Criterion, ...]
    criteria_needed: int
    large_scale_findings: int
    answer_within_days: int
    legal_bases: dict[str, str]
    sources: dict[str, Source]

    def cite(self, name: str) -> str:
        """Write a source as a finding names it."""
        source = self.sources[name]
        return f"{source.title} (checked {source.checked_on}, grade {source.grade})"


@cache
def data_protection_rules() -> DataProtectionRules:
    """Read the reference data that came with this program."""
    rows: dict[str, Any] = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    return DataProtectionRules(
        version=rows["version"],
        criteria=tuple(Criterion(**row) for row in rows["criteria"]),
        criteria_needed=rows["criteria_needed"]["value"],
        large_scale_findings=rows["large_scale_findings"]["value"],
        answer_within_days=rows["answer_within_days"]["value"],
        legal_bases={row["code"]: row["title"] for row in rows["legal_bases"]},
        sources={name: Source(**row) for name, row in rows["sources"].items()},
    )
