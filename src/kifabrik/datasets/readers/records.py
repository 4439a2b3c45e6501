"""Turns rows of named fields into passages: which field is the text, what else is known, which rows are conversations.

Knows rows, whatever file they came from. The names of fields are the one table below.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kifabrik.core.quantities import format_bytes
from kifabrik.datasets import conversations
from kifabrik.datasets.conversations import BadConversation, Form
from kifabrik.datasets.documents import Limits, Passage
from kifabrik.datasets.readers.reading import BrokenRecord

TEXT_FIELDS = ("text", "content", "raw_content", "body", "markdown", "code", "article", "document")
ABOUT = {
    "given_id": ("id", "_id", "doc_id", "document_id", "uuid", "warc_record_id"),
    "title": ("title", "headline"),
    "url": ("url", "uri", "source_url", "link", "permalink"),
    "licence": ("licence", "license", "spdx", "license_id"),
    "dated_on": (
        "date",
        "dated_on",
        "published",
        "published_at",
        "date_published",
        "created",
        "created_at",
        "timestamp",
    ),
    "language": ("language", "lang", "language_code", "locale"),
}
_NESTED = ("metadata", "meta")
_PLACE = {name: part for part, names in ABOUT.items() for name in names}
_NAMES = frozenset({*_PLACE, *_NESTED})
_VALUE_CHARACTERS_MAX = 2_000
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*")
FIX_LINE = 'A line looks like {"text": "..."}; mend it or take it out.'
FIX_CHAT = "Mend the conversation or take it out."
_CHAT = "messages, conversations, instruction and output, prompt and completion, or chosen and rejected"
FIX_FIELDS = f"Rename the field that holds the texts to 'text'; conversations have {_CHAT}."


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of one file look like: a field of text, or a form of conversation."""

    text_field: str = ""
    form: Form | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Give the fields that hold what is read."""
        return self.form.fields if self.form else (self.text_field,)


def recognise(row: Mapping[str, object]) -> Shape | None:
    """Find the shape of a file by its first row, or of a table by its columns; None if there is nothing to read."""
    if form := conversations.recognise(row):
        return Shape(form=form)
    field = find_text_field(row)
    return Shape(text_field=field) if field else None


def find_text_field(names: Iterable[str]) -> str:
    """Give the field that holds the text, by the order of the table of names, or an empty string."""
    known = set(names)
    return next((name for name in TEXT_FIELDS if name in known), "")


def make_passage(shape: Shape, row: Mapping[str, object], record: int, bytes_read: int, limits: Limits) -> Passage:
    """Make the passage of a row; raises BrokenRecord with the field."""
    if shape.form is not None:
        return _make_conversation(shape.form, row, record, bytes_read, limits)
    if shape.text_field not in row:
        raise BrokenRecord(f"the line is no object with a field '{shape.text_field}'", FIX_LINE)
    text = require_text(row[shape.text_field], shape.text_field, limits)
    if row.keys().isdisjoint(_NAMES):
        return Passage(text, record, bytes_read)
    return Passage(text, record, bytes_read, **find_about(row))


def require_text(value: object, field: str, limits: Limits) -> str:
    """Give a text that is one and small enough; raises BrokenRecord."""
    if not isinstance(value, str):
        raise BrokenRecord(f"the field '{field}' is not a string", FIX_LINE)
    limit = limits.document_bytes_max
    try:
        if len(value) * 4 > limit and len(value.encode()) > limit:
            raise BrokenRecord(f"the text is larger than {format_bytes(limit)}", "Cut it into several documents.")
    except UnicodeEncodeError as error:
        raise lone_surrogate(field) from error
    return value


def lone_surrogate(field: str) -> BrokenRecord:
    """Give the error for half a character, which no UTF-8 can hold."""
    return BrokenRecord(f"the field '{field}' holds half of a character (a lone surrogate)", "Write the file as UTF-8.")


def _make_conversation(form: Form, row: Mapping[str, object], record: int, bytes_read: int, limits: Limits) -> Passage:
    try:
        turns = conversations.convert(form, row)
    except BadConversation as error:
        raise BrokenRecord(f"{error} (form {form.name})", FIX_CHAT) from error
    text = require_text(conversations.render(turns), form.fields[-1], limits)
    about = find_about({name: value for name, value in row.items() if name not in form.fields})
    return Passage(text, record, bytes_read, **about, form=form.name, messages=conversations.encode(turns))


def find_about(row: Mapping[str, object]) -> dict[str, str]:
    """Find what a row says about its text, by the table of names; the first name of a kind that says so counts."""
    found: dict[str, str] = {}
    for nested in _NESTED:
        inner = row.get(nested)
        if isinstance(inner, dict):
            found |= find_about({name: value for name, value in inner.items() if name not in _NESTED})
    for part, names in ABOUT.items():
        for name in names:
            if value := clean(part, row.get(name)):
                found[part] = value
                break
    return found


def clean(part: str, value: object) -> str:
    """Give what a field says in one small form, or an empty string for what cannot be one."""
    if value is None or isinstance(value, bool | list | dict):
        return ""
    if part == "dated_on":
        return read_date(value)
    text = str(value).strip()
    if len(text) > _VALUE_CHARACTERS_MAX or not text.isprintable():
        return ""
    if part == "language":
        match = _LANGUAGE.fullmatch(text)
        return match[1].lower() if match else ""
    return text


def read_date(value: object) -> str:
    """Give the ISO date that a value begins with, or an empty string: what is no date is not guessed at."""
    try:
        return dt.date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return ""
