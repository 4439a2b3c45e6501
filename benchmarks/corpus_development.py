"""The development set: values drawn with python-stdnum and phonenumbers, the libraries that the detectors use too.

Its recall is therefore an upper bound; `corpus_held_out` has checksum code and formats of its own.
"""

import random
import re
import string
from collections.abc import Callable
from importlib import import_module

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban, luhn, numdb

from benchmarks import corpus_base
from benchmarks.corpus_base import Planted, Text

COUNTRIES = {
    "AT": "de", "BE": "nl", "BG": "bg", "CY": "el", "CZ": "cs", "DE": "de", "DK": "da", "EE": "et", "ES": "es", "FI": "fi",
    "FR": "fr", "GR": "el", "HR": "hr", "HU": "hu", "IE": "en", "IT": "it", "LT": "lt", "LU": "fr", "LV": "lv", "MT": "mt",
    "NL": "nl", "PL": "pl", "PT": "pt", "RO": "ro", "SE": "sv", "SI": "sl", "SK": "sk",
}  # fmt: skip
_VAT = {  # shape: # digit, A letter, other signs stand for themselves; module
    "AT": ("U########", "at.uid"), "BE": ("0#########", "be.vat"), "BG": ("#########", "bg.vat"), "CY": ("1#######A", "cy.vat"),
    "CZ": ("########", "cz.dic"), "DE": ("#########", "de.vat"), "DK": ("########", "dk.cvr"), "EE": ("10#######", "ee.kmkr"),
    "GR": ("#########", "gr.vat"), "ES": ("B########", "es.nif"), "FI": ("########", "fi.alv"), "FR": ("###########", "fr.tva"),
    "HR": ("###########", "hr.oib"), "HU": ("########", "hu.anum"), "IE": ("#######A", "ie.vat"), "IT": ("0##########", "it.iva"),
    "LT": ("#######1#", "lt.pvm"), "LU": ("########", "lu.tva"), "LV": ("4##########", "lv.pvn"), "MT": ("########", "mt.vat"),
    "NL": ("#########B##", "nl.btw"), "PL": ("##########", "pl.nip"), "PT": ("5########", "pt.nif"), "RO": ("########", "ro.cf"),
    "SE": ("##########01", "se.vat"), "SI": ("########", "si.ddv"), "SK": ("##########", "sk.dph"),
}  # fmt: skip
_NATIONAL = {  # shapes with D = yymmdd, E = ddmmyy, Y = yyyymmdd; module
    "AT": (["#### E", "####E"], "at.vnr"), "BE": (["D###@@", "yy.mm.dd-###.@@"], "be.nn"), "BG": (["D####"], "bg.egn"),
    "CZ": (["D/####", "D####"], "cz.rc"), "DE": (["###########", "## ### ### ###"], "de.idnr"), "DK": (["E-####"], "dk.cpr"),
    "EE": (["3D####", "4D####"], "ee.ik"), "ES": (["########A", "X#######A"], "es.nif"), "FI": (["E-###A"], "fi.hetu"),
    "FR": (["1yymm########@@", "2 yy mm ## ### ### @@"], "fr.nir"), "GR": (["E#####"], "gr.amka"), "HR": (["###########"], "hr.oib"),
    "IE": (["#######A"], "ie.pps"), "IT": (["AAAAAAyyAddH###A"], "it.codicefiscale"), "LT": (["3D####"], "lt.asmens"),
    "LV": (["E-1####", "E1####"], "lv.pvn"), "NL": (["#########"], "nl.bsn"), "PL": (["D#####"], "pl.pesel"),
    "PT": (["2########"], "pt.nif"), "RO": (["1D######", "2D######"], "ro.cnp"), "SE": (["D-####", "19D-####"], "se.personnummer"),
    "SI": (["ddmm9yy50####"], "si.emso"), "SK": (["D/####"], "sk.rc"),
}  # fmt: skip
WORDS = {
    "email": dict.fromkeys(corpus_base.LANGUAGES, "E-mail"),
    "iban": dict.fromkeys(corpus_base.LANGUAGES, "IBAN"),
    "vat-number": {"de": "USt-IdNr.", "fr": "TVA", "it": "P. IVA", "es": "NIF", "nl": "btw-nummer", "pl": "NIP", "en": "VAT no."},
    "payment-card": {"de": "Kreditkarte", "fr": "carte bancaire", "it": "carta", "es": "tarjeta", "en": "card", "pl": "karta"},
    "phone": {
        "bg": "тел.", "cs": "telefon", "da": "tlf.", "de": "Tel.", "el": "τηλ.", "en": "phone", "es": "teléfono", "et": "tel",
        "fi": "puh.", "fr": "tél.", "ga": "teil.", "hr": "mobitel", "hu": "telefon", "it": "telefono", "lt": "tel.",
        "lv": "tālr.", "mt": "telefon", "nl": "telefoon", "pl": "tel.", "pt": "telemóvel", "ro": "telefon", "sk": "tel.",
        "sl": "telefon", "sv": "tfn",
    },
    "national-id": {
        "AT": "SV-Nummer: Versicherungsnummer", "BE": "rijksregisternummer", "BG": "ЕГН", "CZ": "rodné číslo", "DE": "Steuer-ID",
        "DK": "CPR-nr.", "EE": "isikukood", "ES": "DNI", "FI": "henkilötunnus", "FR": "numéro de sécurité sociale", "GR": "ΑΜΚΑ",
        "HR": "OIB", "IE": "PPS number", "IT": "codice fiscale", "LT": "asmens kodas", "LV": "personas kods", "NL": "BSN",
        "PL": "PESEL", "PT": "NIF", "RO": "CNP", "SE": "personnummer", "SI": "EMŠO", "SK": "rodné číslo",
    },
    "ip-address": dict.fromkeys(corpus_base.LANGUAGES, "IP"),
}  # fmt: skip
KINDS = ("email", "phone", "iban", "vat-number", "national-id", "payment-card", "ip-address")


class Maker:
    """Draws values of every kind."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._iban_shapes = {row[0]: row[1] for row in _read_iban_shapes()}

    def value(self, kind: str, country: str) -> str:
        """Draw a value of a kind; raises LookupError where a country has none."""
        makers: dict[str, Callable[[str], str]] = {
            "email": self._email, "phone": self._phone, "iban": self._iban, "vat-number": self._vat,
            "national-id": self._national, "payment-card": self._card, "ip-address": self._address,
        }  # fmt: skip
        return makers[kind](country)

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice(string.digits) for _ in range(count))

    def _email(self, country: str) -> str:
        name = self.rng.choice(
            ["anna", "josé", "m.weber", "kowalski_j", "info+shop", "p.o'neill", "lena-marie"]
        ).replace("é", "e")
        return f"{name}{self._digits(self.rng.randrange(3))}@{self.rng.choice(['firma', 'posta', 'mail-dienst', 'uni'])}.{country.lower()}"

    def _phone(self, country: str) -> str:
        kind = self.rng.choice([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
        example = phonenumbers.example_number_for_type(country, kind)
        while True:
            national = str(example.national_number)
            keep = self.rng.randrange(2, 4)
            number = phonenumbers.parse(
                f"+{example.country_code}{'0' if example.italian_leading_zero else ''}{national[:keep]}{self._digits(len(national) - keep)}"
            )
            if phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country:
                return self._write_phone(number)

    def _write_phone(self, number: phonenumbers.PhoneNumber) -> str:
        if self.rng.random() < 0.6:
            written = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
            if self.rng.random() < 0.3:
                written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            return "00" + written[1:] if self.rng.random() < 0.1 and " " in written else written
        written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        separator = self.rng.choice([" ", " ", " ", "-", ".", ""])
        return written.replace(" ", separator) if "(" not in written and "-" not in written else written

    def _iban(self, country: str) -> str:
        shape = self._iban_shapes[country]
        while True:
            bban = "".join(
                self.rng.choice(string.digits if kind == "n" else string.ascii_uppercase)
                for length, kind in shape
                for _ in range(length)
            )
            number = iban.calc_check_digits(f"{country}00{bban}")
            number = f"{country}{number}{bban}"
            if iban.is_valid(number):
                return iban.format(number) if self.rng.random() < 0.6 else number

    def _fill(self, shape: str) -> str:
        year, month, day = self.rng.randrange(40, 99), self.rng.randrange(1, 13), self.rng.randrange(1, 29)
        dated = {"D": f"{year}{month:02d}{day:02d}", "E": f"{day:02d}{month:02d}{year}", "@": None}
        for mark, text in (
            ("yy", f"{year}"),
            ("mm", f"{month:02d}"),
            ("dd", f"{day:02d}"),
            ("D", dated["D"]),
            ("E", dated["E"]),
        ):
            shape = shape.replace(mark, str(text))
        return "".join(
            self.rng.choice(string.digits)
            if sign in "#@"
            else self.rng.choice(string.ascii_uppercase)
            if sign == "A"
            else sign
            for sign in shape
        )

    def _until_valid(self, shapes: list[str], module: str) -> str:
        check = import_module(f"stdnum.{module}")
        shape = self.rng.choice(shapes)
        while not check.is_valid(number := self._fill(shape)):
            pass
        return str(number)

    def _vat(self, country: str) -> str:
        shape, module = _VAT[country]
        prefix = "EL" if country == "GR" else country
        return prefix + self.rng.choice(["", "", " "]) + self._until_valid([shape], module)

    def _national(self, country: str) -> str:
        return self._until_valid(*_NATIONAL[country])

    def _card(self, country: str) -> str:
        amex = self.rng.random() < 0.15
        body = (
            self.rng.choice(["34", "37"]) + self._digits(12)
            if amex
            else self.rng.choice(["4", "52", "55", "2221", "6011"])
        )
        body = (body + self._digits(15))[: 14 if amex else 15]
        number = body + luhn.calc_check_digit(body)
        form = self.rng.choice([" ", " ", "-", ""])
        cuts = (
            [number[:4], number[4:10], number[10:]]
            if amex
            else [number[place : place + 4] for place in range(0, 16, 4)]
        )
        return form.join(cuts)

    def _address(self, country: str) -> str:
        if self.rng.random() < 0.3:
            return "2a0" + self._digits(1) + "".join(f":{self.rng.randrange(1, 65536):x}" for _ in range(7))
        return f"{self.rng.choice([5, 46, 62, 77, 81, 93, 141, 151, 178, 193, 213])}.{self.rng.randrange(10, 250)}.{self.rng.randrange(10, 250)}.{self.rng.randrange(1, 250)}"

    def decoy(self) -> str:
        """Draw something that looks like a value and is none."""
        number = self._digits(15)
        return self.rng.choice([
            f"{number}{(int(luhn.calc_check_digit(number)) + 1) % 10}", f"DE{self._digits(2)} 0000 {self._digits(4)}",
            f"sha1 {self.rng.randbytes(20).hex()}", f"ISBN 978-3-{self._digits(6)}-{self._digits(2)}-{self._digits(1)}",
            f"doi:10.{self._digits(4)}/{self._digits(9)}", f"version {self.rng.randrange(9)}.{self.rng.randrange(30)}.{self.rng.randrange(9)}.{self.rng.randrange(9)}",
            " ".join(self._digits(4) for _ in range(7)), "\t".join(self._digits(3) for _ in range(6)), f"@decorator{self._digits(2)}",
            f"2024-0{self.rng.randrange(1, 9)}-1{self.rng.randrange(9)} 1{self.rng.randrange(9)}:3{self.rng.randrange(9)}", f"0.{self._digits(12)}", f"#{self._digits(9)}",
        ])  # fmt: skip


def _read_iban_shapes() -> list[tuple[str, list[tuple[int, str]]]]:
    rows = []
    for country in COUNTRIES:
        properties = numdb.get("iban").info(f"{country}00")[0][1]
        shape = [(int(length), kind) for length, kind in re.findall(r"(\d+)!?([nac])", properties["bban"])]
        rows.append((country, shape))
    return rows


def make(seed: int, size_bytes: int) -> list[Text]:
    """Give the base with values planted at line ends in 35 of 100 documents and decoys in 25."""
    rng, maker = random.Random(seed), Maker(seed + 1)
    texts = corpus_base.development(seed, size_bytes)
    for text in texts:
        if rng.random() < 0.35:
            for _ in range(rng.randrange(1, 4)):
                _plant(text, rng, maker)
        if rng.random() < 0.25:
            _insert(text, rng, f" {maker.decoy()} ")
    return texts


def _plant(text: Text, rng: random.Random, maker: Maker) -> None:
    kind = rng.choice(KINDS)
    at_home = [country for country, language in COUNTRIES.items() if language == text.language != "en"]
    country = rng.choice(at_home) if at_home and rng.random() < 0.6 else rng.choice(list(COUNTRIES))
    if kind == "national-id" and country not in _NATIONAL:
        country = rng.choice(list(_NATIONAL))
    value = maker.value(kind, country)
    has_word = rng.random() < 0.6
    words = WORDS[kind]
    word = (
        words.get(country if kind == "national-id" else COUNTRIES[country] if rng.random() < 0.7 else text.language)
        or words.get("en")
        or words.get(country, "")
    )
    lead = rng.choice([" ", ": ", " - "])
    before = f" {word}{lead}" if has_word else rng.choice([" ", " (", ' "', "\n", ", "])
    after = {" (": ")", ' "': '"'}.get(before, rng.choice([" ", ".\n", ", ", "\n"]))
    if text.is_code:
        before, after = (f"  # {word}{lead}", "\n") if has_word else ('  x = "', '"\n')
    place = _insert(text, rng, before + value + after) + len(before)
    text.planted.append(Planted(kind, country, place, place + len(value), has_word))


def _insert(text: Text, rng: random.Random, piece: str) -> int:
    breaks = [place for place, sign in enumerate(text.text) if sign == "\n"] or [len(text.text)]
    place = rng.choice(breaks)
    text.text = text.text[:place] + piece + text.text[place:]
    for planted in text.planted:
        if planted.start >= place:
            planted.start += len(piece)
            planted.end += len(piece)
    return place
