"""The answers of a proposal for readers: section by section, with the labels of the form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from kifabrik.portal.calls.forms.proposal import EXCEPTIONS
from kifabrik.portal.calls.forms.sections import sections
from kifabrik.portal.calls.queries.calls import system_name

_SYSTEM_FIELDS = frozenset({"system_code", "fallback_system_code"})


@dataclass(frozen=True, slots=True)
class AnsweredSection:
    """A section with its answered rows, and the related enterprises that belong to the first one."""

    title: str
    rows: list[tuple[str, str]]
    related: list[str]


def summarise(answers: Mapping[str, Any]) -> list[AnsweredSection]:
    """Write every answered field in words; what was not answered is left out."""
    found = []
    for section in sections():
        given = answers.get(section.code) or {}
        rows = [
            (str(field.label), _write(name, field, given[name]))
            for name, field in section.fields.items()
            if given.get(name) not in (None, "", [])
        ]
        related = [_write_related(row) for row in given.get("related") or []] if section.code == "organisation" else []
        if rows or related:
            found.append(AnsweredSection(str(section.title), rows, related))
    return found


def _write(name: str, field: forms.Field, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in _SYSTEM_FIELDS:
        return system_name(str(value))
    if isinstance(value, int | float):
        return _write_amount(value)
    if isinstance(field, forms.ChoiceField):
        words = dict(field.choices)  # type: ignore[arg-type]  # our choices are pairs, never groups
        chosen = value if isinstance(value, list | tuple) else [value]
        return ", ".join(str(words.get(each, each)) for each in chosen)
    return str(value)


def _write_related(row: Mapping[str, Any]) -> str:
    share = _write_amount(row.get("share_percent") or 0)
    words = _("%(name)s: %(share)s %%, %(staff)s staff") % {
        "name": row.get("name"),
        "share": share,
        "staff": _write_amount(row.get("headcount") or 0),
    }
    exception = str(row.get("exception") or "")
    return f"{words} ({EXCEPTIONS.get(exception, exception)})" if exception else words


def _write_amount(value: float) -> str:
    """Write a number as the reader's language does; a whole one without decimals."""
    return number_format(int(value) if value == int(value) else value, use_l10n=True, force_grouping=True)
