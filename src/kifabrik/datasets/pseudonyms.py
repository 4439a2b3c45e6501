"""Replacement values by kind: documentation domains and networks, telephone numbers of films, and impossible numbers.

The ranges: example.org (RFC 2606), 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849),
00-00-5E-00-53-xx (RFC 7042), telephone numbers of `fiction`, country ZZ (never assigned by ISO 3166), card numbers that
begin with 0000 and fail their checksum, dates in the year 0000. Small ranges give some values the same pseudonym.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle

from kifabrik.datasets.detectors.fiction import FICTION
from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.keys import Key

_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so that no word comes out
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_ALNUM = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"[0-9]")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SECRET_MAX = 40
_NOBODYS_PREFIX = {True: "999", False: "000"}  # no country code; no beginning of a number in any plan


@dataclass(frozen=True, slots=True)
class _Draw:
    """What a replacement is made of: the hit, its text, and bytes that depend on its value and the key."""

    hit: Hit
    surface: str
    octets: bytes

    def consonants(self, count: int) -> str:
        return "".join(_CONSONANTS[octet % len(_CONSONANTS)] for octet, _ in zip(cycle(self.octets), range(count)))

    def spell(self, surface: str) -> str:
        """Put consonants where letters and digits stood; separators stay."""
        signs = iter(self.consonants(len(surface)))
        return _ALNUM.sub(lambda _: next(signs), surface)


class Pseudonyms:
    """Makes replacements under one key."""

    def __init__(self, key: Key | bytes) -> None:
        self.key = key if isinstance(key, Key) else Key(key)

    def replace(self, hit: Hit, surface: str) -> str:
        """Give the replacement of a hit whose text is `surface`."""
        octets = self.key.pseudonym_bytes(hit.kind, hit.value, max(32, len(surface)))
        return _MAKERS.get(hit.kind, _spell)(_Draw(hit, surface, octets))


def _spell(draw: _Draw) -> str:
    return draw.spell(draw.surface)


def _mail(draw: _Draw) -> str:
    return f"{draw.consonants(12).lower()}@example.org"


def _iban(draw: _Draw) -> str:
    return "ZZ00" + draw.spell(draw.surface[4:])


def _vat(draw: _Draw) -> str:
    return "ZZ" + draw.spell(draw.surface[2:]) if draw.surface[:2].isalpha() else draw.spell(draw.surface)


def _card(draw: _Draw) -> str:
    count = sum(map(str.isdigit, draw.surface))
    digits = "0000" + "".join(str(octet % 10) for octet in draw.octets[4:count])
    if _luhn_sum(digits) % 10 == 0:
        digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    return _write_digits(draw.surface, digits)


def _luhn_sum(digits: str) -> int:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(map(int, "".join(map(str, doubled))))


def _write_digits(surface: str, digits: str) -> str:
    each = iter(digits)
    return _DIGIT.sub(lambda _: next(each), surface)


def _address(draw: _Draw) -> str:
    if ":" in draw.surface:
        return "2001:db8:" + ":".join(draw.octets[place : place + 2].hex() for place in range(0, 12, 2))
    return f"{_NETWORKS[draw.octets[0] % 3]}.{1 + draw.octets[1] % 254}"


def _machine(draw: _Draw) -> str:
    separator = "-" if "-" in draw.surface else ":"
    return separator.join(["00", "00", "5E", "00", "53", f"{draw.octets[0]:02X}"])


def _phone(draw: _Draw) -> str:
    digits = "".join(str(octet % 10) for octet in draw.octets)
    is_international = draw.surface.startswith(("+", "00"))
    ranges = FICTION.get(draw.hit.country, ())
    if ranges:
        chosen = ranges[draw.octets[-1] % len(ranges)]
        return (chosen.international if is_international else chosen.national) + digits[: chosen.free_digits]
    return _write_digits(draw.surface, _NOBODYS_PREFIX[draw.surface.startswith("+")] + digits)


def _birthday(draw: _Draw) -> str:
    day, month = 1 + draw.octets[0] % 28, 1 + draw.octets[1] % 12
    is_iso = _ISO_DATE.fullmatch(draw.surface) is not None
    return f"0000-{month:02d}-{day:02d}" if is_iso else f"{day:02d}.{month:02d}.0000"


def _place(draw: _Draw) -> str:
    return _DIGIT.sub("0", draw.surface)


def _secret(draw: _Draw) -> str:
    return "EXAMPLE" + draw.consonants(max(0, min(len(draw.surface), _SECRET_MAX) - 7))


def _credentials(draw: _Draw) -> str:
    return "example:EXAMPLE" + draw.consonants(8)


def _name(draw: _Draw) -> str:
    return "person-" + draw.consonants(8).lower()


_MAKERS: dict[str, Callable[[_Draw], str]] = {
    "email": _mail,
    "iban": _iban,
    "vat-number": _vat,
    "payment-card": _card,
    "ip-address": _address,
    "mac-address": _machine,
    "phone": _phone,
    "date-of-birth": _birthday,
    "coordinates": _place,
    "secret": _secret,
    "url-credentials": _credentials,
    "name": _name,
}
