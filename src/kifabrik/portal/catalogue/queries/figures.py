"""Figures that people compare: bars with a table behind them, and the digits that matter. Knows no record."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.formats import number_format

SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: its name, its amount and the whole that it is a part of."""

    name: str
    amount: int
    whole: int


def bars(counts: Mapping[str, int], *, whole: int | None = None) -> tuple[Bar, ...]:
    """Sort counts, the largest first; the small ones beyond the twelfth are added up under an empty name."""
    total = sum(counts.values()) if whole is None else whole
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    shown = [Bar(name, amount, total) for name, amount in rows[:SHOWN_MAX]]
    rest = sum(amount for _name, amount in rows[SHOWN_MAX:])
    return (*shown, Bar("", rest, total)) if rest else tuple(shown)


_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def scientific(value: float) -> str:
    """Write a very large or very small number as people do: `1.3 × 10¹³`."""
    head, _sep, power = f"{value:.1e}".partition("e")
    head = number_format(head, decimal_pos=1)
    return head if int(power) == 0 else f"{head} × 10{str(int(power)).translate(_RAISED)}"


def significant(value: float | None) -> str:
    """Write a measured figure with four significant digits and the decimal mark of the language."""
    if value is None:
        return "–"
    text = f"{value:.4g}"
    if "e" in text:
        return scientific(value)
    return number_format(text, decimal_pos=len(text.partition(".")[2]))
