"""The shapes of this chapter's REST operations."""

from datetime import date, datetime
from typing import Any

from ninja import Schema


class CallOut(Schema):
    """A call; sizes are in the unit of its mode."""

    id: str
    title_en: str
    title_de: str
    summary_en: str
    summary_de: str
    state: str
    mode: str
    system_codes: list[str]
    opens_at: datetime
    closes_at: datetime | None


class CallPage(CallOut):
    """A call with its rules and what is left of its time."""

    mode_rules: dict[str, Any]
    capacity_gpu_seconds: int
    awarded_gpu_seconds: int


class CallIn(Schema):
    """A new call."""

    code: str
    mode_code: str
    title_en: str
    title_de: str
    summary_en: str = ""
    summary_de: str = ""
    system_codes: list[str]
    capacity_gpu_seconds: int
    opens_at: datetime
    closes_at: datetime | None = None
    size_max: int | None = None


class FindingOut(Schema):
    """One result of a check, in both languages."""

    code: str
    severity: str
    where: str
    message: str
    remedy: str
    reference: str
    message_de: str = ""
    remedy_de: str = ""


class CheckOut(Schema):
    """A check by rule or by a person."""

    kind: str
    outcome: str
    reasons: str
    accepted_gpu_seconds: int | None
    system_code: str
    by: str | None
    at: datetime
    findings: list[FindingOut]


class DecisionOut(Schema):
    """The outcome with its letters."""

    id: str
    outcome: str
    reasons: str
    letter_en: str
    letter_de: str
    by: str | None
    at: datetime
    award: str | None


class ProposalOut(Schema):
    """A proposal in a list."""

    id: str
    call: str
    organisation: str
    title: str
    state: str
    version: int
    changed_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None


class ProposalPage(ProposalOut):
    """A proposal with its answers, checks and decision."""

    answers: dict[str, Any]
    checks: list[CheckOut]
    decision: DecisionOut | None
    working_days_elapsed: int | None
    working_days_promised: int | None


class ProposalIn(Schema):
    """A new draft; `answers` may be partial."""

    call: str
    organisation: str
    answers: dict[str, Any] = {}


class AnswersIn(Schema):
    """Some answers of a draft, and the version they were read in."""

    answers: dict[str, Any]
    version: int


class CopyIn(Schema):
    """Where to copy a proposal."""

    call: str


class TechnicalCheckIn(Schema):
    """The site's verdict; without an amount all that was asked is accepted, without a system the asked one."""

    outcome: str
    reasons: str
    accepted_gpu_seconds: int | None = None
    system_code: str = ""


class DecisionIn(Schema):
    """The programme's verdict: awarded or rejected."""

    outcome: str
    reasons: str


class AwardOut(Schema):
    """An award; `reasons`, `proposal` and `accepted_at` only for people inside."""

    id: str
    title: str
    organisation: str
    organisation_name: str
    call: str
    system_code: str
    gpu_seconds: int
    starts_on: date
    ends_on: date
    is_public: bool
    proposal: str | None = None
    reasons: str | None = None
    accepted_at: datetime | None = None
