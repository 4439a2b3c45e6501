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
import pyarrow.compute as pc

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
        for chunk in _write_lines(hits, sources).chunks:
            data = b"".join(chunk.cast(pa.binary()).to_pylist())
            self.stream.write(data)
            self._digest.update(data)
            self.rows += len(chunk)

    def close(self) -> FindingsFile:
        """End the file and describe it."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        return FindingsFile(digest="sha256:" + self._digest.hexdigest(), rows=self.rows)


def _write_lines(hits: pa.Table, documents: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write each hit as a line of JSON, column by column; only names of documents hold signs that JSON writes apart."""
    pieces: list[str | pa.ChunkedArray] = []
    for name, kind in FindingRow.__annotations__.items():
        column = _quote(documents) if name == "document" else hits.column(name).cast(pa.string())
        mark = '"' if kind is str and name != "document" else ""
        pieces += [f'{"," if pieces else "{"}"{name}":{mark}', column, mark]
    return pc.binary_join_element_wise(*pieces, "}\n", "")


def _quote(names: pa.ChunkedArray) -> pa.ChunkedArray:
    if pc.any(pc.match_substring_regex(names, r'["\\\x00-\x1f]')).as_py():
        quoted = [orjson.dumps(name).decode() for name in names.to_pylist()]
        return pa.chunked_array([quoted], pa.string())
    return pc.binary_join_element_wise('"', names, '"', "")


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
