"""The sentences of the rules and letters in English and German, and how numbers and days are written. Knows no rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from kifabrik.core.findings import Finding, Severity
from kifabrik.core.quantities import format_count

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = ("en", "de")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A finding before its values are filled in: (message, remedy) in each language."""

    severity: Severity
    reference: str
    texts: Mapping[str, tuple[str, str]]


@cache
def sentences() -> Mapping[str, Sentence]:
    """Read the sentences of all findings, by code."""
    rows = yaml.safe_load(files(__name__).joinpath("findings.yaml").read_text(encoding="utf-8"))
    return {
        code: Sentence(
            Severity(row["severity"]), row["reference"], {language: tuple(row[language]) for language in LANGUAGES}
        )
        for code, row in rows.items()
    }


@cache
def letter_texts(language: Language) -> Mapping[str, str]:
    """Read the paragraphs of letters in one language, by name."""
    rows: dict[str, dict[str, str]] = yaml.safe_load(
        files(__name__).joinpath("letters.yaml").read_text(encoding="utf-8")
    )
    return {name: texts[language] for name, texts in rows.items()}


def say(code: str, *, language: Language, where: str = "", **values: str) -> Finding:
    """Make the finding `eligibility.<code>` in one language with its values filled in."""
    sentence = sentences()[code]
    message, remedy = sentence.texts[language]
    return Finding(
        code=f"eligibility.{code}",
        severity=sentence.severity,
        message=message.format(**values),
        where=where,
        remedy=remedy.format(**values),
        reference=sentence.reference.format(**values),
    )


def write_number(value: float, language: Language) -> str:
    """Write a number with the grouping of a language: `50,000`, `50.000`; at most two decimals, none if whole."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


_COUNTED: Mapping[str, Mapping[Language, tuple[str, str]]] = {  # as they stand in the sentences, in their case
    "month": {"en": ("month", "months"), "de": ("Monat", "Monaten")},
    "working-day": {"en": ("working day", "working days"), "de": ("Arbeitstag", "Arbeitstage")},
}


def write_count(number: int, what: str, language: Language) -> str:
    """Write a number with what is counted, in its singular or plural: `1 month`, `12 months`."""
    return format_count(number, *_COUNTED[what][language])


def write_euros(euro_cents: int, language: Language) -> str:
    """Write an amount of money without its unit: `12.50`, `300,000`."""
    if euro_cents % 100 == 0:
        return write_number(euro_cents // 100, language)
    text = f"{euro_cents / 100:,.2f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def write_day(day: date, language: Language) -> str:
    """Write a day: `24 November 2026`, `24. November 2026`."""
    month = letter_texts(language)["months"].split()[day.month - 1]
    return f"{day.day} {month} {day.year}" if language == "en" else f"{day.day}. {month} {day.year}"


def write_power(value: float, language: Language) -> str:
    """Write a large amount with one decimal and a power of ten: `3.2 x 10^22`."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    text = f"{mantissa.removesuffix('.0')} × 10^{int(exponent)}"
    return text if language == "en" else text.replace(".", ",")
