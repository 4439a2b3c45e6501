"""Writes documents into Parquet shards with zstd: equal documents in equal order give equal bytes. Knows no check."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.core.digests import digest_file
from kifabrik.datasets.documents import Document
from kifabrik.records.dataset_card import Shard

SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "source", "text", "format")])
_GROUP_DOCUMENTS = 5_000
_GROUP_BYTES = 16 * 1024**2
_ZSTD_LEVEL = 3


@dataclass(slots=True)
class ShardWriter:
    """Writes one split into numbered shards of at most `shard_bytes_max`, one row group at a time."""

    folder: Path
    split: Literal["train", "held-out"]
    shard_bytes_max: int
    shards: list[Shard] = field(default_factory=list)
    _waiting: list[Document] = field(default_factory=list)
    _waiting_bytes: int = 0
    _documents: int = 0
    _stream: BinaryIO | None = None
    _writer: pq.ParquetWriter | None = None

    def add(self, document: Document, size_bytes: int) -> None:
        """Take one document; `size_bytes` is the size of its text."""
        if self._waiting and self._waiting_bytes + size_bytes > min(_GROUP_BYTES, self.shard_bytes_max // 2):
            self._flush()
        self._waiting.append(document)
        self._waiting_bytes += size_bytes
        if len(self._waiting) >= _GROUP_DOCUMENTS:
            self._flush()

    def close(self) -> None:
        """Write what waits and end the last shard; a split without documents has no shard."""
        self._flush()
        self._end_shard()

    def discard(self) -> None:
        """Let go of the open file after an error; the folder around it goes away anyway."""
        if self._writer is not None and self._stream is not None:
            with suppress(OSError, pa.ArrowException):  # the disk may be full still
                self._writer.close()
            with suppress(OSError):
                self._stream.close()
            self._writer, self._stream = None, None

    def _flush(self) -> None:
        if not self._waiting:
            return
        if self._stream is not None and self._stream.tell() + self._waiting_bytes > self.shard_bytes_max:
            self._end_shard()
        if self._writer is None:
            self._stream = (self.folder / self._next_name()).open("wb")
            self._writer = pq.ParquetWriter(
                self._stream, SCHEMA, compression="zstd", compression_level=_ZSTD_LEVEL, use_dictionary=["format"]
            )
        columns = [[getattr(document, name) for document in self._waiting] for name in SCHEMA.names]
        self._writer.write_table(pa.table(columns, schema=SCHEMA), row_group_size=_GROUP_DOCUMENTS)
        self._documents += len(self._waiting)
        self._waiting, self._waiting_bytes = [], 0

    def _end_shard(self) -> None:
        if self._writer is None or self._stream is None:
            return
        self._writer.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        path = self.folder / self._next_name()
        self.shards.append(
            Shard(
                path=path.name,
                digest=digest_file(path),
                size_bytes=path.stat().st_size,
                documents=self._documents,
                split=self.split,
            )
        )
        self._stream, self._writer, self._documents = None, None, 0

    def _next_name(self) -> str:
        return f"{self.split}-{len(self.shards):05d}.parquet"
