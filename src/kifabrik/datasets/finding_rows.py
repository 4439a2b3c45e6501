"""The rows of personal identifiers: where each stands, named by a keyed digest, never by its clear value.

`start` and `end` count characters of the text as it was found, before anything in it was replaced; the card says what
was done. The key is kept elsewhere (see `keys`), so only its owner can look for a known value. Knows no severity.
"""

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa

from kifabrik.core.errors import Conflict
from kifabrik.core.files import explain_disk_errors, fsync_folder
from kifabrik.records.dataset_card import FindingsFile

_MODE = 0o600  # offsets into personal data are for their owner


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One personal identifier: `start` and `end` are character offsets in the text of the document."""

    document: str
    start: int
    end: int
    kind: str
    country: str
    tier: int
    digest: str


_NAMES = tuple(FindingRow.__dataclass_fields__)


@dataclass(slots=True)
class RowWriter:
    """Writes rows as JSON Lines and names the file by its content."""

    stream: BinaryIO
    rows: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @classmethod
    def open(cls, path: Path) -> "RowWriter":
        """Begin a file that only its owner may read."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        return cls(os.fdopen(handle, "wb"))

    def write_all(self, hits: pa.Table, sources: pa.ChunkedArray) -> None:
        """Write a row for each hit; `sources` names the document of each."""
        columns = [sources, *(hits.column(name) for name in _NAMES[1:])]
        values = zip(*(column.to_pylist() for column in columns), strict=True)
        lines = [
            orjson.dumps(dict(zip(_NAMES, row, strict=True))) for row in values
        ]  # many: objects take twice as long
        if lines:
            data = b"\n".join(lines) + b"\n"
            self.stream.write(data)
            self._digest.update(data)
            self.rows += len(lines)

    def close(self) -> FindingsFile:
        """End the file and describe it."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        return FindingsFile(digest="sha256:" + self._digest.hexdigest(), rows=self.rows)


def require_free(path: Path) -> None:
    """Refuse a place that is taken, before any work is done."""
    if path.exists():
        raise Conflict("exists already.", where=str(path), remedy="Choose another file, or remove this one.")


def copy_rows(source: Path, target: Path) -> None:
    """Copy the rows to where a person wants them, whole or not at all."""
    draft = target.parent / f".{target.name}.draft"
    with explain_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
            with source.open("rb") as rows, os.fdopen(handle, "wb") as stream:
                shutil.copyfileobj(rows, stream)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        fsync_folder(target.parent)
