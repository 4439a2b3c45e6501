"""Telephone numbers, international and national, judged by the numbering plans of phonenumbers. Knows no subscriber.

A national number counts at tier 2 beside a word such as "Tel." or when the text is in a language of its country and
the groups are those of its plan; at tier 1 when it has a trunk prefix and the groups of some plan.
"""

import re

import phonenumbers

from kifabrik.datasets.detectors.context import Words
from kifabrik.datasets.detectors.fiction import is_fiction
from kifabrik.datasets.detectors.national_rows import LANGUAGES_OF
from kifabrik.datasets.detectors.phone_plans import NationalNumber, read_international, read_national
from kifabrik.datasets.detectors.rule import CONTEXT, SHAPE, Edges, Examine, Hit, Rule, Sheet

KIND = "phone"
_NEAR = 32  # characters before a national number in which a word about telephones counts
_GAPS = frozenset(" \u00a0\u202f./()\u2010\u2011\u2013-")
_GAP = "[ \u00a0\u202f./()\u2010\u2011\u2013-]"
_GAP_BYTES = rb"(?:[ ./()-]|\xc2\xa0|\xe2\x80[\x90\x91\x93\xaf])"
_INTERNATIONAL = re.compile(rf"(?:\+|00)[1-9](?:{_GAP}{{0,3}}[0-9]){{6,14}}(?!\w)")
_DECIMAL = re.compile(r"\+\d+\.\d+\Z")
_NATIONAL = re.compile(rf"\(?[0-9]{{1,5}}(?:{_GAP}{{0,3}}[0-9]){{4,14}}(?!\w)")
_RUN = re.compile("[0-9]+")
_DATE = re.compile(
    r"[0-3]?[0-9]([./-])[01]?[0-9]\1(?:19|20)?[0-9]{2}(?![0-9]|[./-][0-9])"
    r"|[01]?[0-9]/[0-3]?[0-9]/(?:19|20)[0-9]{2}(?![0-9])"
    r"|(?:19|20)[0-9]{2}(?:-(?:19|20)?[0-9]{2}(?![0-9])|[01][0-9][0-3][0-9](?![0-9])|-[01][0-9]-[0-3][0-9])"
)
_ADDRESS = re.compile(r"[1-9][0-9]{0,2}(?:\.(?:0|[1-9][0-9]{0,2})){3}(?![0-9]|\.[0-9])")
_TOUCHES = re.compile(r"[0-9][ .,:/\u00a0\u2010\u2011\u2013-]?\Z|\b0[1-9][0-9]{0,4} [/-] \Z|[\w+*#=&%$€£@.,/-]\Z")
_BEFORE_BLANK = frozenset("0123456789/-")
_EDGES = Edges(before="_+*#=&%$@.,/-", digit_before=" .,:/-")  # what of _TOUCHES can be seen in bytes
_AFTER = re.compile(r"[.,:/-]?[0-9]|[%€$£_]| ?(?:EUR|USD|Kč|zł|kr|km|kg|MB|GB|KB|bytes)\b")
_MORE = re.compile(r"[ \t][0-9]")
_DIGITS_MIN = 7
_QUOTES = frozenset({'"', "'"})
_NATIONAL_ANCHORS = (
    rb"\([08][0-9]?[ -]?[0-9]{1,4}\)[ ]?[0-9]",
    rb"\b0[1-9][0-9]{0,4}(?:[ ./-]|\xc2\xa0|\xe2\x80[\x90\x91\x93])[0-9]{2}",
    rb"\b0[1-9][0-9]{1,4} [/-] [0-9]{2}",
    rb"\b0[1-9][0-9]{7,10}\b",
    rb"\b[2-9][0-9]{1,2}(?:[ .-]|\xc2\xa0)[0-9]{2,4}(?:[ .-]|\xc2\xa0)[0-9]{2}",
    rb"\b(?:(?:2[1-9]|[3-9][0-9])[0-9]{2}|[2-9][0-9]{2})[ -][0-9]{4}\b",
    rb"\b[2-9][0-9]{2}[ -][0-9]{6,7}\b",
    rb"\b[2-9][0-9] [0-9]{6}\b",
    rb"\b[2-9][0-9]{6,9}\b",
    rb"\b1[2-8][0-9]{7}\b",
    rb"\b1[2-8][ .-][0-9]{3}[ .-][0-9]{2}[ .-][0-9]{2}\b",
)


def _examine_international(sheet: Sheet, start: int, _: int) -> Hit | None:
    text = sheet.text
    match = _INTERNATIONAL.match(text, start)
    if match is None or text[start - 1 : start].isalnum() or _DECIMAL.match(match[0]):
        return None
    for end in _ends_of_groups(match):
        raw = text[start:end]
        if sheet.is_code and raw[1:].isdigit() and not _stands_for_itself(sheet, start, end):
            return None
        hit = _read_international(raw, raw, start, end)
        if hit is not None:
            return hit
    return None


def _examine_double_zero(sheet: Sheet, start: int, _: int) -> Hit | None:
    """Judge a number that begins with 00: the sign for another country in the whole Union."""
    text = sheet.text
    match = _INTERNATIONAL.match(text, start)
    if match is None or _TOUCHES.search(text, max(0, start - 2), start):
        return None
    for end in _ends_of_groups(match):
        raw = text[start:end]
        if raw.isdigit() and not sheet.words_before(start).speak_of("phone"):
            return None
        hit = _read_international("+" + raw[2:], raw, start, end)
        if hit is not None:
            return hit
    return None


def _read_international(plus_form: str, raw: str, start: int, end: int) -> Hit | None:
    if raw.count("(") != raw.count(")"):
        return None
    direct = read_international(plus_form)
    if direct is not None:
        return Hit(KIND, start, end, CONTEXT, direct.e164, country=direct.region, is_example=is_fiction(direct.e164))
    try:
        number = phonenumbers.parse(plus_form, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(number) or ""
    return Hit(KIND, start, end, CONTEXT, value, country=country, is_example=is_fiction(value))


def _ends_of_groups(match: re.Match[str]) -> list[int]:
    """Give the places where the number may end, the longest first: what follows it may be another number."""
    start, end = match.span()
    cuts = [run.end() for run in _RUN.finditer(match.string, start, end)]
    return [end, *(cut for cut in cuts[-2::-1] if cut - start >= _DIGITS_MIN)]


def _stands_for_itself(sheet: Sheet, start: int, end: int) -> bool:
    """In code, bare digits after a plus are arithmetic unless quotes hold them or a word names them."""
    return _is_quoted(sheet.text, start, end) or sheet.words_before(start, _NEAR).speak_of("phone")


def _is_quoted(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in _QUOTES and text[end : end + 1] in _QUOTES


def _examine_national(sheet: Sheet, start: int, end: int) -> Hit | None:
    text = sheet.text
    if text[start] != "(" and text[start - 1 : start] == "(" and ")" in text[start : start + 8]:
        start -= 1
    if _is_touched(text, start) or _DATE.match(text, start):
        return None
    words = sheet.words_before(start, _NEAR)
    has_word = words.speak_of("phone")
    if not has_word and not _is_possible_without_word(sheet, start, end):
        return None
    if _ADDRESS.match(text, start) and (not has_word or any(map(str.isdigit, sheet.before(start, _NEAR)))):
        return None
    match = _NATIONAL.match(text, start)
    if match is None:
        return None
    for end in _ends_of_groups(match):
        hit = _judge_national(sheet, start, end, words, has_word)
        if hit is not None:
            return hit
    return None


def _is_touched(text: str, start: int) -> bool:
    """Look at what _EDGES do not see: signs beyond ASCII, and what stands before a bracket or a blank."""
    before = text[start - 1 : start]
    if before == " " and text[start - 2 : start - 1] not in _BEFORE_BLANK:
        return False
    return before != "\n" and _TOUCHES.search(text, max(0, start - 9), start) is not None


def _is_possible_without_word(sheet: Sheet, start: int, end: int) -> bool:
    """Without a word a number needs quotes in code; groups, unless shapes are wanted; elsewhere a language or a 0."""
    text = sheet.text
    if sheet.is_code and text[start - 1 : start] not in _QUOTES:
        return False
    if sheet.tier_min <= SHAPE:
        return True
    if text[start:end].isdigit() and text[end : end + 1] not in _GAPS:
        return False
    return sheet.is_code or bool(sheet.language) or text[start] in "(0"


def _judge_national(sheet: Sheet, start: int, end: int, words: Words, has_word: bool) -> Hit | None:
    text = sheet.text
    if _AFTER.match(text, end) or (not has_word and _MORE.match(text, end)):
        return None
    raw = text[start:end]
    runs = _RUN.findall(raw)
    digits = "".join(runs)
    if len(digits) < _DIGITS_MIN or raw.count("(") != raw.count(")"):
        return None
    if len(runs) == 1 and not has_word and sheet.tier_min > SHAPE:  # what is not grouped is no more than a shape
        return None
    if not has_word and sheet.is_code and not _is_quoted(text, start, end):
        return None
    groups = tuple(map(len, runs))
    tongues = words.languages if has_word else frozenset()
    ranked = [
        (_tier(each, groups, has_word, sheet), _fit(each, groups, tongues, sheet.language), each)
        for each in read_national(digits)
    ]
    if not ranked:
        return None
    tier, _, best = max(ranked, key=lambda each: each[:2])
    if tier == 0:
        return None
    return Hit(KIND, start, end, tier, best.e164, country=best.region, is_example=is_fiction(best.e164))


def _fit(reading: NationalNumber, groups: tuple[int, ...], tongues: frozenset[str], language: str) -> tuple[bool, ...]:
    spoken = LANGUAGES_OF[reading.region]
    return language in spoken, len(spoken & tongues) > 0, reading.groups == groups, reading.with_trunk


def _tier(reading: NationalNumber, groups: tuple[int, ...], has_word: bool, sheet: Sheet) -> int:
    """Say how sure a reading is; 0 where nothing but the count of digits speaks for it."""
    if has_word:
        return CONTEXT
    at_home = sheet.language in LANGUAGES_OF[reading.region]
    is_grouped = reading.groups == groups and len(groups) > 1
    if is_grouped and reading.with_trunk and (at_home or sheet.is_code or len(groups) > 2):
        return CONTEXT
    if is_grouped and at_home and len(groups) > 2:
        return CONTEXT
    is_bare = len(groups) == 1 and (at_home or reading.with_trunk)
    return SHAPE if is_bare or (is_grouped and (reading.with_trunk or len(groups) > 2 or at_home)) else 0


def _make_rule(examine: Examine, edges: Edges, *anchors: bytes) -> Rule:
    return Rule(
        kind=KIND,
        label="telephone numbers",
        anchors=anchors,
        examine=examine,
        serious_from=3,
        examples="numbers set aside for fiction and manuals",
        edges=edges,
    )


PHONE_RULES: tuple[Rule, ...] = (
    _make_rule(
        _examine_international,
        Edges(before="_+.)]"),
        rb"\+[1-9]" + _GAP_BYTES + rb"{0,2}[0-9]" + _GAP_BYTES + rb"{0,2}[0-9]",
    ),
    _make_rule(_examine_double_zero, _EDGES, rb"\b00[34][0-9]"),
    _make_rule(_examine_national, _EDGES, *_NATIONAL_ANCHORS),
)
