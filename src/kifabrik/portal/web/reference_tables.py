"""The reference data as tables that people read: what is said, its source, when it was checked, how far to trust it.

Knows the shapes of the rows, not where they lie. Words inside the rows are in the language of the data.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from kifabrik.funding import reference
from kifabrik.funding.reference import Row

Text = str | Promise
Column = tuple[Text, Callable[..., object]]


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its cells, and where they come from."""

    cells: tuple[str, ...]
    row: Row


@dataclass(frozen=True, slots=True)
class Table:
    """One section of the reference data."""

    anchor: str
    title: Text
    text: Text
    head: tuple[Text, ...]
    lines: tuple[Line, ...]


def in_language(row: object, name: str = "name") -> str:
    """Read `name_de` or `name_en`, whichever the reader speaks."""
    language = "de" if (get_language() or "en").startswith("de") else "en"
    return str(getattr(row, f"{name}_{language}"))


def list_tables() -> list[Table]:
    """Put all reference data into tables."""
    return [
        _modes(),
        _systems(),
        _factories(),
        _countries(),
        _sizes(),
        _aid(),
        _law(),
        _thresholds(),
        _life(),
        _assumptions(),
    ]


def _table(anchor: str, title: Text, text: Text, rows: Iterable[Row], *columns: Column) -> Table:
    lines = tuple(Line(tuple(_cell(read(row)) for _, read in columns), row) for row in rows)
    return Table(anchor, title, text, tuple(label for label, _ in columns), lines)


def _cell(value: object) -> str:
    """Write a value as people read it; what is not known is said."""
    if value is None or value == "":
        return gettext("not known")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return number_format(value, use_l10n=True, force_grouping=True)
    if isinstance(value, date):
        return date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value) or "–"
    return str(value)


def _euro(cents: int | None) -> str | None:
    return None if cents is None else f"{_cell(cents // 100)} €"


def _power(flops: float) -> str:
    """Write operations a second with their power of ten: `9.9e14`."""
    return f"{flops:.2g}".replace("e+", "e")


def _modes() -> Table:
    return _table(
        "modes",
        _("Access modes"),
        _("The ways to get computing time. Sizes in the unit of the mode."),
        reference.access_modes().values(),
        (_("Mode"), in_language),
        (_("Unit"), lambda row: row.unit),
        (_("From"), lambda row: row.size_min),
        (_("Up to"), lambda row: row.size_max),
        (_("Months"), lambda row: row.durations_months),
        (_("Closing days"), lambda row: row.cutoff_rule),
        (_("Promised working days"), lambda row: row.sla_working_days),
        (_("Price"), lambda row: row.price_policy),
    )


def _systems() -> Table:
    return _table(
        "systems",
        _("Systems"),
        _("The machines that can be asked for. Peak: dense BF16 operations a second of one billed device."),
        reference.systems().values(),
        (_("System"), lambda row: row.name),
        (_("Device"), lambda row: row.device),
        (_("Peak"), lambda row: _power(row.peak_flops)),
        (_("Watts"), lambda row: int(row.watts_per_device)),
        (_("Devices in a node"), lambda row: row.devices_per_node),
        (_("What the scheduler calls a device"), lambda row: row.scheduler_device),
        (_("Its site counts for a GPU-hour"), lambda row: f"{row.site_units_per_gpu_hour:g} {row.site_unit}"),
        (_("Note"), lambda row: row.note or "–"),
    )


def _factories() -> Table:
    return _table(
        "factories",
        _("AI factories"),
        _("Where they are, and since when they are chosen."),
        reference.factories().values(),
        (_("Factory"), lambda row: row.name),
        (_("Country"), lambda row: row.country),
        (_("Partners"), lambda row: row.partners),
        (_("Host"), lambda row: row.host),
        (_("System"), lambda row: row.system),
        (_("Chosen on"), lambda row: row.selected_on),
    )


def _countries() -> Table:
    return _table(
        "countries",
        _("Countries"),
        _("Whose organisations may be eligible."),
        reference.countries().values(),
        (_("Country"), in_language),
        (_("Code"), lambda row: row.code),
        (_("Member State"), lambda row: row.is_member_state),
        (_("Participating State"), lambda row: row.is_participating_state),
        (_("Associated"), lambda row: row.is_associated),
    )


def _sizes() -> Table:
    return _table(
        "sizes",
        _("Size of enterprises"),
        _("Recommendation 2003/361/EC: fewer heads, and one of the two amounts not exceeded."),
        reference.sme_thresholds().classes,
        (_("Class"), lambda row: row.code),
        (_("Fewer heads than"), lambda row: row.headcount_below),
        (_("Turnover up to"), lambda row: _euro(row.turnover_euro_cents_max)),
        (_("Balance sheet up to"), lambda row: _euro(row.balance_euro_cents_max)),
    )


def _aid() -> Table:
    return _table(
        "aid",
        _("State aid"),
        _("Which regime applies to a call is for lawyers."),
        reference.state_aid().values(),
        (_("Regime"), lambda row: row.name),
        (_("Ceiling"), lambda row: _euro(row.ceiling_euro_cents) or "–"),
        (_("Years"), lambda row: row.period_years or "–"),
        (_("Note"), lambda row: row.note or "–"),
    )


def _law() -> Table:
    return _table(
        "law",
        _("Dates of the AI Act"),
        _("From which day which provisions apply."),
        reference.law().dates,
        (_("Applies from"), lambda row: row.applies_on),
        (_("What"), lambda row: row.what),
        (_("Act"), lambda row: row.act),
        (_("Article"), lambda row: row.article),
    )


def _thresholds() -> Table:
    return _table(
        "thresholds",
        _("Thresholds of training compute"),
        _("Amounts of floating-point operations (or shares of them) with a legal meaning."),
        reference.law().thresholds,
        (_("What"), lambda row: row.what),
        (_("FLOP"), lambda row: _power(row.flop) if row.flop else "–"),
        (_("Share"), lambda row: f"{row.share:.2f}" if row.share else "–"),
        (_("Act"), lambda row: row.act),
        (_("Article"), lambda row: row.article),
    )


def _life() -> Table:
    return _table(
        "allocation-life",
        _("The life of an allocation"),
        _("Marks of use, warnings, and what an extension gives where the access mode says nothing else."),
        reference.allocation_life().values(),
        (_("What"), lambda row: row.words),
        (_("Value"), lambda row: f"{row.value:g}"),
        (_("Unit"), lambda row: row.unit),
    )


def _assumptions() -> Table:
    return _table(
        "assumptions",
        _("Assumptions of the estimator"),
        _("What it reckons with where nothing was measured."),
        reference.assumptions().values(),
        (_("What"), lambda row: row.words),
        (_("Value"), lambda row: f"{row.value:g}"),
        (_("Unit"), lambda row: row.unit),
    )
