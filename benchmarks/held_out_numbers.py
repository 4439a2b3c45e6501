"""Numbers with check digits computed here, from the rules of the issuing states; python-stdnum has no part in it.

Each maker may give None: then that draw has no check digit and another one follows.
"""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Draw:
    """One draw: a source of chance and a date of birth as year, month and day of two digits each."""

    rng: random.Random
    year: str
    month: str
    day: str

    @classmethod
    def make(cls, rng: random.Random) -> "Draw":
        return cls(rng, f"{rng.randrange(35, 99)}", f"{rng.randrange(1, 13):02d}", f"{rng.randrange(1, 28):02d}")

    def digits(self, count: int, first: str = string.digits) -> str:
        """Draw digits, the first one from a choice."""
        return self.rng.choice(first) + "".join(self.rng.choice(string.digits) for _ in range(count - 1))


Make = Callable[[Draw], str | None]


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """Give the weighted sum of digits."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(digits: str) -> str:
    """Give the check digit of ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def mod_11_10(digits: str) -> str:
    """Give the check digit of ISO 7064, modulo 11,10."""
    state = 10
    for digit in digits:
        state = (state + int(digit)) % 10 or 10
        state = state * 2 % 11
    return str((11 - state) % 10)


def _ending(body: str, check: int) -> str | None:
    return None if check == 10 else body + str(check)


def austria(draw: Draw) -> str | None:
    serial, born = draw.digits(3, "123456789"), draw.day + draw.month + draw.year
    check = weighted(serial + born, (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11
    return None if check == 10 else f"{serial}{check} {born}"


def belgium(draw: Draw) -> str:
    serial = f"{draw.rng.randrange(1, 998):03d}"
    check = f"{97 - int(draw.year + draw.month + draw.day + serial) % 97:02d}"
    dotted = f"{draw.year}.{draw.month}.{draw.day}-{serial}.{check}"
    return draw.rng.choice([dotted, dotted.replace(".", "").replace("-", "")])


def bulgaria(draw: Draw) -> str:
    body = draw.year + draw.month + draw.day + draw.digits(3)
    return body + str(weighted(body, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10)


def czechia(draw: Draw) -> str | None:
    body = f"{draw.rng.randrange(54, 99)}{draw.month}{draw.day}{draw.digits(3)}"
    check = int(body) % 11
    return None if check == 10 else f"{body[:6]}/{body[6:]}{check}"


def germany(draw: Draw) -> str | None:
    pool = draw.rng.sample(string.digits, 9)
    body = "".join(draw.rng.sample([*pool, pool[0]], 10))
    if body[0] == "0" or any(body[place] == body[place + 1] for place in range(9)):
        return None
    number = body + mod_11_10(body)
    return draw.rng.choice([number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"])


def denmark(draw: Draw) -> str:
    return f"{draw.day}{draw.month}{draw.year}-{draw.digits(4, '0123')}"


def estonia(draw: Draw) -> str:
    body = draw.rng.choice("34") + draw.year + draw.month + draw.day + draw.digits(3)
    check = weighted(body, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    return body + str(weighted(body, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10 if check == 10 else check)


def spain(draw: Draw) -> str:
    number = draw.digits(8)
    return number + draw.rng.choice(["", "", "-"]) + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def finland(draw: Draw) -> str:
    born, serial = draw.day + draw.month + draw.year, f"{draw.rng.randrange(2, 900):03d}"
    return f"{born}-{serial}" + "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(born + serial) % 31]


def france(draw: Draw) -> str | None:
    place = f"{draw.rng.randrange(1, 96):02d}"
    body = draw.rng.choice("12") + draw.year + draw.month + place + draw.digits(3, "123") + draw.digits(3)
    check = f"{97 - int(body) % 97:02d}"
    spaced = f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:13]} {check}"
    return None if place == "20" else draw.rng.choice([body + check, spaced])


def greece(draw: Draw) -> str:
    body = draw.day + draw.month + draw.year + draw.digits(4)
    return body + luhn(body)


def croatia(draw: Draw) -> str:
    body = draw.digits(10)
    return body + mod_11_10(body)


def hungary(draw: Draw) -> str | None:
    body = "8" + draw.digits(8)
    return _ending(body, weighted(body, (1, 2, 3, 4, 5, 6, 7, 8, 9)) % 11)


def ireland(draw: Draw) -> str:
    body = draw.digits(7, "123456789")
    return body + "WABCDEFGHIJKLMNOPQRSTUV"[weighted(body, (8, 7, 6, 5, 4, 3, 2)) % 23]


_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def italy(draw: Draw) -> str:
    body = "".join(draw.rng.choice("BCDFGLMNPRSTVZ") for _ in range(6)) + draw.year + draw.rng.choice("ABCDEHLMPRST")
    body += draw.day + draw.rng.choice(["H501", "F205", "L219", "A944", "D612"])
    ranks = [int(sign) if sign.isdigit() else string.ascii_uppercase.index(sign) for sign in body]
    total = sum(_ODD[rank] if place % 2 == 0 else rank for place, rank in enumerate(ranks))
    return body + string.ascii_uppercase[total % 26]


def latvia(draw: Draw) -> str | None:
    body = draw.day + draw.month + draw.year + "1" + draw.digits(3)
    check = (1101 - weighted(body, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11
    return None if check == 10 else f"{body[:6]}-{body[6:]}{check}"


def netherlands(draw: Draw) -> str | None:
    body = draw.digits(8, "12345678")
    return _ending(body, weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11)


def poland(draw: Draw) -> str:
    body = draw.year + draw.month + draw.day + draw.digits(4)
    return body + str(-weighted(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def portugal(draw: Draw) -> str:
    body = "2" + draw.digits(7)
    rest = 11 - weighted(body, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return body + str(0 if rest > 9 else rest)


def romania(draw: Draw) -> str:
    body = draw.rng.choice("12") + draw.year + draw.month + draw.day
    body += f"{draw.rng.randrange(1, 47):02d}{draw.rng.randrange(1, 999):03d}"
    check = weighted(body, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return body + str(1 if check == 10 else check)


def sweden(draw: Draw) -> str:
    body = draw.year + draw.month + draw.day + draw.digits(3)
    return f"{body[:6]}-{body[6:]}{luhn(body)}"


def slovenia(draw: Draw) -> str | None:
    body = f"{draw.day}{draw.month}9{draw.year}50{draw.digits(3)}"
    return _ending(body, (11 - weighted(body, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11)


NATIONAL: dict[str, Make] = {
    "AT": austria, "BE": belgium, "BG": bulgaria, "CZ": czechia, "DE": germany, "DK": denmark, "EE": estonia,
    "ES": spain, "FI": finland, "FR": france, "GR": greece, "HR": croatia, "HU": hungary, "IE": ireland, "IT": italy,
    "LV": latvia, "LT": estonia, "NL": netherlands, "PL": poland, "PT": portugal, "RO": romania, "SE": sweden,
    "SI": slovenia, "SK": czechia,
}  # fmt: skip
