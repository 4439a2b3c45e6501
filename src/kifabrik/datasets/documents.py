"""What flows through a check: passages as read, documents as kept, and how far the work is. Knows no file format."""

from dataclasses import dataclass

CODE_FORMATS = frozenset({"py"})
TEXT_FORMATS = frozenset({"txt", "md", "py"})  # one file, one document


@dataclass(frozen=True, slots=True)
class Passage:
    """One text as a reader found it; `record` is its line, row or piece in the file, from 1, or 0 for a whole file."""

    text: str
    record: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Document:
    """One kept text: `id` is the digest of its UTF-8 bytes, `source` the file and record, `format` the file suffix."""

    id: str
    source: str
    text: str
    format: str


@dataclass(frozen=True, slots=True)
class ProgressNote:
    """How far a piece of work is: `done` is a share from 0 to 1; `seconds_left` is None while nobody can tell."""

    step: str
    done: float
    message: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a check accepts before it refuses, so that no input can take the memory of the machine."""

    line_bytes_max: int = 32 * 1024**2
    document_bytes_max: int = 16 * 1024**2
    files_max: int = 1_000_000
    expansion_max: int = 200  # text bytes per compressed byte; real text stays below 50
    row_group_bytes_max: int = 512 * 1024**2
    shard_bytes_max: int = 256 * 1000**2
    task_bytes_max: int = 256 * 1000**2  # source bytes that are looked at in one go, and repeated after a kill


STANDARD_LIMITS = Limits()
