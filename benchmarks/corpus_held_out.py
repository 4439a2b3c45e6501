"""The held-out set: other base text, other seeds, other words and layouts, and check digits computed apart.

Nothing in here comes from python-stdnum or phonenumbers. Detectors are not tuned on it; a look at single misses would
spoil it, so `personal_data.py` prints none for this set.
"""

import random
import string
from collections.abc import Callable
from pathlib import Path

import yaml
from benchmarks import corpus_base
from benchmarks.corpus_base import Planted, Text
from benchmarks.held_out_numbers import NATIONAL, Draw, Make, luhn
from benchmarks.held_out_vat import VAT

_DATA = yaml.safe_load(Path(__file__).with_name("held_out.yaml").read_text())
_LANGUAGE = {
    "AT": "de", "BE": "fr", "BG": "bg", "CZ": "cs", "DE": "de", "DK": "da", "EE": "et", "ES": "es", "FI": "fi",
    "FR": "fr", "GR": "el", "HR": "hr", "HU": "hu", "IE": "en", "IT": "it", "LT": "lt", "LU": "fr", "LV": "lv",
    "MT": "mt", "NL": "nl", "PL": "pl", "PT": "pt", "RO": "ro", "SE": "sv", "SI": "sl", "SK": "sk", "CY": "el",
}  # fmt: skip
_BANKS = {
    "DE": "#" * 18, "AT": "#" * 16, "NL": "INGB" + "#" * 10, "PL": "#" * 24, "DK": "#" * 14, "IE": "AIBK" + "#" * 14,
    "SE": "#" * 20, "LT": "#" * 16, "LU": "#" * 16, "LV": "HABA" + "#" * 13, "CZ": "#" * 20, "RO": "BTRL" + "#" * 16,
    "GR": "#" * 23, "CY": "#" * 24, "MT": "VALL" + "#" * 23,
}  # fmt: skip
_HOSTS = ("gmx.net", "web.de", "libero.it", "orange.fr", "wp.pl", "seznam.cz", "uni-graz.ac.at")
_DECOYS = (
    "commit {hex:40}", "{hex:8}-{hex:4}-4{hex:3}-a{hex:3}-{hex:12}", "ISSN {n:4}-{n:4}", "EAN {n:13}", "0x{hex:16}",
    "{n:2}:{n:2}:{n:2}.{n:6}", "$ {n:3},{n:3}.{n:2}", "v{n:1}.{n:2}.{n:1}.{n:2}", "RFC {n:4}, {n:1}.{n:1}.{n:1}",
    "{n:5}  {n:5}  {n:5}  {n:5}  {n:5}", "{n:2} {n:2} {n:2} {n:2} {n:2} {n:2} {n:2} {n:2}", "1{n:9}.{n:3}",
    "order no. {n:10}", "DE{n:2}{n:4}", "{n:4} {n:4} {n:4} {n:4}",
)  # fmt: skip
_KINDS = (
    "email", "phone", "phone", "iban", "vat-number", "national-id", "national-id", "payment-card", "ip-address",
)  # fmt: skip
_WORDS = {
    "vat-number": ["VAT ID", "VAT", "Tax no"],
    "iban": ["IBAN", "Bank"],
    "payment-card": ["Card number", "Karta", "Carte", "Kreditkarte", "Tarjeta"],
    "ip-address": ["Host", "Client", "Remote address"],
    "email": ["Mail", "E-mail", "Contact"],
}


class _Signs:
    """Fills `{n:4}` with four digits and `{hex:4}` with four hexadecimal ones."""

    def __init__(self, rng: random.Random, alphabet: str) -> None:
        self._rng, self._alphabet = rng, alphabet

    def __format__(self, count: str) -> str:
        return "".join(self._rng.choice(self._alphabet) for _ in range(int(count)))


class Maker:
    """Draws values of every kind."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def draw(self, make: Make) -> str:
        """Draw until a number has a check digit."""
        while (number := make(Draw.make(self.rng))) is None:
            pass
        return number

    def iban(self, country: str) -> str:
        """Draw an IBAN of a country whose account numbers have no check digits inside."""
        bban = "".join(self.rng.choice(string.digits) if sign == "#" else sign for sign in _BANKS[country])
        check = 98 - int("".join(str(int(sign, 36)) for sign in bban + country + "00")) % 97
        whole = f"{country}{check:02d}{bban}"
        spaced = " ".join(whole[place : place + 4] for place in range(0, len(whole), 4))
        return self.rng.choice([whole, spaced])

    def card(self) -> str:
        """Draw a payment card number."""
        prefix = self.rng.choice(["34", "37", "4", "51", "54", "2720", "3589", "6011", "65", "4", "52"])
        length = 14 if prefix in {"34", "37"} else 15
        body = prefix + "".join(self.rng.choice(string.digits) for _ in range(length - len(prefix)))
        number = body + luhn(body)
        if length == 14:
            return self.rng.choice([f"{number[:4]} {number[4:10]} {number[10:]}", number])
        return self.rng.choice([" ", "-", "", " "]).join(number[place : place + 4] for place in range(0, 16, 4))

    def phone(self, country: str, *, abroad: bool) -> str:
        """Write a telephone number in one of the country's usual forms."""
        template = self.rng.choice(_DATA["abroad" if abroad else "at_home"][country])
        return "".join(self.rng.choice("23456789") if sign == "x" else sign for sign in template)

    def address(self) -> str:
        """Draw a public IP address."""
        between = self.rng.randrange
        if between(100) < 35:
            groups = f"{between(0x600, 0xC00):x}:{between(1, 65536):x}::{between(1, 65536):x}:{between(1, 65536):x}"
            return f"2001:{groups}"
        first = self.rng.choice([31, 37, 80, 87, 92, 109, 145, 176, 188, 212])
        return f"{first}.{between(256)}.{between(256)}.{between(1, 255)}"

    def mail(self) -> str:
        """Draw an e-mail address."""
        first = self.rng.choice(["jan", "eva", "luca", "marta", "ines", "ole"])
        last = self.rng.choice(["novak", "silva", "berg", "rossi"])
        return f"{first}{self.rng.choice(['.', '_', ''])}{last}{self.rng.randrange(100)}@{self.rng.choice(_HOSTS)}"


def make(seed: int, size_bytes: int) -> list[Text]:
    """Give the base with one to four values in 30 of 100 documents and decoys in as many."""
    rng, maker = random.Random(seed * 7919 + 5), Maker(seed * 104729 + 3)
    texts = corpus_base.held_out(seed + 1000, size_bytes)
    signs = {"n": _Signs(rng, string.digits), "hex": _Signs(rng, "0123456789abcdef")}
    for text in texts:
        if rng.random() < 0.3:
            for _ in range(rng.randrange(1, 5)):
                _plant(text, rng, maker)
        if rng.random() < 0.3:
            corpus_base.insert(text, rng, rng.choice(_DECOYS).format(**signs) + "\n")
    return texts


def _plant(text: Text, rng: random.Random, maker: Maker) -> None:
    kind = rng.choice(_KINDS)
    at_home = [country for country, language in _LANGUAGE.items() if language == text.language != "en"]
    country = rng.choice(at_home) if at_home and rng.random() < 0.75 else rng.choice(list(_LANGUAGE))
    country, value, words = _draw(kind, country, rng, maker)
    has_word = rng.random() < 0.65
    layout = rng.choice(_DATA["layouts" if has_word else "bare_layouts"])
    if text.is_code:
        layout = "/* {word}: {value} */" if has_word else 'char *x = "{value}";'
    line = layout.format(word=rng.choice(words), value=value)
    place = corpus_base.insert(text, rng, f"{line}\n") + line.index(value)
    text.planted.append(Planted(kind, country, place, place + len(value), has_word))


def _draw(kind: str, country: str, rng: random.Random, maker: Maker) -> tuple[str, str, list[str]]:
    """Draw a value of a kind, from another country where this one has none; gives country, value and words."""
    known: dict[str, dict[str, object]] = {"national-id": {**NATIONAL}, "vat-number": {**VAT}, "iban": {**_BANKS}}
    if kind in known and country not in known[kind]:
        country = rng.choice(list(known[kind]))
    makers: dict[str, Callable[[], str]] = {
        "phone": lambda: maker.phone(country, abroad=rng.random() < 0.5),
        "national-id": lambda: maker.draw(NATIONAL[country]),
        "vat-number": lambda: maker.draw(VAT[country]),
        "iban": lambda: maker.iban(country),
        "payment-card": maker.card,
        "ip-address": maker.address,
        "email": maker.mail,
    }
    words = {"phone": _DATA["phone_words"].get(_LANGUAGE[country]), "national-id": _DATA["id_words"].get(country)}
    return country, makers[kind](), words.get(kind) or _WORDS[kind]
