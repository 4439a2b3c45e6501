"""Reads the versioned facts that rights are judged by: crawlers, licences. Knows rows and sources, no document."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from kifabrik.datasets import yaml_tables

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Crawler:
    """A user agent that collects texts for the training of models; a Disallow for it reserves text and data mining."""

    agent: str
    operator: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Crawlers:
    """The list of such user agents, with where it was read."""

    version: str
    source: str
    checked_on: date
    grade: str
    rows: tuple[Crawler, ...]


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence by its SPDX identifier; `heads` are how its text begins, `names` how metadata call it."""

    spdx: str
    title: str
    heads: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@cache
def crawlers() -> Crawlers:
    """Read the list of crawlers that came with this program."""
    table: dict[str, Any] = yaml_tables.parse((_FOLDER / "crawlers.yaml").read_text(encoding="utf-8"))
    return Crawlers(**{**table, "rows": tuple(Crawler(**row) for row in table["rows"])})


@cache
def licences() -> tuple[Licence, ...]:
    """Read the table of licences that came with this program."""
    table: dict[str, Any] = yaml_tables.parse((_FOLDER / "licences.yaml").read_text(encoding="utf-8"))
    return tuple(
        Licence(row["spdx"], row["title"], tuple(row.get("heads", ())), tuple(row.get("names", ())))
        for row in table["rows"]
    )
