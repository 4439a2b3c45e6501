"""The development set: values drawn with python-stdnum and phonenumbers, the libraries that the detectors use too.

Its recall is therefore an upper bound; `corpus_held_out` has checksum code and forms of its own.
"""

import random
import re
import string
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import phonenumbers
import yaml
from benchmarks import corpus_base
from benchmarks.corpus_base import Planted, Text
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban, luhn, numdb

_DATA = yaml.safe_load(Path(__file__).with_name("development.yaml").read_text())
COUNTRIES = {
    "AT": "de", "BE": "nl", "BG": "bg", "CY": "el", "CZ": "cs", "DE": "de", "DK": "da", "EE": "et", "ES": "es",
    "FI": "fi", "FR": "fr", "GR": "el", "HR": "hr", "HU": "hu", "IE": "en", "IT": "it", "LT": "lt", "LU": "fr",
    "LV": "lv", "MT": "mt", "NL": "nl", "PL": "pl", "PT": "pt", "RO": "ro", "SE": "sv", "SI": "sl", "SK": "sk",
}  # fmt: skip
_SAME_EVERYWHERE = {"email": "E-mail", "iban": "IBAN", "ip-address": "IP"}
_KINDS = ("email", "phone", "iban", "vat-number", "national-id", "payment-card", "ip-address")
_CARDS = ("34", "37", "4", "4", "52", "55", "2221", "6011")
_NETWORKS = (5, 46, 62, 77, 81, 93, 141, 151, 178, 193, 213)
_NAMES = ("anna", "jose", "m.weber", "kowalski_j", "info+shop", "p.o'neill", "lena-marie")


class Maker:
    """Draws values of every kind."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        registry = numdb.get("iban")
        self._accounts = {
            country: re.findall(r"(\d+)!?([nac])", registry.info(f"{country}00")[0][1]["bban"]) for country in COUNTRIES
        }

    def value(self, kind: str, country: str) -> str:
        """Draw a value of a kind."""
        makers: dict[str, Callable[[], str]] = {
            "email": lambda: self._mail(country),
            "phone": lambda: self._phone(country),
            "iban": lambda: self._iban(country),
            "vat-number": lambda: self._vat(country),
            "national-id": lambda: self._until_valid(*_DATA["national"][country]),
            "payment-card": self._card,
            "ip-address": self._address,
        }
        return makers[kind]()

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice(string.digits) for _ in range(count))

    def _mail(self, country: str) -> str:
        host = self.rng.choice(["firma", "posta", "mail-dienst", "uni"])
        return f"{self.rng.choice(_NAMES)}{self._digits(self.rng.randrange(3))}@{host}.{country.lower()}"

    def _phone(self, country: str) -> str:
        kind = self.rng.choice([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
        example = phonenumbers.example_number_for_type(country, kind)
        digits = ("0" if example.italian_leading_zero else "") + str(example.national_number)
        while True:
            keep = self.rng.randrange(2, 4)
            number = phonenumbers.parse(f"+{example.country_code}{digits[:keep]}{self._digits(len(digits) - keep)}")
            if phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country:
                return self._write(number)

    def _write(self, number: phonenumbers.PhoneNumber) -> str:
        if self.rng.random() < 0.6:
            form = self.rng.choice([PhoneNumberFormat.INTERNATIONAL] * 2 + [PhoneNumberFormat.E164])
            written = phonenumbers.format_number(number, form)
            return "00" + written[1:] if self.rng.random() < 0.1 and " " in written else written
        written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        separator = self.rng.choice([" ", " ", " ", "-", ".", ""])
        return written.replace(" ", separator) if "(" not in written and "-" not in written else written

    def _iban(self, country: str) -> str:
        letters = {"n": string.digits, "a": string.ascii_uppercase, "c": string.ascii_uppercase}
        while True:
            bban = "".join(
                self.rng.choice(letters[kind]) for length, kind in self._accounts[country] for _ in range(int(length))
            )
            number = f"{country}{iban.calc_check_digits(f'{country}00{bban}')}{bban}"
            if iban.is_valid(number):
                return iban.format(number) if self.rng.random() < 0.6 else number

    def _fill(self, shape: str) -> str:
        year, month = f"{self.rng.randrange(40, 99)}", f"{self.rng.randrange(1, 13):02d}"
        day = f"{self.rng.randrange(1, 29):02d}"
        marks = {"yy": year, "mm": month, "dd": day, "D": year + month + day, "E": day + month + year}
        for mark, digits in marks.items():
            shape = shape.replace(mark, digits)
        choices = {"#": string.digits, "@": string.digits, "A": string.ascii_uppercase}
        return "".join(self.rng.choice(choices.get(sign, sign)) for sign in shape)

    def _until_valid(self, shapes: list[str], module: str) -> str:
        check = import_module(f"stdnum.{module}")
        shape = self.rng.choice(shapes)
        while not check.is_valid(number := self._fill(shape)):
            pass
        return str(number)

    def _vat(self, country: str) -> str:
        shape, module = _DATA["vat"][country]
        prefix = "EL" if country == "GR" else country
        return prefix + self.rng.choice(["", "", " "]) + self._until_valid([shape], module)

    def _card(self) -> str:
        prefix = self.rng.choice(_CARDS)
        length = 14 if prefix in {"34", "37"} else 15
        body = prefix + self._digits(length - len(prefix))
        number = body + luhn.calc_check_digit(body)
        groups = [number[place : place + 4] for place in range(0, 16, 4)]
        if length == 14:
            groups = [number[:4], number[4:10], number[10:]]
        return self.rng.choice([" ", " ", "-", ""]).join(groups)

    def _address(self) -> str:
        if self.rng.random() < 0.3:
            return "2a0" + self._digits(1) + "".join(f":{self.rng.randrange(1, 65536):x}" for _ in range(7))
        last = [self.rng.randrange(10, 250) for _ in range(3)]
        return f"{self.rng.choice(_NETWORKS)}.{last[0]}.{last[1]}.{last[2]}"

    def decoy(self) -> str:
        """Draw something that looks like a value and is none."""
        number, low = self._digits(15), self.rng.randrange(1, 9)
        wrong = (int(luhn.calc_check_digit(number)) + 1) % 10
        return self.rng.choice(
            [
                *(
                    f"{number}{wrong}",
                    f"DE{self._digits(2)} 0000 {self._digits(4)}",
                    f"sha1 {self.rng.randbytes(20).hex()}",
                ),
                *(
                    f"ISBN 978-3-{self._digits(6)}-{self._digits(2)}-{low}",
                    f"doi:10.{self._digits(4)}/{self._digits(9)}",
                ),
                *(f"version {low}.{self.rng.randrange(30)}.{low}.{low}", " ".join(self._digits(4) for _ in range(7))),
                *("\t".join(self._digits(3) for _ in range(6)), f"@decorator{self._digits(2)}", f"#{self._digits(9)}"),
                *(f"2024-0{low}-1{low} 1{low}:3{low}", f"0.{self._digits(12)}"),
            ]
        )


def make(seed: int, size_bytes: int) -> list[Text]:
    """Give the base with one to three values in 35 of 100 documents and decoys in 25."""
    texts = corpus_base.development(seed, size_bytes)
    plant(seed, texts)
    return texts


def plant(seed: int, texts: list[Text]) -> None:
    """Put values and decoys into texts."""
    rng, maker = random.Random(seed), Maker(seed + 1)
    for text in texts:
        if rng.random() < 0.35:
            for _ in range(rng.randrange(1, 4)):
                _plant(text, rng, maker)
        if rng.random() < 0.25:
            corpus_base.insert(text, rng, f" {maker.decoy()} ")


def _plant(text: Text, rng: random.Random, maker: Maker) -> None:
    kind = rng.choice(_KINDS)
    at_home = [country for country, language in COUNTRIES.items() if language == text.language != "en"]
    country = rng.choice(at_home) if at_home and rng.random() < 0.6 else rng.choice(list(COUNTRIES))
    if kind == "national-id" and country not in _DATA["national"]:
        country = rng.choice(list(_DATA["national"]))
    value = maker.value(kind, country)
    has_word = rng.random() < 0.6
    word, lead = _word(kind, country, text, rng), rng.choice([" ", ": ", " - "])
    before = f" {word}{lead}" if has_word else rng.choice([" ", " (", ' "', "\n", ", "])
    after = {" (": ")", ' "': '"'}.get(before, rng.choice([" ", ".\n", ", ", "\n"]))
    if text.is_code:
        before, after = (f"  # {word}{lead}", "\n") if has_word else ('  x = "', '"\n')
    place = corpus_base.insert(text, rng, before + value + after) + len(before)
    text.planted.append(Planted(kind, country, place, place + len(value), has_word))


def _word(kind: str, country: str, text: Text, rng: random.Random) -> str:
    """Choose a word of the country's language, in 30 of 100 cases of the text's."""
    if kind in _SAME_EVERYWHERE:
        return _SAME_EVERYWHERE[kind]
    words = _DATA["words"][kind]
    if kind == "national-id":
        return str(words[country])
    return str(words.get(COUNTRIES[country] if rng.random() < 0.7 else text.language) or words["en"])
