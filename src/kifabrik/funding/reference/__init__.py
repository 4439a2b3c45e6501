"""The facts of the field and of the law as versioned data: modes, systems, factories, countries, thresholds, dates.

Each file is read once, checked, and kept. Knows no rule: the rules are in the modules beside this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from kifabrik.core.errors import InvalidInput
from kifabrik.funding.reference.rows import (
    AccessMode,
    Antenna,
    Assumption,
    Country,
    Factory,
    FlopThreshold,
    Holiday,
    Law,
    LawDate,
    OwnershipException,
    OwnershipRule,
    Row,
    SizeClass,
    SmeThresholds,
    StateAidRegime,
    System,
)
from kifabrik.records.base import first_fault

__all__ = [
    "AccessMode",
    "Antenna",
    "Assumption",
    "Country",
    "Factory",
    "Law",
    "Row",
    "SmeThresholds",
    "StateAidRegime",
    "System",
    "access_modes",
    "allocation_life",
    "antennas",
    "assumptions",
    "countries",
    "factories",
    "freeze_mode",
    "holidays",
    "law",
    "sme_thresholds",
    "state_aid",
    "systems",
    "thaw_mode",
]

AnyRow = TypeVar("AnyRow", bound=Row)


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """One file of reference data: its edition and its sections of rows."""

    name: str
    edition: date
    sections: Mapping[str, list[object]]


@cache
def access_modes() -> Mapping[str, AccessMode]:
    """Read the ways to get computing time, by code."""
    return _by_code(_rows("access_modes", "modes", AccessMode))


@cache
def systems() -> Mapping[str, System]:
    """Read the machines, by code; `laptop` is this computer."""
    return _by_code(_rows("systems", "systems", System))


@cache
def factories() -> Mapping[str, Factory]:
    """Read the AI factories, by code."""
    return _by_code(_rows("factories", "factories", Factory))


@cache
def antennas() -> Mapping[str, Antenna]:
    """Read the antennas, by code."""
    return _by_code(_rows("factories", "antennas", Antenna))


@cache
def countries() -> Mapping[str, Country]:
    """Read the countries whose organisations may be eligible, by ISO code."""
    return _by_code(_rows("countries", "countries", Country))


@cache
def sme_thresholds() -> SmeThresholds:
    """Read the size classes and ownership rules of Recommendation 2003/361/EC."""
    return SmeThresholds(
        classes=_rows("sme_thresholds", "classes", SizeClass),
        rules=_rows("sme_thresholds", "rules", OwnershipRule),
        exceptions=_rows("sme_thresholds", "exceptions", OwnershipException),
    )


@cache
def state_aid() -> Mapping[str, StateAidRegime]:
    """Read the state-aid regimes, by code."""
    return _by_code(_rows("state_aid", "regimes", StateAidRegime))


@cache
def law() -> Law:
    """Read the dates and compute thresholds of the AI Act."""
    return Law(
        as_of=_read("law").edition,
        dates=_rows("law", "dates", LawDate),
        thresholds=_rows("law", "thresholds", FlopThreshold),
    )


@cache
def holidays() -> tuple[Holiday, ...]:
    """Read the days that are no working days."""
    return _rows("holidays", "holidays", Holiday)


@cache
def assumptions() -> Mapping[str, Assumption]:
    """Read what the estimator assumes, by code."""
    return _by_code(_rows("estimator", "assumptions", Assumption))


@cache
def allocation_life() -> Mapping[str, Assumption]:
    """Read what the life of an allocation reckons with, by code."""
    return _by_code(_rows("allocation_life", "facts", Assumption))


def freeze_mode(mode: AccessMode) -> dict[str, object]:
    """Write a mode as plain JSON, so that a call keeps the rules it was made with."""
    frozen: dict[str, object] = TypeAdapter(AccessMode).dump_python(mode, mode="json")
    return frozen


def thaw_mode(rules: Mapping[str, object]) -> AccessMode:
    """Read a mode that `freeze_mode` wrote; raises InvalidInput if its shape is unknown."""
    return read_row(AccessMode, dict(rules), where="mode_rules")


def read_row(kind: type[AnyRow], value: object, *, where: str) -> AnyRow:
    """Check one row; raises InvalidInput that names the place and the first wrong field."""
    try:
        row: AnyRow = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise InvalidInput(first_fault(error), where=where, code="reference-data") from error
    if not row.source.strip():
        raise InvalidInput("a row needs a source.", where=where, code="reference-data")
    return row


@cache
def _read(name: str) -> ReferenceFile:
    raw = yaml.safe_load(files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    edition = raw.pop("edition")
    raw.pop("provenance", None)  # anchors that the rows refer to
    return ReferenceFile(f"{name}.yaml", edition, raw)


def _rows(name: str, section: str, kind: type[AnyRow]) -> tuple[AnyRow, ...]:
    rows = _read(name).sections[section]
    return tuple(read_row(kind, row, where=f"{name}.yaml: {section}[{index}]") for index, row in enumerate(rows))


def _by_code(rows: tuple[AnyRow, ...]) -> Mapping[str, AnyRow]:
    found: dict[str, AnyRow] = {}
    for row in rows:
        code = str(getattr(row, "code", ""))
        if code in found:
            raise InvalidInput(f"the code {code!r} stands twice.", where=code, code="reference-data")
        found[code] = row
    return MappingProxyType(found)
