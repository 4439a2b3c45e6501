"""Telephone numbers that regulators set aside for films and manuals. Knows no subscriber.

Sources, by name: NANP 555-0100 to 555-0199 (ATIS); Ofcom, numbers for use in TV and radio drama; Bundesnetzagentur,
Rufnummern für Medienproduktionen; Arcep, plan de numérotation, numéros pour oeuvres audiovisuelles; PTS, telefonnummer
för användning i böcker och filmer. Written from memory of these lists on 2026-11-24, grade C: compare before a
replacement number is printed where somebody might dial it.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FictionRange:
    """A range: its beginning in international and in national form, and how many digits are free."""

    international: str
    national: str
    free_digits: int


FICTION: dict[str, tuple[FictionRange, ...]] = {
    "US": (FictionRange("+1 202 55501", "202 55501", 2),),
    "GB": (FictionRange("+44 20 7946 0", "020 7946 0", 3), FictionRange("+44 7700 900", "07700 900", 3)),
    "DE": (FictionRange("+49 30 23125", "030 23125", 3), FictionRange("+49 69 90009", "069 90009", 3)),
    "FR": (FictionRange("+33 1 99 00 ", "01 99 00 ", 4), FictionRange("+33 6 39 98 ", "06 39 98 ", 4)),
    "SE": (FictionRange("+46 8 465 004 ", "08-465 004 ", 2), FictionRange("+46 31 390 06 ", "031-390 06 ", 2)),
}
_EXAMPLES = re.compile(
    r"\+(?:1[2-9]\d\d55501\d\d"
    r"|44(?:2079460\d{3}|1632960\d{3}|7700900\d{3}|8081570\d{3}|3069990\d{3})"
    r"|49(?:3023125|6990009|4066969|2214710|8999998)\d{3}"
    r"|33(?:19900|26191|35301|46571|53649|63998)\d{4}"
    r"|46(?:8465004|3139006|4062804|7017406|9803192)\d\d)\Z"
)


def is_fiction(number: str) -> bool:
    """Say whether a number in E.164 form is set aside for fiction."""
    return _EXAMPLES.match(number) is not None
