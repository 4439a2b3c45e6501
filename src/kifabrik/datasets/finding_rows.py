"""The rows of `--findings`: where each personal identifier stands, named by a keyed digest, never by its clear value.

The key is drawn for one run and forgotten, so that equal values can be counted within a run and nobody can test a
guess afterwards. Knows no severity.
"""

import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from kifabrik.core.errors import Conflict
from kifabrik.core.files import explain_disk_errors
from kifabrik.datasets.detectors.rule import Hit


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


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Names values by HMAC-SHA256 under a key of this run alone."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def name(self, hit: Hit) -> str:
        """Give the keyed digest of a value; the same value of the same kind has the same name within the run."""
        return "hmac-sha256:" + hmac.digest(self.key, f"{hit.kind}:{hit.value}".encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Writes rows as JSON Lines, or nothing when nobody asked for them."""

    stream: BinaryIO | None
    pseudonymiser: Pseudonymiser

    def write(self, document: str, hit: Hit) -> None:
        """Write the row of one hit; the clear value stays behind."""
        if self.stream is None:
            return
        digest = self.pseudonymiser.name(hit)
        row = FindingRow(document, hit.start, hit.end, hit.kind, hit.country, hit.tier, digest)
        self.stream.write(orjson.dumps(row) + b"\n")


@contextmanager
def writing_rows(path: Path | None) -> Iterator[RowWriter]:
    """Open the rows file under a temporary name; it gets its name at the end, or goes away on any error."""
    if path is None:
        yield RowWriter(None, Pseudonymiser())
        return
    if path.exists():
        raise Conflict("exists already.", where=str(path), remedy="Choose another file, or remove this one.")
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                yield RowWriter(stream, Pseudonymiser())
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(path)  # mode 0600 stays: offsets into personal data are for their owner
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
