"""Filters for the pages of compute: figures with their units, moments from papers, words for health. Knows no table."""

from datetime import datetime

from django import template
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from kifabrik.core import quantities
from kifabrik.ledger.books import TransferKind, budget
from kifabrik.ledger.reconciliation import Reason
from kifabrik.portal.compute.models import LedgerTransfer, Site
from kifabrik.portal.compute.queries import events
from kifabrik.portal.compute.queries.machines import amount_at
from kifabrik.records import EventKind

register = template.Library()
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_HEALTH_TONES = {"well": "valid", "silent": "lost", "never": "waiting"}


@register.filter
def figure(value: float | None, kind: str) -> str:
    """Write a figure of a comparison in the reader's language with its unit; `–` where it is not known."""
    if value is None:
        return "–"
    if kind == "duration":
        return quantities.format_duration(value)
    if kind == "flop":
        return _power_of_ten(value)
    if kind == "watt-hours":
        return f"{number_format(value, decimal_pos=2 if value < 100 else 0, use_l10n=True)} Wh"
    return number_format(value, decimal_pos=0, use_l10n=True, force_grouping=True)


@register.filter
def measure(value: float | None) -> str:
    """Write a measured figure with as many digits as say something."""
    if value is None:
        return "–"
    if value and (abs(value) < 0.001 or abs(value) >= 1_000_000):
        return _power_of_ten(value)
    return number_format(value, decimal_pos=0 if abs(value) >= 1000 else 3, use_l10n=True, force_grouping=True)


@register.filter
def moment(text: str | None) -> datetime | None:
    """Read a moment that a paper writes as ISO 8601."""
    return parse_datetime(text) if text else None


@register.filter
def signed(seconds: int) -> str:
    """Write a change of a budget in seconds, with its sign."""
    amount = number_format(abs(seconds), decimal_pos=0, use_l10n=True, force_grouping=True)
    return "0" if not seconds else f"{'+' if seconds > 0 else '−'}{amount}"


@register.filter
def health_label(health: str) -> str:
    """Write whether an agent speaks, in the reader's words."""
    return {"well": _("Answers"), "silent": _("Silent"), "never": _("Not connected yet")}[health]


@register.filter
def health_state(health: str) -> str:
    """Choose the state whose tone fits the health of an agent."""
    return _HEALTH_TONES[health]


@register.filter
def event_label(kind: str) -> str:
    """Write the kind of an event in the reader's words."""
    return {
        EventKind.ATTEMPT: _("Attempt begun"),
        EventKind.STEP_STARTED: _("Step begun"),
        EventKind.PROGRESS: _("Progress"),
        EventKind.METRIC: _("Figures"),
        EventKind.SAMPLE: _("Text of the model"),
        EventKind.CHECKPOINT: _("Checkpoint saved"),
        EventKind.STEP_ENDED: _("Step ended"),
        EventKind.WARNING: _("Warning"),
        EventKind.FAILED: _("Failed"),
        EventKind.FINISHED: _("Finished"),
    }[EventKind(kind)]


@register.filter
def step_label(step: str) -> str:
    """Write the name of a step of a run in the reader's words."""
    return events.step_label(step)


@register.filter
def transfer_words(row: LedgerTransfer) -> str:
    """Say in plain words what a line of the books means."""
    if row.kind == TransferKind.POST and row.debit == budget(row.allocation_id):
        return _("used beyond the reservation") if row.reservation_id else _("used by a job that no run started")
    return {
        "grant": _("granted by the award"),
        "reserve": _("set aside for an attempt"),
        "post": _("used, out of what was set aside"),
        "void": _("given back, not needed"),
        "expire": _("expired unused"),
        "return": _("handed back to the pool"),
    }[row.kind]


@register.filter
def on_machine(gpu_seconds: int, site: Site) -> str:
    """Write an amount of time as the site of the machine counts it; nothing where it counts as the books do."""
    found = amount_at(site, int(gpu_seconds))
    if found is None:
        return ""
    words = {"node-hour": _("node-hours"), "core-hour": _("core-hours")}.get(found.unit, found.unit)
    decimals = 0 if abs(found.amount) >= 100 else 1 if abs(found.amount) >= 10 else 2
    return f"{number_format(found.amount, decimal_pos=decimals, use_l10n=True, force_grouping=True)} {words}"


@register.filter
def reason_label(reason: str) -> str:
    """Say in plain words why books and accounting differ, or what is worth knowing about a job."""
    return {
        Reason.RUNNING: _("It is running; the next report levels it."),
        Reason.NOT_YET_REPORTED: _("The accounting has not mentioned it yet."),
        Reason.NEVER_REPORTED: _("The accounting never mentioned it, although it was read beyond its end."),
        Reason.LOST_AND_RERUN: _("The cluster lost the job or started it twice; all of its jobs count."),
        Reason.BY_HAND: _("Started at the cluster by hand, in the account of the allocation."),
        Reason.FOREIGN: _("Its cluster account belongs to no allocation here; it is not booked."),
        Reason.RUNAWAY: _("The cluster lost sight of it; what was booked while it was seen stays."),
        Reason.AFTER_EXPIRY: _("It went on after the allocation was closed; it is booked in full."),
        Reason.UNEXPLAINED: _("Unexplained. Compare the job with the log of the agent."),
    }[Reason(reason)]


def _power_of_ten(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    amount = number_format(float(mantissa), decimal_pos=2, use_l10n=True)
    return f"{amount} × 10{str(int(exponent)).translate(_RAISED)}"
