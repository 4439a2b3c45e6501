"""The shapes in which allocations, their books and what happens to them answer programs."""

from datetime import date, datetime

from ninja import Schema
from pydantic import Field

from kifabrik.ledger.books import Balance
from kifabrik.portal.compute.models import Allocation, ExtensionRequest
from kifabrik.portal.compute.queries.budgets import Outlook, StatementLine
from kifabrik.portal.compute.queries.machines import amount_at


class BalanceOut(Schema):
    """A budget in seconds of the site's unit."""

    granted: int
    reserved: int
    consumed: int
    expired: int
    returned: int
    available: int

    @classmethod
    def of(cls, balance: Balance) -> "BalanceOut":
        return cls(
            granted=balance.granted,
            reserved=balance.reserved,
            consumed=balance.consumed,
            expired=balance.expired,
            returned=balance.returned,
            available=balance.available,
        )


class MachineAmountOut(Schema):
    """What is left, as the site of the machine counts it."""

    amount: float
    unit: str


class AllocationOut(Schema):
    """A budget of time with a period, at a site."""

    id: str
    award: str
    organisation: str
    organisation_name: str
    site: str
    system_code: str
    unit: str
    state: str
    starts_on: date
    ends_on: date
    opened_at: datetime
    reason: str
    balance: BalanceOut
    left_on_machine: MachineAmountOut | None

    @classmethod
    def of(cls, allocation: Allocation, balance: Balance) -> "AllocationOut":
        return cls(
            id=allocation.pk,
            award=allocation.award_id,
            organisation=allocation.organisation_id,
            organisation_name=allocation.organisation.legal_name,
            site=allocation.site_id,
            system_code=allocation.site.system_code,
            unit=allocation.site.unit,
            state=allocation.state,
            starts_on=allocation.starts_on,
            ends_on=allocation.ends_on,
            opened_at=allocation.opened_at,
            reason=allocation.reason,
            balance=BalanceOut.of(balance),
            left_on_machine=_on_machine(allocation, balance.available),
        )


class TransferOut(Schema):
    """One line of the books; `left` is what could be spent after it."""

    id: str
    key: str
    number: int
    kind: str
    debit: str
    credit: str
    gpu_seconds: int
    change: int
    left: int
    is_overdraft: bool
    run: str
    subject: str
    at: datetime
    note: str

    @classmethod
    def of(cls, line: StatementLine) -> "TransferOut":
        row = line.row
        return cls(
            id=row.pk,
            key=row.key,
            number=row.number,
            kind=row.kind,
            debit=row.debit,
            credit=row.credit,
            gpu_seconds=row.gpu_seconds,
            change=line.change,
            left=line.left,
            is_overdraft=line.is_overdraft,
            run=row.run_id,
            subject=row.subject,
            at=row.at,
            note=row.note,
        )


class ReasonIn(Schema):
    """Why something is done."""

    reason: str = Field(min_length=1, max_length=300)


class HandBackIn(Schema):
    """How much time goes back to the pool, and why."""

    gpu_seconds: int = Field(ge=1)
    reason: str = Field(min_length=1, max_length=300)


class ForecastOut(Schema):
    """How a budget goes on at the rate of the last days."""

    left: int
    promised: int
    per_day: float
    needed_per_day: float
    lasts_until: date | None
    unused_at_end: int
    ends_on: date

    @classmethod
    def of(cls, allocation: Allocation, outlook: Outlook) -> "ForecastOut":
        forecast = outlook.forecast
        return cls(
            left=outlook.balance.available,
            promised=outlook.promised,
            per_day=forecast.per_day,
            needed_per_day=forecast.needed_per_day,
            lasts_until=forecast.lasts_until,
            unused_at_end=forecast.unused_at_end,
            ends_on=allocation.ends_on,
        )


class ExtensionIn(Schema):
    """A wish for a longer period (`months`) or more time (`percent`), with the interim report."""

    kind: str
    report: str


class DecisionIn(Schema):
    """What is decided about an extension, and why."""

    grant: bool
    reasons: str


class ExtensionOut(Schema):
    """The request to extend an allocation and what was decided."""

    allocation: str
    kind: str
    months: int
    gpu_seconds: int
    report: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_at: datetime | None
    reasons: str

    @classmethod
    def of(cls, request: ExtensionRequest) -> "ExtensionOut":
        return cls(
            allocation=request.allocation_id,
            kind=request.kind,
            months=request.months,
            gpu_seconds=request.gpu_seconds,
            report=request.report,
            state=request.state,
            asked_by=request.asked_by.name,
            asked_at=request.asked_at,
            decided_at=request.decided_at,
            reasons=request.reasons,
        )


def _on_machine(allocation: Allocation, gpu_seconds: int) -> MachineAmountOut | None:
    found = amount_at(allocation.site, gpu_seconds)
    return MachineAmountOut(amount=found.amount, unit=found.unit) if found else None
