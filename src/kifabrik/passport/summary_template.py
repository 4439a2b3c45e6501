"""Reads the reference data of the public summary of training content. Knows sections and shares, not how they fill."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PATH = Path(__file__).parent / "reference" / "training_summary.yaml"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that the template sets, what it means and how sure we are of it."""

    value: int
    means: str
    grade: str


@dataclass(frozen=True, slots=True)
class Heading:
    """One section of the template."""

    number: str
    title: str


@dataclass(frozen=True, slots=True)
class SummaryTemplate:
    """The template as far as it is known here, with its source."""

    version: int
    template: str
    article: str
    source: str
    checked_on: date
    grade: str
    large_dataset_percent: Amount
    domain_percent: Amount
    domain_percent_sme: Amount
    domains_sme_max: Amount
    update_months: Amount
    sections: tuple[Heading, ...]


_AMOUNTS = ("large_dataset_percent", "domain_percent", "domain_percent_sme", "domains_sme_max", "update_months")


@cache
def summary_template() -> SummaryTemplate:
    """Read the reference data that came with this program."""
    rows: dict[str, Any] = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    amounts = {name: Amount(**rows[name]) for name in _AMOUNTS}
    sections = tuple(Heading(**row) for row in rows["sections"])
    return SummaryTemplate(**{**rows, **amounts, "sections": sections})
