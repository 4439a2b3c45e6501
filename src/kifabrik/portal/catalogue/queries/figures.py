"""Figures that people compare, made ready for small bars with a table behind them. Knows no record."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """Write a large number as people do: `1.3 × 10¹³`."""
    head, _sep, power = f"{value:.1e}".partition("e")
    return head if int(power) == 0 else f"{head} × 10{str(int(power)).translate(_RAISED)}"
