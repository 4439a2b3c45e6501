"""The held-out set: other base text, other seeds, other words and layouts, and check digits computed here.

Nothing in here comes from python-stdnum or phonenumbers. Detectors are not tuned on it; a look at single misses would
spoil it, so `personal_data.py` prints none for this set. Telephone numbers are written by hand as templates of the
country's usual forms (x stands for a digit).
"""

import random
import string
from collections.abc import Callable

from benchmarks import corpus_base
from benchmarks.corpus_base import Planted, Text

_WEIGHTS = tuple[int, ...]


def _weighted(digits: str, weights: _WEIGHTS) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _mod_11_10(digits: str) -> str:
    state = 10
    for digit in digits:
        state = (state + int(digit)) % 10 or 10
        state = state * 2 % 11
    return str((11 - state) % 10)


class Maker:
    """Draws values with check digits computed here."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def digits(self, count: int, first: str = string.digits) -> str:
        """Draw digits; the first one from a choice."""
        return (
            (self.rng.choice(first) + "".join(self.rng.choice(string.digits) for _ in range(count - 1)))
            if count
            else ""
        )

    def born(self) -> tuple[str, str, str]:
        """Draw year, month and day, two digits each."""
        return f"{self.rng.randrange(35, 99)}", f"{self.rng.randrange(1, 13):02d}", f"{self.rng.randrange(1, 28):02d}"

    def until(self, make: Callable[[], str | None]) -> str:
        """Draw until a number has a check digit."""
        while (number := make()) is None:
            pass
        return number

    def national(self, country: str) -> str:
        """Draw a national identifier."""
        return self.until(lambda: self._national(country))

    def _national(self, country: str) -> str | None:
        year, month, day = self.born()
        rng = self.rng
        if country == "AT":
            serial = self.digits(3, "123456789")
            check = _weighted(serial + day + month + year, (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11
            return None if check == 10 else f"{serial}{check} {day}{month}{year}"
        if country == "BE":
            serial = f"{rng.randrange(1, 998):03d}"
            check = f"{97 - int(year + month + day + serial) % 97:02d}"
            return rng.choice([f"{year}.{month}.{day}-{serial}.{check}", f"{year}{month}{day}{serial}{check}"])
        if country == "BG":
            body = year + month + day + self.digits(3)
            return body + str(_weighted(body, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10)
        if country in {"CZ", "SK"}:
            body = f"{rng.randrange(54, 99)}{month}{day}{self.digits(3)}"
            check = int(body) % 11
            return None if check == 10 else f"{body[:6]}/{body[6:]}{check}"
        if country == "DE":
            pool = rng.sample(string.digits, 9)
            body = "".join(rng.sample([*pool, pool[0]], 10))
            if body[0] == "0" or any(body[place] == body[place + 1] for place in range(9)):
                return None
            number = body + _mod_11_10(body)
            return rng.choice([number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"])
        if country == "DK":
            return f"{day}{month}{year}-{self.digits(4, '0123')}"
        if country in {"EE", "LT"}:
            body = rng.choice("34") + year + month + day + self.digits(3)
            check = _weighted(body, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
            if check == 10:
                check = _weighted(body, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
            return body + str(check)
        if country == "ES":
            number = self.digits(8)
            return number + rng.choice(["", "", "-"]) + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]
        if country == "FI":
            serial = f"{rng.randrange(2, 900):03d}"
            return (
                f"{day}{month}{year}-{serial}"
                + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(day + month + year + serial) % 31]
            )
        if country == "FR":
            body = (
                rng.choice("12") + year + month + f"{rng.randrange(1, 96):02d}" + self.digits(3, "123") + self.digits(3)
            )
            if body[5:7] == "20":
                return None
            check = f"{97 - int(body) % 97:02d}"
            return rng.choice(
                [body + check, f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:13]} {check}"]
            )
        if country == "GR":
            body = day + month + year + self.digits(4)
            return body + _luhn(body)
        if country == "HR":
            body = self.digits(10)
            return body + _mod_11_10(body)
        if country == "HU":
            body = "8" + self.digits(8)
            check = _weighted(body, (1, 2, 3, 4, 5, 6, 7, 8, 9)) % 11
            return None if check == 10 else body + str(check)
        if country == "IE":
            body = self.digits(7, "123456789")
            return body + "WABCDEFGHIJKLMNOPQRSTUV"[_weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 23]
        if country == "IT":
            return self._fiscal_code(year, day)
        if country == "LV":
            body = day + month + year + "1" + self.digits(3)
            check = (1101 - _weighted(body, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11
            return None if check == 10 else f"{body[:6]}-{body[6:]}{check}"
        if country == "NL":
            body = self.digits(8, "12345678")
            check = _weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
            return None if check == 10 else body + str(check)
        if country == "PL":
            body = year + month + day + self.digits(4)
            return body + str(-_weighted(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)
        if country == "PT":
            body = "2" + self.digits(7)
            rest = 11 - _weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
            return body + str(0 if rest > 9 else rest)
        if country == "RO":
            body = (
                rng.choice("12") + year + month + day + f"{rng.randrange(1, 47):02d}" + f"{rng.randrange(1, 999):03d}"
            )
            check = _weighted(body, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
            return body + str(1 if check == 10 else check)
        if country == "SE":
            body = year + month + day + self.digits(3)
            return f"{body[:6]}-{body[6:]}{_luhn(body)}"
        body = f"{day}{month}9{year}50{self.digits(3)}"  # Slovenia
        check = 11 - _weighted(body, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return None if check == 10 else body + str(check % 11)

    def _fiscal_code(self, year: str, day: str) -> str:
        odd = dict(
            zip(
                string.digits + string.ascii_uppercase,
                (
                    1,
                    0,
                    5,
                    7,
                    9,
                    13,
                    15,
                    17,
                    19,
                    21,
                    1,
                    0,
                    5,
                    7,
                    9,
                    13,
                    15,
                    17,
                    19,
                    21,
                    2,
                    4,
                    18,
                    20,
                    11,
                    3,
                    6,
                    8,
                    12,
                    14,
                    16,
                    10,
                    22,
                    25,
                    24,
                    23,
                ),
                strict=True,
            )
        )
        even = {
            sign: int(sign, 36) if sign.isdigit() else ord(sign) - 65 for sign in string.digits + string.ascii_uppercase
        }
        body = (
            "".join(self.rng.choice("BCDFGLMNPRSTVZ") for _ in range(6)) + year + self.rng.choice("ABCDEHLMPRST") + day
        )
        body += self.rng.choice(["H501", "F205", "L219", "A944", "D612"])
        total = sum(odd[sign] if place % 2 == 0 else even[sign] for place, sign in enumerate(body))
        return body + string.ascii_uppercase[total % 26]

    def vat(self, country: str) -> str:
        """Draw a VAT number with its prefix."""
        return self.until(lambda: self._vat(country))

    def _vat(self, country: str) -> str | None:
        if country == "DE":
            body = self.digits(8, "123456789")
            return f"DE{body}{_mod_11_10(body)}"
        if country == "AT":
            body = self.digits(7)
            total = sum(
                int(digit) * 2 // 10 + int(digit) * 2 % 10 if place % 2 else int(digit)
                for place, digit in enumerate(body)
            )
            return f"ATU{body}{(10 - (total + 4) % 10) % 10}"
        if country == "BE":
            body = "0" + self.digits(7, "456789")
            return f"BE{body}{97 - int(body) % 97:02d}"
        if country == "DK":
            return self._check_is_zero("DK", (2, 7, 6, 5, 4, 3, 2, 1), 11)
        if country == "NL":
            body = self.digits(8)
            check = _weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
            return None if check == 10 else f"NL{body}{check}B0{self.digits(1, '123')}"
        if country == "PL":
            body = self.digits(9, "123456789")
            check = _weighted(body, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
            return None if check == 10 else f"PL{body}{check}"
        if country == "IT":
            body = "0" + self.digits(6, "123456789") + "015"
            return f"IT{body}{_luhn(body)}"
        if country == "FR":
            siren = self.digits(8, "3458")
            siren += _luhn(siren)
            return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"
        if country == "ES":
            number = self.digits(7)
            return f"ESB{number}{_luhn(number)}"
        if country == "SE":
            body = "5" + self.digits(8)
            return f"SE{body}{_luhn(body)}01"
        if country == "FI":
            body = self.digits(7)
            rest = _weighted(body, (7, 9, 10, 5, 8, 4, 2)) % 11
            return None if rest == 1 else f"FI{body}{0 if rest == 0 else 11 - rest}"
        if country == "PT":
            body = "50" + self.digits(6)
            rest = 11 - _weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
            return f"PT{body}{0 if rest > 9 else rest}"
        if country == "LU":
            body = self.digits(6, "12")
            return f"LU{body}{int(body) % 89:02d}"
        if country == "HR":
            body = self.digits(10)
            return f"HR{body}{_mod_11_10(body)}"
        if country == "GR":
            body = self.digits(8)
            total = 0
            for digit in body:
                total = total * 2 + int(digit)
            return f"EL{body}{total * 2 % 11 % 10}"
        if country == "SI":
            body = self.digits(7, "123456789")
            check = 11 - _weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 11
            return None if check == 11 else f"SI{body}{check % 10}"
        if country == "EE":
            body = "10" + self.digits(6)
            return f"EE{body}{-_weighted(body, (3, 7, 1, 3, 7, 1, 3, 7)) % 10}"
        if country == "HU":
            body = self.digits(7, "12")
            return f"HU{body}{-_weighted(body, (9, 7, 3, 1, 9, 7, 3)) % 10}"
        body = self.digits(7, "123456789")  # Ireland
        return f"IE{body}" + "WABCDEFGHIJKLMNOPQRSTUV"[_weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 23]

    def _check_is_zero(self, prefix: str, weights: _WEIGHTS, modulus: int) -> str | None:
        body = self.digits(len(weights), "123456789")
        return f"{prefix}{body}" if _weighted(body, weights) % modulus == 0 else None

    def iban(self, country: str) -> str:
        """Draw an IBAN of a country whose account numbers have no check digits inside, or compute those."""
        bban = {
            "DE": self.digits(18), "AT": self.digits(16), "NL": "INGB" + self.digits(10), "PL": self.digits(24), "DK": self.digits(14),
            "IE": "AIBK" + self.digits(14), "SE": self.digits(20), "LT": self.digits(16), "LU": self.digits(16), "LV": "HABA" + self.digits(13),
            "CZ": self.digits(20), "RO": "BTRL" + self.digits(16), "GR": self.digits(23), "CY": self.digits(24), "MT": "VALL" + self.digits(23),
        }[country]  # fmt: skip
        number = bban + country + "00"
        check = 98 - int("".join(str(int(sign, 36)) for sign in number)) % 97
        whole = f"{country}{check:02d}{bban}"
        return (
            " ".join(whole[place : place + 4] for place in range(0, len(whole), 4))
            if self.rng.random() < 0.5
            else whole
        )

    def card(self) -> str:
        """Draw a payment card number."""
        if self.rng.random() < 0.2:
            body = self.rng.choice(["34", "37"]) + self.digits(12)
            number = body + _luhn(body)
            return self.rng.choice([f"{number[:4]} {number[4:10]} {number[10:]}", number])
        body = self.rng.choice(["4", "51", "54", "2720", "3589", "6011", "65"])
        body += self.digits(15 - len(body))
        number = body + _luhn(body)
        return self.rng.choice([" ", "-", "", " "]).join(number[place : place + 4] for place in range(0, 16, 4))

    def phone(self, country: str, *, abroad: bool) -> str:
        """Write a telephone number in one of the country's usual forms."""
        template = self.rng.choice(_ABROAD[country] if abroad else _AT_HOME[country])
        return "".join(self.rng.choice("23456789") if sign == "x" else sign for sign in template)

    def address(self) -> str:
        """Draw a public IP address."""
        if self.rng.random() < 0.35:
            return f"2001:{self.rng.randrange(0x600, 0xC00):x}:{self.rng.randrange(1, 65536):x}::{self.rng.randrange(1, 65536):x}:{self.rng.randrange(1, 65536):x}"
        return f"{self.rng.choice([31, 37, 80, 87, 92, 109, 145, 176, 188, 212])}.{self.rng.randrange(256)}.{self.rng.randrange(256)}.{self.rng.randrange(1, 255)}"

    def mail(self) -> str:
        """Draw an e-mail address."""
        first, last = (
            self.rng.choice(["jan", "eva", "luca", "marta", "ines", "ole"]),
            self.rng.choice(["novak", "silva", "berg", "rossi"]),
        )
        return f"{first}{self.rng.choice(['.', '_', ''])}{last}{self.rng.randrange(100)}@{self.rng.choice(['gmx.net', 'web.de', 'libero.it', 'orange.fr', 'wp.pl', 'seznam.cz', 'uni-graz.ac.at'])}"


_AT_HOME = {
    "AT": ["0664 xxxxxxx", "01 5xxxxxx", "0316/xxxxxx"], "BE": ["0475 xx xx xx", "02 5xx xx xx", "09/2xx.xx.xx"],
    "BG": ["0888 xxx xxx", "02 9xx xx xx"], "CZ": ["602 xxx xxx", "224 xxx xxx"], "DE": ["030 xxxxxxx", "0171 xxxxxxx", "(089) xxxxxx", "0221/xxxxxx"],
    "DK": ["40 xx xx xx", "33 xx xx xx"], "EE": ["52x xxxx", "5xxx xxxx"], "ES": ["612 xx xx xx", "91x xxx xxx", "654 xxx xxx"],
    "FI": ["040 xxx xxxx", "09 xxx xxxx"], "FR": ["01 4x xx xx xx", "06.1x.xx.xx.xx", "0478xxxxxx"], "GR": ["210 xxx xxxx", "697 xxx xxxx"],
    "HR": ["091 xxx xxxx", "01 4xxx xxx"], "HU": ["06 30 xxx xxxx", "06-1-2xx-xxxx"], "IE": ["087 xxx xxxx", "(01) 6xx xxxx"],
    "IT": ["06 4xxx xxxx", "347 xxx xxxx", "02 8xxxxxx"], "LT": ["8 612 xxxxx", "0 612 xxxxx", "(8 5) 2xx xxxx"], "LU": ["621 xxx xxx", "26 xx xx xx"],
    "LV": ["29 xxx xxx", "67 xxx xxx"], "MT": ["2122 xxxx", "9922 xxxx"], "NL": ["020-6xxxxxx", "06-2xxxxxxx", "06 2xxxxxxx", "010 4xx xxxx"],
    "PL": ["22 6xx xx xx", "601 xxx xxx", "501-xxx-xxx"], "PT": ["21 3xx xxxx", "912 xxx xxx"], "RO": ["0722 xxx xxx", "021 2xx xxxx"],
    "SE": ["08-5xx xxx xx", "070-2xx xx xx", "031-7x xx xx"], "SI": ["041 xxx xxx", "01 4xx xx xx"], "SK": ["0905 xxx xxx", "02/5xxx xxxx"],
    "CY": ["22 4xxxxx", "99 4xxxxx"],
}  # fmt: skip
_ABROAD = {
    "AT": ["+43 1 5xxxxxx", "+43 664 xxxxxxx", "0043 316 xxxxxx"], "BE": ["+32 475 xx xx xx", "+32 (0)2 5xx xx xx"], "BG": ["+359 888 xxx xxx"],
    "CZ": ["+420 602 xxx xxx", "+420224xxxxxx"], "DE": ["+49 30 xxxxxxx", "+49 (0)171 xxxxxxx", "0049 89 xxxxxx", "+49-221-xxxxxx"], "DK": ["+45 40 xx xx xx", "+4533xxxxxx"],
    "EE": ["+372 5xxx xxxx"], "ES": ["+34 612 xx xx xx", "+34 91x xxx xxx"], "FI": ["+358 40 xxx xxxx"], "FR": ["+33 1 4x xx xx xx", "+33 (0)6 1x xx xx xx", "0033 4 78 xx xx xx"],
    "GR": ["+30 210 xxx xxxx"], "HR": ["+385 91 xxx xxxx"], "HU": ["+36 30 xxx xxxx"], "IE": ["+353 87 xxx xxxx"], "IT": ["+39 06 4xxx xxxx", "+39 347 xxxxxxx"],
    "LT": ["+370 612 xxxxx"], "LU": ["+352 621 xxx xxx"], "LV": ["+371 29 xxx xxx"], "MT": ["+356 9922 xxxx"], "NL": ["+31 20 6xx xxxx", "+31 6 2xxxxxxx"], "PL": ["+48 601 xxx xxx"],
    "PT": ["+351 912 xxx xxx"], "RO": ["+40 722 xxx xxx"], "SE": ["+46 70 2xx xx xx", "+46 (0)8 5xx xxx xx"], "SI": ["+386 41 xxx xxx"], "SK": ["+421 905 xxx xxx"], "CY": ["+357 99 4xxxxx"],
}  # fmt: skip
_LANGUAGE = {
    "AT": "de", "BE": "fr", "BG": "bg", "CZ": "cs", "DE": "de", "DK": "da", "EE": "et", "ES": "es", "FI": "fi", "FR": "fr", "GR": "el",
    "HR": "hr", "HU": "hu", "IE": "en", "IT": "it", "LT": "lt", "LU": "fr", "LV": "lv", "MT": "mt", "NL": "nl", "PL": "pl", "PT": "pt",
    "RO": "ro", "SE": "sv", "SI": "sl", "SK": "sk", "CY": "el",
}  # fmt: skip
_PHONE_WORDS = {
    "de": ["Telefon", "Mobil", "Rufnummer", "Handy"], "fr": ["Téléphone", "Tél", "Portable"], "bg": ["Телефон", "Мобилен"], "cs": ["Tel.", "Mobil"],
    "da": ["Telefon", "Tlf", "Mobil"], "et": ["Telefon", "Mobiil"], "es": ["Teléfono", "Móvil", "Tfno."], "fi": ["Puhelin", "Puh", "Matkapuhelin"],
    "el": ["Τηλέφωνο", "Κινητό"], "hr": ["Telefon", "Mob"], "hu": ["Telefon", "Mobil"], "en": ["Phone", "Mobile", "Tel"], "it": ["Telefono", "Cell.", "Tel"],
    "lt": ["Telefonas", "Mob."], "lv": ["Tālrunis", "Tālr."], "mt": ["Telefon", "Mowbajl"], "nl": ["Telefoon", "Mobiel", "Tel"], "pl": ["Telefon", "Kom.", "tel"],
    "pt": ["Telefone", "Telemóvel"], "ro": ["Telefon", "Mobil"], "sv": ["Telefon", "Mobil", "Tfn"], "sl": ["Telefon", "GSM"], "sk": ["Telefón", "Mobil"],
}  # fmt: skip
_ID_WORDS = {
    "AT": ["SVNR", "Versicherungsnummer"], "BE": ["Numéro de registre national, rijksregisternummer", "INSZ"], "BG": ["ЕГН"], "CZ": ["Rodné číslo", "RČ"],
    "DE": ["Steuer-IdNr.", "Steueridentifikationsnummer", "IdNr."], "DK": ["CPR", "Personnummer"], "EE": ["Isikukood"], "ES": ["DNI", "NIF"], "FI": ["Henkilötunnus", "Hetu"],
    "FR": ["N° de sécurité sociale", "NIR"], "GR": ["ΑΜΚΑ"], "HR": ["OIB"], "HU": ["Adóazonosító jel"], "IE": ["PPS No", "PPSN"], "IT": ["Codice fiscale", "C.F. / codice fiscale"],
    "LV": ["Personas kods"], "LT": ["Asmens kodas"], "NL": ["BSN", "Burgerservicenummer"], "PL": ["PESEL", "Nr PESEL"], "PT": ["NIF", "N.º de contribuinte"], "RO": ["CNP"],
    "SE": ["Personnummer", "Pnr"], "SI": ["EMŠO"], "SK": ["Rodné číslo"],
}  # fmt: skip
_IBAN_COUNTRIES = "DE AT NL PL DK IE SE LT LU LV CZ RO GR CY MT".split()
_VAT_COUNTRIES = "DE AT BE DK NL PL IT FR ES SE FI PT LU HR GR SI EE HU IE".split()
_LAYOUTS = [
    "{word}: {value}",
    "{word} {value}",
    "{word}\t{value}",
    '"{word}": "{value}"',
    "{word};{value};",
    "* {word} - {value}",
]
_BARE_LAYOUTS = ["{value}", "({value})", '"{value}"', "| {value} |", "{value}, ", "-- {value}"]


def make(seed: int, size_bytes: int) -> list[Text]:
    """Give the base with one to four values in 30 of 100 documents, as lines of their own or inside of one."""
    rng, maker = random.Random(seed * 7919 + 5), Maker(seed * 104729 + 3)
    texts = corpus_base.held_out(seed + 1000, size_bytes)
    for text in texts:
        if rng.random() < 0.3:
            for _ in range(rng.randrange(1, 5)):
                _plant(text, rng, maker)
        if rng.random() < 0.3:
            _insert(text, rng, f"{_decoy(rng)}\n")
    return texts


def _plant(text: Text, rng: random.Random, maker: Maker) -> None:
    kind = rng.choice(
        ["email", "phone", "phone", "iban", "vat-number", "national-id", "national-id", "payment-card", "ip-address"]
    )
    at_home = [country for country, language in _LANGUAGE.items() if language == text.language != "en"]
    country = rng.choice(at_home) if at_home and rng.random() < 0.75 else rng.choice(list(_LANGUAGE))
    words: list[str]
    if kind == "phone":
        value, words = maker.phone(country, abroad=rng.random() < 0.5), _PHONE_WORDS[_LANGUAGE[country]]
    elif kind == "national-id":
        country = country if country in _ID_WORDS else rng.choice(list(_ID_WORDS))
        value, words = maker.national(country), _ID_WORDS[country]
    elif kind == "vat-number":
        country = country if country in _VAT_COUNTRIES else rng.choice(_VAT_COUNTRIES)
        value, words = maker.vat(country), ["VAT ID", "VAT", "Tax no"]
    elif kind == "iban":
        country = country if country in _IBAN_COUNTRIES else rng.choice(_IBAN_COUNTRIES)
        value, words = maker.iban(country), ["IBAN", "Bank"]
    elif kind == "payment-card":
        value, words = maker.card(), ["Card number", "Karta", "Carte", "Kreditkarte", "Tarjeta"]
    elif kind == "ip-address":
        value, words = maker.address(), ["Host", "Client", "Remote address"]
    else:
        value, words = maker.mail(), ["Mail", "E-mail", "Contact"]
    has_word = rng.random() < 0.65
    layout = rng.choice(_LAYOUTS if has_word else _BARE_LAYOUTS)
    if text.is_code:
        layout = "/* {word}: {value} */" if has_word else 'char *x = "{value}";'
    line = layout.format(word=rng.choice(words), value=value)
    place = _insert(text, rng, f"{line}\n") + line.index(value)
    text.planted.append(Planted(kind, country, place, place + len(value), has_word))


def _decoy(rng: random.Random) -> str:
    digits = lambda count: "".join(rng.choice(string.digits) for _ in range(count))  # noqa: E731
    return rng.choice([
        f"commit {rng.randbytes(20).hex()}", f"{rng.randbytes(4).hex()}-{rng.randbytes(2).hex()}-4{rng.randbytes(1).hex()}1-a{rng.randbytes(1).hex()}0-{rng.randbytes(6).hex()}",
        f"ISSN {digits(4)}-{digits(4)}", f"EAN {digits(13)}", f"order no. {digits(10)}", f"{digits(2)}:{digits(2)}:{digits(2)}.{digits(6)}", f"$ {digits(3)},{digits(3)}.{digits(2)}",
        f"v{rng.randrange(9)}.{rng.randrange(99)}.{rng.randrange(9)}.{rng.randrange(99)}", f"RFC {digits(4)}, section {rng.randrange(1, 9)}.{rng.randrange(1, 9)}.{rng.randrange(1, 9)}.{rng.randrange(1, 9)}",
        "  ".join(digits(5) for _ in range(6)), " ".join(digits(2) for _ in range(12)), f"1{digits(9)}.{digits(3)}", f"0x{rng.randbytes(8).hex()}", f"DE{digits(2)}{digits(4)}", f"{digits(4)} {digits(4)} {digits(4)} {digits(4)}",
    ])  # fmt: skip


def _insert(text: Text, rng: random.Random, piece: str) -> int:
    starts = [0, *(place + 1 for place, sign in enumerate(text.text) if sign == "\n")]
    place = rng.choice(starts)
    text.text = text.text[:place] + piece + text.text[place:]
    for planted in text.planted:
        if planted.start >= place:
            planted.start += len(piece)
            planted.end += len(piece)
    return place
