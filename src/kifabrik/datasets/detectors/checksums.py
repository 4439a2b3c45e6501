"""Check digits that python-stdnum does not know. Each function says by which publication it computes.

Knows numbers without separators, and no text.
"""

from datetime import date

from stdnum import luhn, verhoeff

_MRZ_WEIGHTS = (7, 3, 1)
_LICENCE_DIGITS, _LICENCE_LENGTH = 9, 11
_DOUBLED = bytes.maketrans(b"0123456789", bytes(2 * digit - 9 * (digit > 4) for digit in range(10)))


def is_hungarian_tax_number(number: str) -> bool:
    """Adóazonosító jel: ten digits, the first 8, weights 1 to 9, modulo 11 (Act XX of 1996, annex)."""
    if len(number) != 10 or not number.startswith("8"):
        return False
    return sum(weight * int(digit) for weight, digit in enumerate(number[:9], 1)) % 11 == int(number[9])


def is_hungarian_insurance_number(number: str) -> bool:
    """TAJ szám: nine digits, weights 3 and 7 in turn, modulo 10 (Act XX of 1996, annex)."""
    if len(number) != 9 or number == "000000000":
        return False
    return sum((3, 7)[place % 2] * int(digit) for place, digit in enumerate(number[:8])) % 10 == int(number[8])


def is_hungarian_personal_number(number: str) -> bool:
    """Személyi azonosító: sex, date, serial, check digit modulo 11; weights rise, from 1997 on they fall (same Act)."""
    if len(number) != 11 or number[0] not in "12345678":
        return False
    born = f"{'18' if number[0] in '56' and number[1] > '6' else '20' if number[0] in '34' else '19'}{number[1:7]}"
    if not is_date(born):
        return False
    weights = range(10, 0, -1) if born >= "19970101" else range(1, 11)
    return sum(weight * int(digit) for weight, digit in zip(weights, number[:10], strict=True)) % 11 == int(number[10])


def is_luxembourgish_number(number: str) -> bool:
    """Numéro d'identification: date, serial, Luhn and Verhoeff digits over the first eleven (Act of 19 June 2013)."""
    if len(number) != 13 or not is_date(number[:8]):
        return False
    return luhn.is_valid(number[:12]) and verhoeff.is_valid(number[:11] + number[12])


def is_german_insurance_number(number: str) -> bool:
    """Versicherungsnummer: area, date, letter, serial, check digit modulo 10 over cross sums (VKVR, § 2 and annex)."""
    if len(number) != 12 or not number[8].isalpha():
        return False
    day, month = int(number[2:4]), int(number[4:6])
    if not (1 <= day <= 31 or 51 <= day <= 81) or not 1 <= month <= 12:
        return False
    digits = number[:8] + f"{ord(number[8]) - ord('A') + 1:02d}" + number[9:11]
    products = (weight * int(digit) for weight, digit in zip((2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), digits, strict=True))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(number[11])


def is_maltese_number(number: str) -> bool:
    """Identity number: seven digits and the letter of the register, no check digit (Identity Card Act, cap. 258)."""
    return len(number) == 8 and number[:7].isdigit() and number[7] in "ABGHLMPZ" and int(number[:7]) > 0


def is_german_driving_licence(number: str) -> bool:
    """Führerscheinnummer: authority, serial, check digit modulo 11 with weights 9 to 1, issue (FeV, annex 8)."""
    if len(number) != _LICENCE_LENGTH:
        return False
    values = [int(sign) if sign.isdigit() else ord(sign) - ord("A") + 10 for sign in number[:_LICENCE_DIGITS]]
    rest = sum(weight * value for weight, value in zip(range(9, 0, -1), values, strict=True)) % 11
    return number[9] == ("X" if rest == 10 else str(rest))


def is_polish_identity_card(number: str) -> bool:
    """Seria i numer dowodu: three letters, check digit, five digits; weights 7, 3, 1 as in its readable zone."""
    return _has_polish_check(number, letters=3)


def is_polish_passport(number: str) -> bool:
    """Seria i numer paszportu: two letters, check digit, six digits; weights 7, 3, 1 as in its readable zone."""
    return _has_polish_check(number, letters=2)


def _has_polish_check(number: str, *, letters: int) -> bool:
    if len(number) != 9 or not number[:letters].isalpha() or not number[letters:].isdigit():
        return False
    weights = (7, 3, 1) * 3
    others = number[:letters] + number[letters + 1 :]
    return sum(w * mrz_value(s) for w, s in zip(weights, others, strict=False)) % 10 == int(number[letters])


def is_german_document(number: str) -> bool:
    """Serial number of identity cards and passports since 2010: nine signs and a check digit of weights 7, 3, 1."""
    return len(number) == 10 and number[9].isdigit() and mrz_check(number[:9]) == number[9]


def mrz_check(field: str) -> str:
    """Give the check digit of a field of a machine-readable travel document (ICAO Doc 9303, part 3)."""
    return str(sum(_MRZ_WEIGHTS[place % 3] * mrz_value(sign) for place, sign in enumerate(field)) % 10)


def mrz_value(sign: str) -> int:
    """Give the value of a sign in machine-readable documents: digits themselves, A = 10, the filler 0."""
    if sign.isdigit():
        return int(sign)
    return 0 if sign == "<" else ord(sign) - ord("A") + 10


def is_date(digits: str) -> bool:
    """Say whether eight digits are year, month and day of a date that exists."""
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def passes_luhn(number: str) -> bool:
    """Check the last digit as ISO/IEC 7812-1 computes it; stdnum's way is ten times slower, and this runs often."""
    digits = number.encode()[::-1]
    single = digits[::2]
    return (sum(single) - ord("0") * len(single) + sum(digits[1::2].translate(_DOUBLED))) % 10 == 0
