"""The files of a part: texts, facts about them, hits and signatures, one row a document. Writes and reads them.

Everything streams: a part of any size takes the memory of one group of documents. Groups are small, because single
texts are fetched again when near-duplicates are compared. Knows columns, not how a text is judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.datasets.shards import SCHEMA

TEXTS, FACTS, HITS, SIGNATURES = "texts.arrow", "facts.parquet", "hits.parquet", "signatures.u32"
_GROUP_ROWS = 20_000
_LABEL = pa.dictionary(pa.int32(), pa.string())
FACT_SCHEMA = pa.schema(
    [
        ("id", pa.binary(32)),
        ("source", pa.string()),
        ("text_bytes", pa.int64()),
        ("language", _LABEL),
        ("format", _LABEL),
        ("form", _LABEL),
        ("domain", _LABEL),
        ("licence", _LABEL),  # as a column of the source declares it
        ("licences", pa.list_(pa.string())),  # as the text names them
        ("doubts", pa.list_(pa.string())),
        ("touches", _LABEL),  # the evaluation set whose text it holds
        ("reserved", pa.bool_()),  # None: no opt-out file was given for its host
        ("has_address", pa.bool_()),
    ]
)
HIT_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("kind", _LABEL),
        ("country", _LABEL),
        ("tier", pa.int8()),
        ("is_example", pa.bool_()),
        ("digest", pa.string()),
    ]
)
Columns = Mapping[str, Sequence[object] | pa.Array]


@dataclass(slots=True)
class _Table:
    """One Parquet file that takes columns and writes row groups when enough wait."""

    stream: BinaryIO
    schema: pa.Schema
    rows: int = 0
    _writer: pq.ParquetWriter = field(init=False)
    _waiting: dict[str, list[object]] = field(init=False)
    _waiting_rows: int = 0

    def __post_init__(self) -> None:
        self._writer = pq.ParquetWriter(self.stream, self.schema, compression="zstd", compression_level=1)
        self._waiting = {name: [] for name in self.schema.names}

    def add(self, columns: Columns) -> None:
        """Take rows."""
        for name, waiting in self._waiting.items():
            waiting.extend(columns[name])
        count = len(columns[self.schema.names[0]])
        self.rows += count
        self._waiting_rows += count
        if self._waiting_rows >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what waits and the footer."""
        try:
            self._flush()
            self._writer.close()
        finally:
            self.discard()

    def discard(self) -> None:
        """Write no footer any more: the disk may be full, and nobody will read this file."""
        self._writer.is_open = False

    def _flush(self) -> None:
        if self._waiting_rows:
            batch = _make_batch(self._waiting, self.schema)
            self._writer.write_table(pa.Table.from_batches([batch]), row_group_size=batch.num_rows)
        self._waiting_rows = 0
        for waiting in self._waiting.values():
            waiting.clear()


def _make_batch(columns: Columns, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [_as_array(columns[name], schema.field(name).type) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_array(values: Sequence[object] | pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def join_texts(data: Sequence[bytes]) -> pa.Array:
    """Make an array of strings of the UTF-8 of texts, copied once."""
    ends = np.cumsum([0, *map(len, data)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(ends), pa.py_buffer(b"".join(data)))


class PartWriter:
    """Writes the four files of a part into a folder."""

    def __init__(self, folder: Path) -> None:
        self.groups: list[int] = []
        with ExitStack() as opening:
            texts, facts, hits, self._signatures = (
                opening.enter_context((folder / name).open("wb")) for name in (TEXTS, FACTS, HITS, SIGNATURES)
            )
            self._files = opening.pop_all()
        self._texts = pa.ipc.new_file(texts, SCHEMA)  # not packed: read again soon, by several, in place
        self._facts = _Table(facts, FACT_SCHEMA)
        self._hits = _Table(hits, HIT_SCHEMA)

    @property
    def rows(self) -> int:
        """Documents written so far."""
        return self._facts.rows

    @property
    def hits(self) -> int:
        """Hits written so far."""
        return self._hits.rows

    def add(self, texts: Columns, facts: Columns, signatures: npt.NDArray[np.uint32] | None) -> None:
        """Write a group of documents, what is known about them, and their signatures if any are made."""
        batch = _make_batch(texts, SCHEMA)
        self._texts.write_batch(batch)
        self.groups.append(batch.num_rows)
        self._facts.add(facts)
        if signatures is not None:
            self._signatures.write(np.ascontiguousarray(signatures, dtype="<u4").tobytes())

    def add_hits(self, hits: Columns) -> None:
        """Write hits; their rows refer to the documents of this part."""
        self._hits.add(hits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._files:
            try:
                if kind is None:
                    self._texts.close()
                    self._facts.close()
                    self._hits.close()
            finally:
                self._facts.discard()
                self._hits.discard()


def list_sizes(folder: Path) -> dict[str, int]:
    """Give the size of each file of a part; together with the manifest they tell whether it is whole."""
    paths = [folder / name for name in (TEXTS, FACTS, HITS, SIGNATURES)]
    return {path.name: path.stat().st_size for path in paths if path.exists()}


def read_facts(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Read some of what is known about the documents of a part."""
    return _read(folder / FACTS, columns)


def read_hits(folder: Path) -> pa.Table:
    """Read the hits of a part."""
    return _read(folder / HITS)


def _read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    with pq.ParquetFile(path) as file:  # read_table would first import all that knows datasets of many files
        return file.read(columns=columns if columns is None else [*columns], use_threads=False)


def read_signatures(folder: Path, permutations: int) -> npt.NDArray[np.uint32]:
    """Map the signatures of a part into memory."""
    path = folder / SIGNATURES
    if not path.stat().st_size:
        return np.zeros((0, permutations), dtype=np.uint32)
    return np.memmap(path, dtype="<u4", mode="r").reshape(-1, permutations)


@contextmanager
def reading_texts(folder: Path) -> Iterator[pa.RecordBatchFileReader]:
    """Open the texts of a part; each batch is one group of documents."""
    with pa.memory_map(str(folder / TEXTS)) as stream:
        yield pa.ipc.open_file(stream)
