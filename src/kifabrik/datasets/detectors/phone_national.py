"""National telephone numbers where they stand in a text: what is around them, and what the numbering plans say.

A number counts at tier 2 beside a word such as "Tel."; with the groups of a plan in a text of a language of that
country; with three groups or more and a trunk prefix; and where it is all that stands in its quotes, brackets, cell or
line. Groups that may be an amount (512 662 896) need quotes for that. Tier 1 is what else looks like a number of some
plan. Knows no subscriber.
"""

import re
from typing import NamedTuple

from kifabrik.datasets.detectors.fiction import is_fiction
from kifabrik.datasets.detectors.national_rows import LANGUAGES_OF
from kifabrik.datasets.detectors.phone_plans import DIGITS_MAX, DIGITS_MIN, NationalNumber, read_national
from kifabrik.datasets.detectors.rule import CONTEXT, SHAPE, Beside, Edges, Hit, Sheet

KIND = "phone"
NEAR = 48  # characters before a national number in which a word about telephones counts
_VERY_NEAR = 32
GAP = "[ \u00a0\u202f./()\u2010\u2011\u2013-]"
QUOTES = frozenset({'"', "'"})
TOUCHES = re.compile(
    r"[0-9][ .,:/\u00a0\u2010\u2011\u2013-]?\Z|\b0[1-9][0-9]{0,4} [/-] \Z|[\w+*#=&%$€£@,/-]\Z|(?<![^\W\d_])\.\Z"
)
EDGES = Edges(before="_+*#=&%$@,/-", digit_before=" .,:/-")  # what of TOUCHES can be seen in bytes
BESIDE = Beside(("phone",), NEAR, digits_only=True, first="0", left="(", right=" ./()-")  # as `_is_possible...` says
ANCHORS = (
    rb"\([08][0-9]?[ -]?[0-9]{1,4}\)[ ]?[0-9]",
    rb"\b0[1-9][0-9]{0,4}(?:[ ./-]|\xc2\xa0|\xe2\x80[\x90\x91\x93])[0-9]{2}",
    rb"\b0[1-9][0-9]{1,4} [/-] [0-9]{2}",
    rb"\b0[1-9][0-9]{6,10}\b",
    rb"\b[2-9][0-9]{1,2}(?:[ .-]|\xc2\xa0)[0-9]{2,4}(?:[ .-]|\xc2\xa0)[0-9]{2}",
    rb"\b(?:(?:2[1-9]|[3-9][0-9])[0-9]{2}|[2-9][0-9]{2})[ .-][0-9]{4}\b",
    rb"\b[2-9][0-9]{2}[ .-][0-9]{6,7}\b",
    rb"\b[2-9][0-9][ .-][0-9]{6}\b",
    rb"\b[2-9][0-9]{6,9}\b",
    rb"\b1[2-8][0-9]{7}\b",
    rb"\b1[2-8][ .-][0-9]{3}[ .-][0-9]{2}[ .-][0-9]{2}\b",
)
_GAPS = frozenset(" \u00a0\u202f./()\u2010\u2011\u2013-")
_NUMBER = re.compile(rf"\(?[0-9]{{1,5}}(?:{GAP}{{0,3}}[0-9]){{4,14}}(?!\w)")
_RUN = re.compile("[0-9]+")
_DATE = re.compile(
    r"[0-3]?[0-9]([./-])[01]?[0-9]\1(?:19|20)?[0-9]{2}(?![0-9]|[./-][0-9])"
    r"|[01]?[0-9]/[0-3]?[0-9]/(?:19|20)[0-9]{2}(?![0-9])"
    r"|(?:19|20)[0-9]{2}(?:-(?:19|20)?[0-9]{2}(?![0-9])|[01][0-9][0-3][0-9](?![0-9])|-[01][0-9]-[0-3][0-9])"
)
_ADDRESS = re.compile(r"[1-9][0-9]{0,2}(?:\.(?:0|[1-9][0-9]{0,2})){3}(?![0-9]|\.[0-9])")
_BEFORE_BLANK = frozenset("0123456789/-")
_FRACTION = re.compile(r"[1-9][0-9]+\.[0-9]+(?![ .\u00a0\u202f-]?[0-9])")
_AFTER = re.compile(r"[.,:/-]?[0-9]|[%€$£_]| ?(?:EUR|USD|Kč|zł|kr|km|kg|MB|GB|KB|bytes)\b")
_MORE = re.compile(r"[ \t][0-9]")
_AMOUNT = re.compile("[0-9]{1,3}(?:[ .\u00a0\u202f][0-9]{3})+")
_PARTNERS_OF_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u201a": "\u2018\u2019",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
}
_PARTNERS_OF_FRAMES = {"(": ")", "[": "]", ">": "<", "|": "|", "\t": "\t\n", "\n": "\n", ",": ",\n", ";": ";\n"}
_LONG, _LONG_AT_HOME = 9, 8  # digits of a number that is no accident
_COUNTING = "01234567890123"
_FRAME_MAX = 8  # blanks between a number and what it stands in


class _Around(NamedTuple):
    """What speaks for a number: a word and its languages, a code in brackets, that nothing else stands in its frame."""

    has_word: bool
    tongues: frozenset[str]
    has_bracket: bool = False
    is_apart: bool = False
    may_be_amount: bool = False


def ends_of_groups(match: re.Match[str]) -> list[int]:
    """Give the places where the number may end, the longest first: what follows it may be another number."""
    start, end = match.span()
    cuts = [run.end() for run in _RUN.finditer(match.string, start, end)]
    return [end, *(cut for cut in cuts[-2::-1] if cut - start >= DIGITS_MIN)]


def examine_national(sheet: Sheet, start: int, end: int) -> Hit | None:
    """Judge a place where digits may be a telephone number as it is dialled at home."""
    text = sheet.text
    if text[start] != "(" and text[start - 1 : start] == "(" and ")" in text[start : start + 8]:
        start -= 1
    if _is_touched(text, start) or _DATE.match(text, start):
        return None
    if _ADDRESS.match(text, start) and not _is_named(sheet, start):
        return None
    words = sheet.words_before(start, NEAR)
    has_word = words.speak_of("phone")
    if not has_word and not _is_possible_without_word(sheet, start, end):
        return None
    match = _NUMBER.match(text, start)
    if match is None:
        return None
    around = _Around(has_word, words.languages if has_word else frozenset())
    hits = (_judge(sheet, start, end, around) for end in ends_of_groups(match))
    return next((hit for hit in hits if hit is not None), None)


def _is_named(sheet: Sheet, start: int) -> bool:
    """Say whether a word near by, with no digits between, calls what may be an address of a machine a telephone."""
    has_digit = any(map(str.isdigit, sheet.before(start, NEAR)))
    return not has_digit and sheet.words_before(start, _VERY_NEAR).speak_of("phone")


def is_quoted(text: str, start: int, end: int) -> bool:
    """Say whether a piece of code is a string."""
    return text[start - 1 : start] in QUOTES and text[end : end + 1] in QUOTES


def _is_touched(text: str, start: int) -> bool:
    """Look at what EDGES do not see: signs beyond ASCII, and what stands before a bracket or a blank."""
    before = text[start - 1 : start]
    if before == " " and text[start - 2 : start - 1] not in _BEFORE_BLANK:
        return False
    return before != "\n" and TOUCHES.search(text, max(0, start - 9), start) is not None


def _is_possible_without_word(sheet: Sheet, start: int, end: int) -> bool:
    """Without a word a number needs quotes in code; groups, unless shapes are wanted; elsewhere a language or a 0.

    Two groups with a full stop between may be a fraction.
    """
    text = sheet.text
    if (sheet.is_code and text[start - 1 : start] not in QUOTES) or _FRACTION.match(text, start):
        return False
    if sheet.tier_min <= SHAPE:
        return True
    if text[start:end].isdigit() and text[end : end + 1] not in _GAPS:
        return text[start] == "0" and not sheet.is_code and _is_framed(text, start, end)
    return (
        sheet.is_code or bool(sheet.language) or text[start] in "(0" or text[start - 1 : start] in _PARTNERS_OF_QUOTES
    )


def _is_framed(text: str, start: int, end: int) -> bool:
    """Say whether a number is all that stands in its quotes, brackets, cell or line."""
    if _is_in_quotes(text, start, end):
        return True
    left = text[max(0, start - _FRAME_MAX) : start].rstrip(" ")[-1:] or ("\n" if start <= _FRAME_MAX else "")
    right = text[end : end + _FRAME_MAX].lstrip(" ")[:2] or "\n"
    partners = _PARTNERS_OF_FRAMES.get(left, "")
    return right[0] in partners or (left == "\n" and right in {".\n", ".", ",\n", ";\n"})


def _is_in_quotes(text: str, start: int, end: int) -> bool:
    after = text[end : end + 1]
    return after != "" and after in _PARTNERS_OF_QUOTES.get(text[start - 1 : start], "")


def _judge(sheet: Sheet, start: int, end: int, around: _Around) -> Hit | None:
    text = sheet.text
    if _AFTER.match(text, end) or (not around.has_word and _MORE.match(text, end)):
        return None
    raw = text[start:end]
    runs = _RUN.findall(raw)
    digits = "".join(runs)
    if not DIGITS_MIN <= len(digits) <= DIGITS_MAX or raw.count("(") != raw.count(")"):
        return None
    if not around.has_word:
        if digits in _COUNTING:
            return None
        if sheet.is_code and not is_quoted(text, start, end):
            return None
        may_be_amount = _AMOUNT.fullmatch(raw) is not None
        is_apart = _is_in_quotes(text, start, end) or (_is_framed(text, start, end) and not may_be_amount)
        around = around._replace(has_bracket=raw.startswith("("), is_apart=is_apart, may_be_amount=may_be_amount)
    groups = tuple(map(len, runs))
    ranked = [
        (_tier(each, groups, around, sheet), _fit(each, groups, around, sheet.language), each)
        for each in read_national(digits)
    ]
    tier, _, best = max(ranked, key=lambda each: each[:2], default=(0, (), None))
    if tier == 0 or best is None:
        return None
    return Hit(KIND, start, end, tier, best.e164, country=best.region, is_example=is_fiction(best.e164))


def _fit(reading: NationalNumber, groups: tuple[int, ...], around: _Around, language: str) -> tuple[bool, ...]:
    spoken = LANGUAGES_OF[reading.region]
    return language in spoken, len(spoken & around.tongues) > 0, reading.groups == groups, reading.trunk != ""


def _tier(reading: NationalNumber, groups: tuple[int, ...], around: _Around, sheet: Sheet) -> int:
    """Say how sure a reading is; 0 where nothing but the count of digits speaks for it."""
    if around.has_word or (around.has_bracket and reading.trunk):
        return CONTEXT
    at_home = sheet.language in LANGUAGES_OF[reading.region]
    has_trunk = reading.trunk != ""
    if len(groups) == 1:
        is_sure = at_home and around.is_apart and has_trunk
        return CONTEXT if is_sure else SHAPE if at_home or has_trunk else 0
    if not reading.is_grouped_as(groups):
        return CONTEXT if _is_grouped_by_hand(groups, around, has_trunk=has_trunk, at_home=at_home) else 0
    if _is_grouped_surely(groups, around, has_trunk=has_trunk, at_home=at_home, is_code=sheet.is_code):
        return CONTEXT
    return SHAPE if has_trunk or at_home or len(groups) > 2 else 0


def _is_grouped_surely(
    groups: tuple[int, ...], around: _Around, *, has_trunk: bool, at_home: bool, is_code: bool
) -> bool:
    """Say whether groups as a plan writes them are no accident: by language, place, trunk prefix and length."""
    size, many = sum(groups), len(groups) > 2
    if many and (at_home or has_trunk or around.is_apart):
        return True
    if has_trunk:
        return at_home or around.is_apart or is_code or size >= _LONG
    if at_home:
        return around.is_apart or size >= _LONG_AT_HOME
    return many and size >= _LONG and not around.may_be_amount


def _is_grouped_by_hand(groups: tuple[int, ...], around: _Around, *, has_trunk: bool, at_home: bool) -> bool:
    """Say whether groups are as people write numbers without a rule: a code, then groups of two digits or more.

    Without a trunk prefix they must be short, one of four digits at most.
    """
    if not 2 <= groups[0] <= 5 or min(groups[1:]) < 2:
        return False
    if has_trunk:
        return at_home or around.is_apart
    is_short = len(groups) > 2 and max(groups) < 5 and sorted(groups)[-2] < 4
    return at_home and is_short and not around.may_be_amount
