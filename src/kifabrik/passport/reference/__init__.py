"""Reads the versioned facts of law that a passport is compared with. Knows rows and sources, not how they are used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

_PATH = Path(__file__).with_name("articles.yaml")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read, when, and how good that source is (A best, D own reading)."""

    title: str
    where: str
    checked_on: date
    grade: str


@dataclass(frozen=True, slots=True)
class ComputeThreshold:
    """An amount of training compute from which a duty is presumed or indicated."""

    id: str
    flop: int
    article: str
    means: str
    source: Source
    grade: str


@dataclass(frozen=True, slots=True)
class ModificationShare:
    """The share of a base model's compute above which who changes it becomes a provider."""

    numerator: int
    denominator: int
    article: str
    means: str
    source: Source
    grade: str


@dataclass(frozen=True, slots=True)
class SizeBand:
    """A band of training text in the public summary; `tokens_below` None is the last one."""

    label: str
    tokens_below: int | None
    source: Source
    grade: str


@dataclass(frozen=True, slots=True)
class ApplicationDate:
    """When a part of the law begins to apply."""

    applies_on: date
    what: str
    source: Source
    grade: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing an article asks for, the record fields that speak to it, and what no record can say."""

    id: str
    article: str
    asks: str
    fields: tuple[str, ...]
    source: Source
    note: str = ""
    instead: str = ""
    unless: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Law:
    """All facts of law of one version; `as_of` is stamped into each passport."""

    version: int
    as_of: date
    thresholds: tuple[ComputeThreshold, ...]
    modification: ModificationShare
    size_bands: tuple[SizeBand, ...]
    dates: tuple[ApplicationDate, ...]
    items: tuple[Item, ...]


@cache
def law() -> Law:
    """Read the reference data that came with this program."""
    rows: dict[str, Any] = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    sources = {name: Source(**row) for name, row in rows["sources"].items()}
    share = rows["modification"]
    return Law(
        version=rows["version"],
        as_of=rows["as_of"],
        thresholds=tuple(_read_threshold(row, sources) for row in rows["thresholds"]),
        modification=ModificationShare(
            numerator=share["share_numerator"],
            denominator=share["share_denominator"],
            article=share["article"],
            means=share["means"],
            source=sources[share["source"]],
            grade=share["grade"],
        ),
        size_bands=tuple(_read_band(row, sources) for row in rows["size_bands"]),
        dates=tuple(ApplicationDate(**{**row, "source": sources[row["source"]]}) for row in rows["dates"]),
        items=tuple(_read_item(row, sources) for row in rows["items"]),
    )


def _read_threshold(row: Mapping[str, Any], sources: Mapping[str, Source]) -> ComputeThreshold:
    return ComputeThreshold(**{**row, "flop": _read_amount(row["flop"]), "source": sources[row["source"]]})


def _read_band(row: Mapping[str, Any], sources: Mapping[str, Source]) -> SizeBand:
    below = row["tokens_below"]
    return SizeBand(
        **{**row, "tokens_below": None if below is None else _read_amount(below), "source": sources[row["source"]]}
    )


def _read_item(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Item:
    return Item(**{**row, "fields": tuple(row["fields"]), "source": sources[row["source"]]})


def _read_amount(text: str) -> int:
    """Read `1e23` exactly; as a float it would be 8 million too small, and a threshold is no place for that."""
    return int(Decimal(text))
