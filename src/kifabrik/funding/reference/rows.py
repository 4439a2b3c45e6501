"""The shapes of the reference data. Every row says where it comes from, when that was read, and how far to trust it.

Grades: A primary text read; B several secondary sources agree; C one secondary source; D not verified, so a person must
check it before a decision rests on it alone.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pydantic import ConfigDict

Grade = Literal["A", "B", "C", "D"]
Kind = Literal["start-up", "sme", "large-enterprise", "research", "public"]
Regime = Literal["none", "de_minimis", "gber_25", "gber_28", "market_price"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Where a fact comes from and when it holds; `field_grades` names fields that are graded unlike the row."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    source: str
    checked_on: date
    valid_from: date
    valid_to: date | None = None
    grade: Grade
    field_grades: dict[str, Grade] = field(default_factory=dict)
    note: str = ""

    def grade_of(self, name: str) -> str:
        """Say how far one field can be trusted."""
        return self.field_grades.get(name, self.grade)


@dataclass(frozen=True, kw_only=True)
class Extension:
    """How far an allocation of a mode may be extended."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    times: int
    months: int
    percent: int
    needs_interim_report: bool


@dataclass(frozen=True, kw_only=True)
class AccessMode(Row):
    """The rules of one way to get computing time; sizes are in `unit`, months are calendar months."""

    code: str
    version: str
    name_en: str
    name_de: str
    track: Literal["industrial-innovation", "ai-for-science", "classic"]
    unit: Literal["gpu-hour", "node-hour"]
    size_min: int
    size_max: int
    package_size: int | None = None
    durations_months: tuple[int, ...]
    renewals: int = 0
    single_system: bool
    selection: Literal["fifo", "technical", "panel"]
    checks: tuple[Literal["eligibility", "technical", "peer-review"], ...]
    cutoff_rule: str
    cutoffs: tuple[date, ...] = ()
    cutoff_time: str = ""
    cutoff_zone: str = "Europe/Brussels"
    sla_working_days: int | None
    sla_from: Literal["complete", "cutoff"]
    eligible_kinds: tuple[Kind, ...]
    free_kinds: tuple[Kind, ...]
    price_policy: str
    state_aid_regime: Regime
    grant_euro_cents_per_gpu_hour: int
    extension: Extension | None = None
    report_due_months: int
    quota_percent: int | None = None


@dataclass(frozen=True, kw_only=True)
class System(Row):
    """A machine that can be asked for; `peak_flops` is dense BF16 of one billed device.

    `scheduler_devices_per_gpu` says how many of what the scheduler calls a device make one billed device.
    """

    code: str
    name: str
    kind: Literal["local", "eurohpc"]
    unit: Literal["GPU", "CPU"]
    vendor: Literal["cuda", "rocm", "cpu"]
    device: str
    peak_flops: float
    utilisation: float | None = None
    watts_per_device: float
    device_memory_gb: int | None = None
    devices_per_node: int
    scheduler_device: str
    scheduler_devices_per_gpu: int = 1
    site_unit: str
    site_units_per_gpu_hour: float
    partitions: tuple[str, ...] = ()
    fallback_code: str = ""
    overhead_seconds: int

    @property
    def gpu_hours_per_node_hour(self) -> int:
        """Turn node-hours into GPU-hours."""
        return self.devices_per_node


@dataclass(frozen=True, kw_only=True)
class Factory(Row):
    """One of the AI factories."""

    number: int
    code: str
    name: str
    country: str
    partners: tuple[str, ...] = ()
    host: str
    system: str
    wave: int
    selected_on: date


@dataclass(frozen=True, kw_only=True)
class Antenna(Row):
    """A country's antenna and the factories it is linked to, by code."""

    code: str
    name: str
    country: str
    factories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Country(Row):
    """What is known of a country's standing; None = not known here."""

    code: str
    name_en: str
    name_de: str
    is_member_state: bool
    is_participating_state: bool | None
    is_associated: bool | None


@dataclass(frozen=True, kw_only=True)
class SizeClass(Row):
    """A size class of enterprises: fewer heads than `headcount_below`, and one of the two amounts not exceeded."""

    code: Literal["micro", "small", "medium"]
    headcount_below: int
    turnover_euro_cents_max: int
    balance_euro_cents_max: int


@dataclass(frozen=True, kw_only=True)
class OwnershipRule(Row):
    """From which share of capital or votes another enterprise counts, and for how much."""

    code: Literal["partner", "linked", "public-body"]
    share_from_percent: float
    is_exclusive: bool
    counted: Literal["pro-rata", "whole", "excludes"]


@dataclass(frozen=True, kw_only=True)
class OwnershipException(Row):
    """Owners who leave an enterprise autonomous up to 50 %, as long as they are not linked to it."""

    code: str
    words: str
    investment_euro_cents_below: int | None = None


@dataclass(frozen=True, kw_only=True)
class SmeThresholds:
    """Recommendation 2003/361/EC as data."""

    classes: tuple[SizeClass, ...]
    rules: tuple[OwnershipRule, ...]
    exceptions: tuple[OwnershipException, ...]

    def rule(self, code: str) -> OwnershipRule:
        """Find an ownership rule by its code."""
        return next(rule for rule in self.rules if rule.code == code)


@dataclass(frozen=True, kw_only=True)
class StateAidRegime(Row):
    """Under which rule free computing time may be state aid; a ceiling of None means the rule states none here."""

    code: Regime
    name: str
    ceiling_euro_cents: int | None = None
    period_years: int | None = None
    register_working_days: int | None = None
    records_years: int | None = None


@dataclass(frozen=True, kw_only=True)
class LawDate(Row):
    """From which day which provisions apply."""

    code: str
    act: str
    article: str
    applies_on: date
    what: str


@dataclass(frozen=True, kw_only=True)
class FlopThreshold(Row):
    """An amount of training compute with a legal meaning; `flop` and `share` exclude each other."""

    code: str
    act: str
    article: str
    flop: float | None = None
    share: float | None = None
    what: str


@dataclass(frozen=True, kw_only=True)
class Law:
    """Dates and thresholds of the law, with the day of the text they were read in."""

    as_of: date
    dates: tuple[LawDate, ...]
    thresholds: tuple[FlopThreshold, ...]

    def threshold(self, code: str) -> FlopThreshold:
        """Find a threshold by its code."""
        return next(row for row in self.thresholds if row.code == code)


@dataclass(frozen=True, kw_only=True)
class Holiday(Row):
    """A day that is no working day."""

    day: date
    name: str


@dataclass(frozen=True, kw_only=True)
class Assumption(Row):
    """A number that a rule of this project reckons with."""

    code: str
    value: float
    unit: str
    words: str
