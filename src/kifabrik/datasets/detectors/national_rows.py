"""The table of national identifiers: country, name, written forms, check, and how much a number says alone.

`stands_alone` is True where fewer than about 1 of 200 random numbers of the form pass the check (a date and a check
digit, a long checksum); the others count only beside a context word. Checks are python-stdnum's where it has one, else
those of `checksums`. Knows no text.
"""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

from stdnum.at import tin as at_tin
from stdnum.at import vnr
from stdnum.be import bis, nn
from stdnum.bg import egn, pnf
from stdnum.cy import vat as cy_tin
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nif as fr_nif
from stdnum.fr import nir
from stdnum.gr import amka
from stdnum.gr import vat as afm
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.nl import bsn
from stdnum.pl import nip, pesel
from stdnum.pt import cc
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import emso

from kifabrik.datasets.detectors import checksums
from kifabrik.datasets.detectors.checksums import passes_luhn

PERSON, TAX = "identity", "tax"
_BALTIC_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Identifier:
    """One national identifier; `forms` name entries of FORMS, `source` says who computes the check."""

    country: str
    name: str
    forms: tuple[str, ...]
    check: Check
    source: str
    stands_alone: bool = False
    groups: tuple[str, ...] = (PERSON,)
    has_checksum: bool = True


FORMS: dict[str, bytes] = {
    "9 digits": rb"\b[0-9]{9}\b",
    "10 digits": rb"\b[0-9]{10}\b",
    "11 digits": rb"\b[0-9]{11}\b",
    "13 digits": rb"\b[0-9]{13}\b",
    "15 digits": rb"\b[12][0-9]{14}\b",
    "5 2A 8": rb"\b[12][0-9]{4}2[AB][0-9]{8}\b",
    "8 digits letter": rb"\b[0-9]{8}-?[A-Z]\b",
    "letter 7 digits letter": rb"\b[XYZ]-?[0-9]{7}-?[A-Z]\b",
    "7 digits letters": rb"\b[0-9]{7}[A-Z][A-IW]?\b",
    "codice fiscale": rb"\b[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]\b",
    "6 sign 3 letter": rb"\b[0-9]{6}[A-FU-Y+-][0-9]{3}[0-9A-FHJ-NPR-Y]\b",
    "6-4": rb"\b[0-9]{6}[+-][0-9]{4}\b",
    "8-4": rb"\b(?:19|20)[0-9]{6}-[0-9]{4}\b",
    "6-5": rb"\b[0-9]{6}-[0-9]{5}\b",
    "6/4": rb"\b[0-9]{6}/[0-9]{3,4}\b",
    "2.2.2-3.2": rb"\b[0-9]{2}\.[0-9]{2}\.[0-9]{2}[ -][0-9]{3}[. -][0-9]{2}\b",
    "6 3 2": rb"\b[0-9]{6} [0-9]{3} [0-9]{2}\b",
    "1 2 2 2 3 3 2": rb"\b[12] [0-9]{2} [0-9]{2} (?:[0-9]{2}|2A|2B) [0-9]{3} [0-9]{3} [0-9]{2}\b",
    "13 2": rb"\b[12][0-9]{4}(?:[0-9]{2}|2A|2B)[0-9]{6} [0-9]{2}\b",
    "4 6": rb"\b[0-9]{4} [0-9]{6}\b",
    "2 3 3 3": rb"\b[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}\b",
    "3 3 3": rb"\b[0-9]{3}[ .-][0-9]{3}[ .-][0-9]{3}\b",
    "4.2.3": rb"\b[0-9]{4}\.[0-9]{2}\.[0-9]{3}\b",
    "2-3/4": rb"\b[0-9]{2}-[0-9]{3}/[0-9]{4}\b",
    "8 1 letters": rb"\b[0-9]{8} ?[0-9] ?[A-Z0-9]{2}[0-9]\b",
    "date 3 2": rb"\b(?:19|20)[0-9]{2} [0-9]{4} [0-9]{3} [0-9]{2}\b",
    "2 6 letter 3": rb"\b[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}\b",
    "1-6-4": rb"\b[1-8]-[0-9]{6}-[0-9]{4}\b",
    "3-3-2-2": rb"\b[0-9]{3}-[0-9]{3}-[0-9]{2}-[0-9]{2}\b",
    "3-2-2-3": rb"\b[0-9]{3}-[0-9]{2}-[0-9]{2}-[0-9]{3}\b",
}


def _first(pattern: str, check: Check, *, has_digit: Check = lambda _: True) -> Check:
    """Look at the figures of the date and at the check digit first: stdnum takes ten times as long to say no."""
    quick = re.compile(pattern)
    return lambda number: quick.fullmatch(number) is not None and has_digit(number) and check(number)


def _adds_up(weights: tuple[int, ...], modulus: int, rests: Container[int] = frozenset({0})) -> Check:
    """Weigh all digits, the last one too; in bytes, because it is asked often."""
    zeros = ord("0") * sum(weights)
    return lambda number: (sum(map(mul, weights, number.encode())) - zeros) % modulus in rests


def _may_be_baltic(number: str) -> bool:
    """Estonia and Lithuania share the first of two steps; where its rest is 10, a second one decides."""
    rest = sum(map(mul, _BALTIC_WEIGHTS, map(int, number))) % 11
    return rest == 10 or rest == int(number[-1])


def _may_be_belgian(number: str) -> bool:
    """The rest of 97, for those born from 2000 on with a 2 before their number."""
    return int(number[9:]) in {97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97}


_YYMMDD = "[0-9]{2}[01][0-9][0-3][0-9]"
_YY_SHIFTED = "[0-9]{2}[0-9][0-9][0-3][0-9]"  # months that also tell sex or century
_DDMMYY = "[0-3][0-9][01][0-9]{3}"
_CZECH_DAY = "(?:0[1-9]|[12][0-9]|3[01])"
_CZECH_MONTH = "(?:[024579][1-9]|[1368][0-2])"
_CZECH_OLD_YEAR = "(?:[0-4][0-9]|5[0-3]|[89][0-9])"
_is_austrian = _first(f"[1-9][0-9]{{3}}{_DDMMYY}", vnr.is_valid)
_is_bulgarian = _first(
    f"{_YY_SHIFTED}[0-9]{{4}}", egn.is_valid, has_digit=_adds_up((2, 4, 8, 5, 10, 9, 7, 3, 6, -1), 11, {0, 10})
)
_is_bulgarian_foreigner = _first(
    "[0-9]{10}", pnf.is_valid, has_digit=_adds_up((21, 19, 17, 13, 11, 9, 7, 3, 1, -1), 10)
)
_is_czech = lru_cache(
    maxsize=8
)(  # Czechs and Slovaks have one and the same
    _first(
        f"{_CZECH_OLD_YEAR}{_CZECH_MONTH}{_CZECH_DAY}[0-9]{{3}}|[0-9]{{2}}{_CZECH_MONTH}{_CZECH_DAY}[0-9]{{4}}",
        rc.is_valid,
        has_digit=lambda number: len(number) == 9 or int(number[:9]) % 11 % 10 == int(number[9]),
    )
)
_is_estonian = _first(f"[1-8]{_YYMMDD}[0-9]{{4}}", ik.is_valid, has_digit=_may_be_baltic)
_is_lithuanian = _first(f"[1-8]{_YYMMDD}[0-9]{{4}}|9[0-9]{{10}}", asmens.is_valid, has_digit=_may_be_baltic)
_is_greek = _first(f"{_DDMMYY}[0-9]{{5}}", amka.is_valid)
_is_latvian = _first(f"{_DDMMYY}[0-2][0-9]{{4}}|32[0-9]{{9}}", pvn.is_valid)
_is_romanian = _first(f"[1-9]{_YYMMDD}[0-9]{{6}}", cnp.is_valid)
_is_slovenian = _first("[0-3][0-9][01][0-9][089][0-9]{8}", emso.is_valid)
_is_polish = _first(f"{_YY_SHIFTED}[0-9]{{5}}", pesel.is_valid)
_is_belgian = _first(
    f"{_YY_SHIFTED}[0-9]{{5}}",
    lambda number: nn.is_valid(number) or bis.is_valid(number),
    has_digit=_may_be_belgian,
)


_is_greek_tax = _first("[0-9]{9}", afm.is_valid, has_digit=_adds_up((256, 128, 64, 32, 16, 8, 4, 2, -1), 11, {0, 10}))
_is_dutch = _first("[0-9]{9}", bsn.is_valid, has_digit=_adds_up((9, 8, 7, 6, 5, 4, 3, 2, -1), 11))
_is_portuguese = _first("[1-9][0-9]{8}", pt_nif.is_valid, has_digit=_adds_up((9, 8, 7, 6, 5, 4, 3, 2, 1), 11, {0, 1}))
_is_austrian_tax = _first("[0-9]{9}", at_tin.is_valid, has_digit=passes_luhn)
_is_polish_tax = _first("[0-9]{10}", nip.is_valid, has_digit=_adds_up((6, 5, 7, 2, 3, 4, 5, 6, 7, -1), 11))


def _is_german(number: str) -> bool:
    return len(set(number[:10])) in (8, 9) and idnr.is_valid(number)  # one digit comes twice or three times


def _is_swedish(number: str) -> bool:
    if not passes_luhn((number[:-5] + number[-4:] if number[-5] in "+-" else number)[-10:]):
        return False
    return personnummer.is_valid(number if number[-5] in "+-" else f"{number[:-4]}-{number[-4:]}")


def _is_portuguese_card(number: str) -> bool:
    return not number.isdigit() and cc.is_valid(number)


IDENTIFIERS: tuple[Identifier, ...] = (
    Identifier("AT", "Sozialversicherungsnummer", ("4 6",), _is_austrian, "stdnum.at.vnr", stands_alone=True),
    Identifier("AT", "Sozialversicherungsnummer", ("10 digits",), _is_austrian, "stdnum.at.vnr"),
    Identifier("AT", "Steuernummer", ("9 digits", "2-3/4"), _is_austrian_tax, "stdnum.at.tin", groups=(TAX,)),
    Identifier(
        "BE",
        "Rijksregisternummer / numéro national, BIS",
        ("11 digits", "2.2.2-3.2", "6 3 2"),
        _is_belgian,
        "stdnum.be.nn, stdnum.be.bis",
        stands_alone=True,
    ),
    Identifier("BG", "ЕГН", ("10 digits",), _is_bulgarian, "stdnum.bg.egn"),
    Identifier("BG", "ЛНЧ", ("10 digits",), _is_bulgarian_foreigner, "stdnum.bg.pnf"),
    Identifier("CY", "tax identification code", ("8 digits letter",), cy_tin.is_valid, "stdnum.cy.vat", groups=(TAX,)),
    Identifier("CZ", "rodné číslo", ("6/4",), _is_czech, "stdnum.cz.rc", stands_alone=True),
    Identifier("CZ", "rodné číslo", ("9 digits", "10 digits"), _is_czech, "stdnum.cz.rc"),
    Identifier(
        "DE",
        "Steuer-Identifikationsnummer",
        ("11 digits", "2 3 3 3"),
        _is_german,
        "stdnum.de.idnr",
        stands_alone=True,
        groups=(PERSON, TAX),
    ),
    Identifier(
        "DE",
        "Versicherungsnummer",
        ("2 6 letter 3",),
        checksums.is_german_insurance_number,
        "VKVR § 2",
        stands_alone=True,
    ),
    Identifier("DK", "CPR-nummer", ("6-4", "10 digits"), cpr.is_valid, "stdnum.dk.cpr", has_checksum=False),
    Identifier("EE", "isikukood", ("11 digits",), _is_estonian, "stdnum.ee.ik", stands_alone=True),
    Identifier("ES", "DNI", ("8 digits letter",), dni.is_valid, "stdnum.es.dni", groups=(PERSON, TAX)),
    Identifier(
        "ES", "NIE", ("letter 7 digits letter",), nie.is_valid, "stdnum.es.nie", stands_alone=True, groups=(PERSON, TAX)
    ),
    Identifier("FI", "henkilötunnus", ("6 sign 3 letter",), hetu.is_valid, "stdnum.fi.hetu", stands_alone=True),
    Identifier(
        "FR",
        "numéro de sécurité sociale",
        ("15 digits", "5 2A 8", "1 2 2 2 3 3 2", "13 2"),
        nir.is_valid,
        "stdnum.fr.nir",
        stands_alone=True,
    ),
    Identifier("FR", "numéro fiscal", ("13 digits",), fr_nif.is_valid, "stdnum.fr.nif", groups=(TAX,)),
    Identifier("GR", "ΑΜΚΑ", ("11 digits",), _is_greek, "stdnum.gr.amka", stands_alone=True),
    Identifier("GR", "ΑΦΜ", ("9 digits",), _is_greek_tax, "stdnum.gr.vat", groups=(TAX,)),
    Identifier("HR", "OIB", ("11 digits",), oib.is_valid, "stdnum.hr.oib", groups=(PERSON, TAX)),
    Identifier(
        "HU",
        "adóazonosító jel",
        ("10 digits",),
        checksums.is_hungarian_tax_number,
        "Act XX of 1996",
        groups=(PERSON, TAX),
    ),
    Identifier("HU", "TAJ szám", ("9 digits", "3 3 3"), checksums.is_hungarian_insurance_number, "Act XX of 1996"),
    Identifier(
        "HU", "személyi azonosító", ("11 digits", "1-6-4"), checksums.is_hungarian_personal_number, "Act XX of 1996"
    ),
    Identifier("IE", "PPS number", ("7 digits letters",), pps.is_valid, "stdnum.ie.pps", groups=(PERSON, TAX)),
    Identifier(
        "IT",
        "codice fiscale",
        ("codice fiscale",),
        codicefiscale.is_valid,
        "stdnum.it.codicefiscale",
        stands_alone=True,
    ),
    Identifier("LT", "asmens kodas", ("11 digits",), _is_lithuanian, "stdnum.lt.asmens", stands_alone=True),
    Identifier(
        "LU",
        "numéro d'identification",
        ("13 digits", "date 3 2"),
        checksums.is_luxembourgish_number,
        "Act of 19 June 2013",
        stands_alone=True,
    ),
    Identifier("LV", "personas kods", ("11 digits", "6-5"), _is_latvian, "stdnum.lv.pvn", stands_alone=True),
    Identifier(
        "MT",
        "identity number",
        ("7 digits letters",),
        checksums.is_maltese_number,
        "Identity Card Act, cap. 258",
        has_checksum=False,
    ),
    Identifier("NL", "burgerservicenummer", ("9 digits", "4.2.3", "3 3 3"), _is_dutch, "stdnum.nl.bsn"),
    Identifier("PL", "PESEL", ("11 digits",), _is_polish, "stdnum.pl.pesel"),
    Identifier("PL", "NIP", ("10 digits", "3-3-2-2", "3-2-2-3"), _is_polish_tax, "stdnum.pl.nip", groups=(TAX,)),
    Identifier(
        "PT",
        "cartão de cidadão",
        ("8 1 letters",),
        _is_portuguese_card,
        "stdnum.pt.cc",
        stands_alone=True,
    ),
    Identifier("PT", "NIF", ("9 digits", "3 3 3"), _is_portuguese, "stdnum.pt.nif", groups=(PERSON, TAX)),
    Identifier("RO", "CNP", ("13 digits",), _is_romanian, "stdnum.ro.cnp", stands_alone=True),
    Identifier("SE", "personnummer", ("6-4", "8-4"), _is_swedish, "stdnum.se.personnummer", stands_alone=True),
    Identifier("SE", "personnummer", ("10 digits",), _is_swedish, "stdnum.se.personnummer"),
    Identifier("SI", "EMŠO", ("13 digits",), _is_slovenian, "stdnum.si.emso", stands_alone=True),
    Identifier("SK", "rodné číslo", ("6/4",), _is_czech, "stdnum.sk.rc", stands_alone=True),
    Identifier("SK", "rodné číslo", ("9 digits", "10 digits"), _is_czech, "stdnum.sk.rc"),
)
LANGUAGES_OF: dict[str, frozenset[str]] = {
    country: frozenset(languages.split())
    for country, languages in {
        "AT": "de", "BE": "nl fr de", "BG": "bg", "CY": "el", "CZ": "cs", "DE": "de", "DK": "da", "EE": "et",
        "ES": "es", "FI": "fi sv", "FR": "fr", "GR": "el", "HR": "hr", "HU": "hu", "IE": "en ga", "IT": "it",
        "LT": "lt", "LU": "fr de", "LV": "lv", "MT": "mt en", "NL": "nl", "PL": "pl", "PT": "pt", "RO": "ro",
        "SE": "sv", "SI": "sl", "SK": "sk",
    }.items()
}  # fmt: skip
