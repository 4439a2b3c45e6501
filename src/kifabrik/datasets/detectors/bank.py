"""Bank account and payment card numbers, by checksum and structure. Knows no bank that exists."""

import re
from collections.abc import Callable
from functools import lru_cache

from stdnum import numdb
from stdnum.be import iban as belgian
from stdnum.es import ccc
from stdnum.no import kontonr

from kifabrik.datasets.detectors.checksums import passes_luhn
from kifabrik.datasets.detectors.rule import CHECKSUM, CONTEXT, SHAPE, Edges, Hit, Rule, Sheet

_IBAN_NAMES = (  # the single euro payments area, then the rest of the IBAN registry
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE"
    " SI SK SM VA AE AZ BA BR BY CR DO EG FO GE GL GT IL IQ JO KW KZ LB LC MR MU PK PS QA SA SC ST SV TL TN TR UA VG XK"
)
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_IBAN_BODIES = {  # after country and check digits, by the registry that stdnum carries
    country: re.compile(
        "".join(
            rf"(?:[ \u00a0-]?{_CLASSES[kind]}){{{length}}}"
            for length, kind in re.findall("([0-9]+)!?([nac])", rows[0][1]["bban"])
        )
        + "(?![A-Za-z0-9])"
    )
    for country in _IBAN_NAMES.split()
    if (rows := numdb.get("iban").info(country + "00")) and "bban" in rows[0][1]
}
_CHECKS_INSIDE: dict[str, Callable[[str], bool]] = {  # account numbers with check digits of their own
    "BE": lambda account: int(account[10:]) == (int(account[:10]) % 97 or 97) and bool(belgian.info(f"BE00{account}")),
    "ES": ccc.is_valid,
    "ME": lambda account: int(account) % 97 == 1,
    "NO": kontonr.is_valid,
}
_VALUES = str.maketrans({sign: str(int(sign, 36)) for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
_HEX_GROUP = re.compile("[0-9A-F]{4}")
_SEPARATORS = str.maketrans("", "", " -\u00a0")
_EXAMPLE_IBANS = frozenset(  # those printed in the IBAN registry and in countless manuals
    {"GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606", "GB29NWBK60161331926819"}
)
_CARD = re.compile(
    r"\d{4}([ -])\d{4}\1\d{4}\1(?:\d{4}(?:\1\d{3}(?!\d))?|\d)(?!\d)|\d{4}([ -])\d{6}\2\d{4,5}(?!\d)|\d{13,19}(?!\d)",
    re.ASCII,
)
_USUAL_LENGTHS = frozenset({15, 16})
_QUOTES = frozenset({'"', "'"})
_EXAMPLE_CARDS = frozenset(  # test numbers that card schemes and payment firms publish
    {"4111111111111111", "4242424242424242", "4012888888881881", "4222222222222", "5555555555554444"}
    | {"5105105105105100", "2223003122003222", "378282246310005", "371449635398431", "6011111111111117"}
    | {"6011000990139424", "30569309025904", "38520000023237", "3530111333300000", "3566002020360505"}
)
_NETWORKS: tuple[tuple[range, int, frozenset[int]], ...] = (  # issuer prefixes, their length, lengths of the number
    (range(4, 5), 1, frozenset({13, 16, 19})),  # Visa
    (range(51, 56), 2, frozenset({16})),  # Mastercard
    (range(2221, 2721), 4, frozenset({16})),  # Mastercard
    (range(34, 35), 2, frozenset({15})),  # American Express
    (range(37, 38), 2, frozenset({15})),  # American Express
    (range(300, 306), 3, frozenset({14})),  # Diners
    (range(36, 37), 2, frozenset({14})),  # Diners
    (range(38, 40), 2, frozenset({14})),  # Diners
    (range(6011, 6012), 4, frozenset({16, 19})),  # Discover
    (range(644, 650), 3, frozenset({16, 19})),  # Discover
    (range(65, 66), 2, frozenset({16, 19})),  # Discover
    (range(3528, 3590), 4, frozenset({16, 19})),  # JCB
    (range(62, 63), 2, frozenset({16, 17, 18, 19})),  # UnionPay
    (range(6759, 6760), 4, frozenset({12, 13, 14, 15, 16, 18, 19})),  # Maestro
    (range(6761, 6764), 4, frozenset({12, 13, 14, 15, 16, 18, 19})),  # Maestro
    (range(5018, 5019), 4, frozenset({12, 13, 14, 15, 16, 18, 19})),  # Maestro
)


def _examine_iban(sheet: Sheet, start: int, end: int) -> Hit | None:
    text = sheet.text
    if start and text[start - 1].isalnum():
        return None
    country = text[start : start + 2]
    body = _IBAN_BODIES.get(country)
    match = body.match(text, end) if body is not None else None
    if match is None:
        return None
    number = text[start : match.end()].translate(_SEPARATORS)
    if int((number[4:] + number[:4]).translate(_VALUES)) % 97 != 1:
        return None
    if country in _CHECKS_INSIDE and not _CHECKS_INSIDE[country](number[4:]):
        return None
    return Hit("iban", start, match.end(), CHECKSUM, number, country=country, is_example=number in _EXAMPLE_IBANS)


def _examine_card(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    match = _CARD.match(text, start)
    if match is None:
        return None
    separator = match[1] or match[2] or ""
    if not _begins_here(text, start, separator):
        return None
    for end in _ends_of_card(match, separator):
        number = text[start:end].translate(_SEPARATORS)
        if _ends_there(text, end, separator) and _is_card(number):
            tier = CHECKSUM if separator else _tier_of_bare(sheet, start, number)
            return Hit("payment-card", start, end, tier, number, is_example=number in _EXAMPLE_CARDS)
    return None


def _tier_of_bare(sheet: Sheet, start: int, number: str) -> int:
    """Digits in one piece: lengths that every network uses count, in code only within quotes; others need a word."""
    is_usual = len(number) in _USUAL_LENGTHS and (not sheet.is_code or sheet.text[start - 1 : start] in _QUOTES)
    return CONTEXT if is_usual or sheet.words_before(start).speak_of("card") else SHAPE


def _begins_here(text: str, start: int, separator: str) -> bool:
    """A card number does not begin within a word, a decimal number or a row of number groups."""
    before = text[max(0, start - 5) : start]
    if before[-1:].isalnum():
        return False
    return not (separator and before[-1:] == separator and _HEX_GROUP.fullmatch(before[-5:-1]))


def _ends_there(text: str, end: int, separator: str) -> bool:
    after = text[end : end + 5]
    if after[:1].isalnum() or after[:1] in {"_", "-"} or (after[:1] == "." and after[1:2].isdigit()):
        return False
    return not (separator and after[:1] == separator and _HEX_GROUP.fullmatch(after[1:]))


def _ends_of_card(match: re.Match[str], separator: str) -> tuple[int, ...]:
    """Give where the number may end: three digits after four groups of four belong to it, or are a security code."""
    if separator and match[0].count(separator) == 4:
        return match.end(), match.end() - 4
    return (match.end(),)


def _is_card(number: str) -> bool:
    if len(set(number)) == 1 or not passes_luhn(number):
        return False
    return len(number) in _lengths_of(number[:4])


@lru_cache(maxsize=10_000)
def _lengths_of(prefix: str) -> frozenset[int]:
    """Give the lengths of the numbers that begin with these four digits."""
    known = (lengths for prefixes, digits, lengths in _NETWORKS if int(prefix[:digits]) in prefixes)
    return frozenset().union(*known)


IBAN = Rule(
    kind="iban",
    label="bank account numbers (IBAN)",
    anchors=(rb"\b(?:" + "|".join(_IBAN_BODIES).encode() + rb")[0-9]{2}",),
    examine=_examine_iban,
    serious_from=1,
    examples="numbers printed as examples in the IBAN registry",
)
PAYMENT_CARD = Rule(
    kind="payment-card",
    label="payment card numbers",
    anchors=(
        rb"\b[0-9]{4} [0-9]{4} [0-9]{4} [0-9]",
        rb"\b[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]",
        rb"\b3[0-9]{3} [0-9]{6} [0-9]{4}",
        rb"\b3[0-9]{3}-[0-9]{6}-[0-9]{4}",
        rb"\b[2-6][0-9]{12}",
    ),
    examine=_examine_card,
    serious_from=1,
    examples="test numbers published by card schemes",
    edges=Edges(before="_.+-"),
)
