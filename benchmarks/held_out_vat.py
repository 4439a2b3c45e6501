"""VAT numbers of 19 Member States with check digits computed here; python-stdnum has no part in it."""

from benchmarks.held_out_numbers import Draw, Make, ireland, luhn, mod_11_10, netherlands, portugal, weighted


def _austria(draw: Draw) -> str:
    body = draw.digits(7)
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(body)]
    return f"ATU{body}{-(sum(value // 10 + value % 10 for value in doubled) + 4) % 10}"


def _belgium(draw: Draw) -> str:
    body = "0" + draw.digits(7, "456789")
    return f"BE{body}{97 - int(body) % 97:02d}"


def _germany(draw: Draw) -> str:
    body = draw.digits(8, "123456789")
    return f"DE{body}{mod_11_10(body)}"


def _denmark(draw: Draw) -> str | None:
    body = draw.digits(8, "123456789")
    return f"DK{body}" if weighted(body, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 else None


def _estonia(draw: Draw) -> str:
    body = "10" + draw.digits(6)
    return f"EE{body}{-weighted(body, (3, 7, 1, 3, 7, 1, 3, 7)) % 10}"


def _greece(draw: Draw) -> str:
    body = draw.digits(8)
    return f"EL{body}{weighted(body, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10}"


def _spain(draw: Draw) -> str:
    number = draw.digits(7)
    return f"ESB{number}{luhn(number)}"


def _finland(draw: Draw) -> str | None:
    body = draw.digits(7)
    rest = weighted(body, (7, 9, 10, 5, 8, 4, 2)) % 11
    return None if rest == 1 else f"FI{body}{0 if rest == 0 else 11 - rest}"


def _france(draw: Draw) -> str:
    siren = draw.digits(8, "3458")
    siren += luhn(siren)
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def _croatia(draw: Draw) -> str:
    body = draw.digits(10)
    return f"HR{body}{mod_11_10(body)}"


def _hungary(draw: Draw) -> str:
    body = draw.digits(7, "12")
    return f"HU{body}{-weighted(body, (9, 7, 3, 1, 9, 7, 3)) % 10}"


def _italy(draw: Draw) -> str:
    body = "0" + draw.digits(6, "123456789") + "015"
    return f"IT{body}{luhn(body)}"


def _luxembourg(draw: Draw) -> str:
    body = draw.digits(6, "12")
    return f"LU{body}{int(body) % 89:02d}"


def _netherlands(draw: Draw) -> str | None:
    number = netherlands(draw)
    return None if number is None else f"NL{number}B0{draw.digits(1, '123')}"


def _poland(draw: Draw) -> str | None:
    body = draw.digits(9, "123456789")
    check = weighted(body, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
    return None if check == 10 else f"PL{body}{check}"


def _sweden(draw: Draw) -> str:
    body = "5" + draw.digits(8)
    return f"SE{body}{luhn(body)}01"


def _slovenia(draw: Draw) -> str | None:
    body = draw.digits(7, "123456789")
    check = 11 - weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 11
    return None if check == 11 else f"SI{body}{check % 10}"


VAT: dict[str, Make] = {
    "AT": _austria, "BE": _belgium, "DE": _germany, "DK": _denmark, "EE": _estonia, "ES": _spain, "FI": _finland,
    "FR": _france, "GR": _greece, "HR": _croatia, "HU": _hungary, "IE": lambda draw: f"IE{ireland(draw)}",
    "IT": _italy, "LU": _luxembourg, "NL": _netherlands, "PL": _poland, "PT": lambda draw: f"PT{portugal(draw)}",
    "SE": _sweden, "SI": _slovenia,
}  # fmt: skip
