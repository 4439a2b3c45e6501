"""What is covered for each Member State and what is not, as a table and as findings for a card. Knows no text."""

from dataclasses import dataclass

from kifabrik.core.findings import Finding, Severity
from kifabrik.datasets.detectors.national_rows import IDENTIFIERS, LANGUAGES_OF
from kifabrik.datasets.detectors.travel import DOCUMENTS

NOT_COVERED: dict[str, tuple[str, ...]] = {
    "CY": ("identity card numbers (no check digit, no published structure)", "social insurance numbers"),
    "DE": ("tax numbers of the tax offices (Steuernummer)", "health insurance numbers"),
    "DK": ("CPR numbers without a word before them (since 2007 they have no sure check digit)",),
    "ES": ("social security numbers (número de afiliación)",),
    "IE": ("PPS numbers without a word before them",),
    "LU": ("numbers given before 2014",),
    "MT": ("identity numbers without a word before them (they have no check digit)",),
    "RO": ("series and number of identity cards",),
    "SE": ("coordination numbers (samordningsnummer)",),
}
_DOCUMENTS = "numbers of passports, identity cards and driving licences outside of machine-readable zones, except {}"


@dataclass(frozen=True, slots=True)
class CountryCoverage:
    """One Member State: identifiers that are found, and what is known to be missing."""

    country: str
    identifiers: tuple[str, ...]
    not_covered: tuple[str, ...]


def coverage() -> tuple[CountryCoverage, ...]:
    """Give one row for each Member State, made from the rule tables themselves."""
    return tuple(
        CountryCoverage(country, _describe(country), NOT_COVERED.get(country, ())) for country in sorted(LANGUAGES_OF)
    )


def _describe(country: str) -> tuple[str, ...]:
    rows = {row.name: row for row in IDENTIFIERS if row.country == country}
    alone = {row.name for row in IDENTIFIERS if row.country == country and row.stands_alone}
    lines = [
        f"{name} ({'check digit' if row.has_checksum else 'form only'}, {row.source}"
        f"{'' if name in alone else ', beside a word'})"
        for name, row in rows.items()
    ]
    lines += [f"{each.name} (check digit, beside a word)" for each in DOCUMENTS if each.country == country]
    return tuple(lines)


def findings() -> tuple[Finding, ...]:
    """Give a NOT CHECKED finding for each Member State with a known gap, and one for documents of all."""
    known = ", ".join(f"{each.name} ({each.country})" for each in DOCUMENTS)
    gaps = {row.country: "; ".join(row.not_covered) for row in coverage() if row.not_covered}
    return tuple(
        Finding(f"dataset.not-checked.{code}", Severity.NOT_CHECKED, f"Not checked: {words}.")
        for code, words in [
            ("document-numbers", _DOCUMENTS.format(known)),
            *((f"national-ids.{country}", f"{country}: {gap}") for country, gap in gaps.items()),
        ]
    )
