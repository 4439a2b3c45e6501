"""National identifiers of the Member States where they stand in a text, by the table of `national_rows`.

Where several countries' checks accept a number, the languages of the words before it and then of the text decide.
"""

from dataclasses import dataclass
from functools import partial

from kifabrik.datasets.detectors.context import NO_WORDS, Words
from kifabrik.datasets.detectors.national_rows import FORMS, IDENTIFIERS, LANGUAGES_OF, PERSON, TAX, Identifier
from kifabrik.datasets.detectors.rule import CHECKSUM, CONTEXT, SHAPE, Beside, Edges, Hit, Rule, Sheet

KIND = "national-id"
_SEPARATORS = str.maketrans("", "", " .-/")
_SIGN_MATTERS = frozenset({"6 sign 3 letter", "6-4", "8-4"})  # the sign tells the century
_SIGN_SPLITS = frozenset({"SE", "DK"})  # there the sign stands between the date and the serial, and may be missing
_EDGES = Edges(before="+_.,", digit_before=".,:/+-", after="_", digit_after=".,/:-")
_EDGES_OF_GROUPS = Edges(before="+_.,", digit_before=" .,:/+-", after="_", digit_after=" .,/:-")
_QUOTES = frozenset({'"', "'"})
_EXAMPLES = frozenset(  # numbers that manuals and encyclopaedias print
    {"44051401359", "131052-308T", "131052308T", "RSSMRA85T10A562S", "12345678Z", "X1234567L", "00000000T"}
    | {"1234567T", "1234567FA", "36574261809", "47036892816", "123456782", "111222333", "65170839J003", "811218-9876"}
)


@dataclass(frozen=True, slots=True)
class _Form:
    """A written form with the identifiers that use it, those that stand alone first."""

    name: str
    alone: tuple[Identifier, ...]
    beside_words: tuple[Identifier, ...]
    groups: tuple[str, ...]  # which words make any of those that do not stand alone count


def _examine(form: _Form, sheet: Sheet, start: int, end: int) -> Hit | None:
    text = sheet.text
    if sheet.cuts_word(start, end) or not _may_count(form, sheet, start):
        return None
    raw = text[start:end]
    number = raw if form.name in _SIGN_MATTERS else raw.translate(_SEPARATORS)
    if len(set(number)) <= 2:  # zeros and fillers
        return None
    is_bare = sheet.is_code and raw.isdigit() and text[start - 1 : start] not in _QUOTES  # in code: just a number
    is_just_number = is_bare and not sheet.words_before(start).speak_of(PERSON, TAX)
    chosen = [] if is_just_number else [row for row in form.alone if row.check(number)]
    if chosen:
        words = sheet.words_before(start) if len(chosen) > 1 or form.beside_words else NO_WORDS
        return _make_hit(start, end, number, _nearest(chosen, words, sheet.language), CHECKSUM)
    return _examine_beside_words(form, sheet, start, end, number)


def _may_count(form: _Form, sheet: Sheet, start: int) -> bool:
    """Say whether a number without a word beside it could count at all."""
    return bool(form.alone) or sheet.tier_min <= SHAPE or sheet.words_before(start).speak_of(*form.groups)


def _examine_beside_words(form: _Form, sheet: Sheet, start: int, end: int, number: str) -> Hit | None:
    if not form.beside_words:
        return None
    words = sheet.words_before(start)
    meant = [row for row in form.beside_words if words.speak_of(*row.groups)]
    chosen = [row for row in meant if row.check(number)]
    if chosen:
        return _make_hit(start, end, number, _nearest(chosen, words, sheet.language), CONTEXT)
    if sheet.tier_min > SHAPE:
        return None
    chosen = [row for row in form.beside_words if row.has_checksum and row.check(number)]
    if not chosen:
        return None
    return _make_hit(start, end, number, _nearest(chosen, words, sheet.language), SHAPE)


def _nearest(rows: list[Identifier], words: Words, language: str) -> Identifier:
    """Choose by the language of the words, then by that of the text, then by the order of the table."""
    for row in rows:
        if not LANGUAGES_OF[row.country].isdisjoint(words.languages) and language in LANGUAGES_OF[row.country]:
            return row
    for row in rows:
        if not LANGUAGES_OF[row.country].isdisjoint(words.languages):
            return row
    return next((row for row in rows if language in LANGUAGES_OF[row.country]), rows[0])


def _make_hit(start: int, end: int, number: str, row: Identifier, tier: int) -> Hit:
    is_example = number in _EXAMPLES
    value = number.replace("-", "").replace("+", "")[-10:] if row.country in _SIGN_SPLITS else number
    return Hit(KIND, start, end, tier, value, row.country, is_example)


def _make_rule(name: str) -> Rule:
    anchor = FORMS[name]
    rows = [row for row in IDENTIFIERS if name in row.forms]
    form = _Form(
        name=name,
        alone=tuple(row for row in rows if row.stands_alone),
        beside_words=tuple(row for row in rows if not row.stands_alone),
        groups=tuple({group for row in rows if not row.stands_alone for group in row.groups}),
    )
    return Rule(
        kind=KIND,
        label="national identity, social security and tax numbers",
        anchors=(anchor,),
        examine=partial(_examine, form),
        serious_from=1,
        examples="numbers that manuals and encyclopaedias print",
        edges=_EDGES_OF_GROUPS if b" " in anchor else _EDGES,
        beside=Beside() if form.alone else Beside(form.groups),
    )


NATIONAL_RULES: tuple[Rule, ...] = tuple(_make_rule(name) for name in FORMS)
