"""Plots of a dataset card as rectangles: what is drawn on the server, with a table of the same figures behind it.

Knows counts and places on a picture, not what they mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.formats import number_format

from kifabrik.core.quantities import format_bytes
from kifabrik.records.dataset_card import PersonalDataCount

BAR_WIDTH = 100.0
COLUMN_HEIGHT = 60.0
TIERS = ("3", "2", "1")


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a stacked bar: its name, its amount, and where it lies, in hundredths of the widest bar."""

    name: str
    amount: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Stack:
    """One stacked bar with its figures."""

    name: str
    amount: int
    documents: int
    pieces: tuple[Piece, ...]
    countries: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a histogram; coordinates count from the upper left."""

    label: str
    amount: int
    x: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Columns beside each other on a picture of `width` by 60."""

    columns: tuple[Column, ...]
    width: int

    @property
    def highest(self) -> int:
        """The amount of the highest column."""
        return max((column.amount for column in self.columns), default=0)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a waterfall: what came in, what went for which reason, what stayed."""

    name: str
    amount: int
    width: str


def stacks(counts: Sequence[PersonalDataCount]) -> tuple[Stack, ...]:
    """Draw findings by kind and confidence, the kind with the most findings first and widest."""
    rows = sorted(counts, key=lambda row: (-row.findings, row.kind))
    widest = max((row.findings for row in rows), default=0) or 1
    return tuple(_stack(row, widest) for row in rows)


def _stack(row: PersonalDataCount, widest: int) -> Stack:
    known = {tier: row.tiers.get(tier, 0) for tier in TIERS}
    rest = row.findings - sum(known.values())
    pieces: list[Piece] = []
    at = 0.0
    for name, amount in (*known.items(), ("", max(0, rest))):
        if amount:
            width = BAR_WIDTH * amount / widest
            pieces.append(Piece(name, amount, f"{at:.2f}", f"{width:.2f}"))
            at += width
    countries = tuple(sorted(row.countries.items(), key=lambda each: (-each[1], each[0]))[:5])
    return Stack(row.kind, row.findings, row.documents, tuple(pieces), countries)


def histogram(lengths: Mapping[str, int]) -> Histogram:
    """Draw how many documents lie below each power of two of bytes; gaps in between are shown as empty columns."""
    bounds = {int(key.lstrip("<")): amount for key, amount in lengths.items() if key.lstrip("<").isdigit()}
    if not bounds:
        return Histogram((), 0)
    bound, last = max(1, min(bounds)), max(bounds)
    highest = max(bounds.values()) or 1
    columns: list[Column] = []
    while bound <= last and len(columns) < 64:
        amount = bounds.get(bound, 0)
        height = COLUMN_HEIGHT * amount / highest
        columns.append(
            Column(
                f"{_say_size(bound // 2)} – {_say_size(bound)}",
                amount,
                str(len(columns) * 10 + 1),
                f"{COLUMN_HEIGHT - height:.2f}",
                f"{height:.2f}",
            )
        )
        bound *= 2
    return Histogram(tuple(columns), len(columns) * 10)


def steps(rows: Sequence[tuple[str, int]]) -> tuple[Step, ...]:
    """Draw amounts below each other, each as a share of the first."""
    whole = max((amount for _name, amount in rows), default=0) or 1
    return tuple(Step(name, amount, f"{BAR_WIDTH * amount / whole:.2f}") for name, amount in rows)


def _say_size(size_bytes: int) -> str:
    """Write a size with the decimal mark of the reader's language."""
    amount, _, unit = format_bytes(size_bytes).partition(" ")
    return f"{number_format(amount, decimal_pos=len(amount.partition('.')[2]), use_l10n=True)} {unit}"
