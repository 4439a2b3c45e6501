"""What flows through a check: files, passages as read, documents as kept, and how far the work is."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kifabrik.datasets import formats

CODE_FORMATS = formats.CODE_FORMATS
TEXT_FORMATS = formats.TEXT_FORMATS  # one file, one document


class Passage(NamedTuple):
    """One text as a reader found it; `record` is its line, row or piece in the file, from 1, or 0 for a whole file.

    `bytes_read` says how far into the file the reader is. What the file itself says about the text comes along, empty
    where it says nothing: `language` as a small code, `dated_on` as an ISO date, `given_id` the name the row bears.
    `format` and `member` are set inside archives; `form` names the form of a chat row, whose turns are `messages`.
    """

    text: str
    record: int
    bytes_read: int
    format: str = ""
    member: str = ""
    given_id: str = ""
    title: str = ""
    url: str = ""
    licence: str = ""
    dated_on: str = ""
    language: str = ""
    form: str = ""
    messages: str = ""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read; `name` is its path below what all named paths share, so that no home folder shows in a card.

    With `end` it is a piece of a larger file: the bytes (JSON Lines, begin and end at lines) or the row groups
    (Parquet) from `begin` to before `end`, after `records_before` lines or rows; `size_bytes` is that of the piece.
    """

    path: Path
    name: str
    size_bytes: int
    format: str
    begin: int = 0
    end: int = 0
    records_before: int = 0

    def format_of(self, passage: Passage) -> str:
        """Give the format of a passage: its own inside an archive, else that of the file."""
        return passage.format or self.format

    def locate(self, passage: Passage) -> str:
        """Say where a passage stands: `a.txt`, `a.txt#2` (a piece), `a.jsonl:7` (a line), `a.zip!b/c.jsonl:7`."""
        name = f"{self.name}!{passage.member}" if passage.member else self.name
        mark = "#" if self.format_of(passage) in TEXT_FORMATS else ":"
        return f"{name}{mark}{passage.record}" if passage.record else name


@dataclass(frozen=True, slots=True)
class Document:
    """One kept text: `id` is the digest of its UTF-8 bytes, `source` the file and record, `format` the file suffix.

    The rest is what the file said about it (see Passage); `messages` is canonical JSON, a list of role and content.
    """

    id: str
    source: str
    text: str
    format: str
    given_id: str = ""
    title: str = ""
    url: str = ""
    licence: str = ""
    dated_on: str = ""
    language: str = ""
    messages: str = ""


@dataclass(frozen=True, slots=True)
class ProgressNote:
    """How far a piece of work is: `done` is a share from 0 to 1; `seconds_left` is None while nobody can tell."""

    step: str
    done: float
    message: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a check accepts before it refuses, so that no input can take the memory or the time of the machine."""

    line_bytes_max: int = 32 * 1024**2
    document_bytes_max: int = 16 * 1024**2
    files_max: int = 1_000_000
    expansion_max: int = 200  # text bytes per compressed byte; real text stays below 50
    row_group_bytes_max: int = 512 * 1024**2
    shard_bytes_max: int = 256 * 1000**2
    task_bytes_max: int = 256 * 1000**2  # source bytes that are looked at in one go, and repeated after a kill
    parse_bytes_max: int = 512 * 1024**2  # memory of the process that reads PDF, Word, HTML, Parquet and archives
    parse_seconds_max: int = 5  # its processor time for one document
    packed_file_bytes_max: int = 64 * 1024**2  # a file inside an archive that must be held whole to be read
    members_max: int = 50_000  # files in one archive
    archive_depth_max: int = 2  # archives inside archives
    broken_records_max: int = 1_000  # in one file; after that it is not what it says it is


STANDARD_LIMITS = Limits()
