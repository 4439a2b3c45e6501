"""Reads Parquet a few rows at a time, as blocks. Runs in the limited process. Knows columns, not what texts mean."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers import records
from kifabrik.datasets.readers.blocks import Block, pack
from kifabrik.datasets.readers.packed import require_expansion
from kifabrik.datasets.readers.reading import BrokenRecord, BrokenStream, Reading, Unreadable
from kifabrik.datasets.readers.records import Shape

_BATCH_BYTES = 4 * 1024**2
_ROWS_MAX = 2_000
_BUFFER_BYTES = 1024**2
_ROW_BYTES = 64  # what a row without text counts in the sum that shows a bomb
_DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, KeyError)


def read_parquet(reading: Reading, stream: BinaryIO) -> Iterator[Block]:
    """Give blocks of passages, a passage a row."""
    table = _open(reading, stream)
    shape = _find_shape(reading, table.schema_arrow)
    columns = [*shape.fields, *(name for name in _about(table.schema_arrow) if name not in shape.fields)]
    groups = _groups(reading, table)
    row, unpacked_bytes = reading.file.records_before, 0
    rows = max(1, sum(table.metadata.row_group(group).num_rows for group in groups))
    batches = table.iter_batches(_rows_at_once(table, groups), row_groups=groups, columns=columns, use_threads=False)
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                reading.finish()
                return
            done = min(reading.file.size_bytes, reading.file.size_bytes * (row - reading.file.records_before) // rows)
            block = _make_block(reading, batch, row, done, shape)
            row += batch.num_rows
            unpacked_bytes += block.size_bytes + _ROW_BYTES * batch.num_rows
            require_expansion(unpacked_bytes, reading.file.size_bytes, reading.limits)
        except BrokenStream as error:
            reading.stop(row + 1, error.problem, error.remedy)
            return
        except pa.ArrowMemoryError:
            raise MemoryError from None
        except _DAMAGED as error:
            reading.stop(row + 1, "the data are damaged from this row on", f"Write it again. ({type(error).__name__})")
            return
        yield block


def count_groups(stream: BinaryIO) -> list[tuple[int, int]]:
    """List rows and packed bytes of each row group; raises Unreadable."""
    try:
        metadata = pq.ParquetFile(stream).metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        return [
            (each.num_rows, sum(each.column(place).total_compressed_size for place in range(each.num_columns)))
            for each in groups
        ]
    except _DAMAGED as error:
        raise Unreadable("not a Parquet file") from error


def _open(reading: Reading, stream: BinaryIO) -> pq.ParquetFile:
    try:
        table = pq.ParquetFile(stream, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        metadata = table.metadata
        sizes = [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]
    except _DAMAGED as error:
        raise Unreadable("not a Parquet file") from error
    for group, size_bytes in enumerate(sizes):
        if size_bytes > reading.limits.row_group_bytes_max:
            limit = format_bytes(reading.limits.row_group_bytes_max)
            raise reading.refuse_file(f"row group {group} is larger than {limit}", "Write smaller row groups.")
    return table


def _groups(reading: Reading, table: pq.ParquetFile) -> Sequence[int]:
    file, count = reading.file, table.metadata.num_row_groups
    return range(file.begin, min(file.end, count)) if file.end else range(count)


def _rows_at_once(table: pq.ParquetFile, groups: Sequence[int]) -> int:
    metadata = table.metadata
    size_bytes = sum(metadata.row_group(group).total_byte_size for group in groups)
    rows = max(1, sum(metadata.row_group(group).num_rows for group in groups))
    return max(1, min(_ROWS_MAX, _BATCH_BYTES * rows // max(1, size_bytes)))


def _find_shape(reading: Reading, schema: pa.Schema) -> Shape:
    """Find the columns to read; raises the error of the file if they are not there or hold no texts."""
    shape = records.recognise({name: [] if _is_list(schema.field(name).type) else "" for name in schema.names})
    if shape is None:
        raise reading.refuse_file(
            f"has no column 'text'; its columns are: {', '.join(name[:40] for name in schema.names[:12])}",
            records.FIX_FIELDS,
        )
    if shape.form is None and not _is_string(schema.field(shape.text_field).type):
        raise reading.refuse_file(f"the column '{shape.text_field}' does not hold strings", "Convert it to string.")
    return shape


def _about(schema: pa.Schema) -> list[str]:
    """List the flat columns that say something about a text."""
    names = {name for names in records.ABOUT.values() for name in names}
    return [name for name in schema.names if name in names and not pa.types.is_nested(schema.field(name).type)]


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _is_string(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)


def _make_block(reading: Reading, batch: pa.RecordBatch, row: int, place: int, shape: Shape) -> Block:
    if shape.form is None and batch.column(shape.text_field).null_count == 0:
        block = _slice_texts(batch.column(shape.text_field), row, place)
        if max(block.lengths, default=0) <= reading.limits.document_bytes_max:
            block.more = _say(batch)
            reading.use()
            return block
    passages: list[Passage] = []
    for number, values in enumerate(batch.to_pylist(), start=row + 1):
        try:
            passages.append(records.make_passage(shape, values, number, place, reading.limits))
            reading.use()
        except BrokenRecord as error:
            reading.refuse(number, error)
    return pack(passages)


def _say(batch: pa.RecordBatch) -> dict[str, list[str] | str]:
    """Give what the rows say about their texts, column by column."""
    said: dict[str, list[str] | str] = {}
    for part, names in records.ABOUT.items():
        columns = [batch.column(name).to_pylist() for name in names if name in batch.schema.names]
        if columns:
            rows = zip(*columns, strict=True)
            said[part] = [next(filter(None, (records.clean(part, value) for value in row)), "") for row in rows]
    return said


def _slice_texts(column: pa.Array, row: int, place: int) -> Block:
    """Give a column of strings as a block without making a Python string of any."""
    strings = column.cast(pa.large_string()) if column.type != pa.large_string() else column
    count = len(strings)
    _, offsets, data = strings.buffers()
    ends = memoryview(offsets).cast("q")[strings.offset : strings.offset + count + 1]
    texts = memoryview(data)[ends[0] : ends[count]] if data is not None else memoryview(b"")
    lengths = [ends[number + 1] - ends[number] for number in range(count)]
    return Block((texts,), lengths, list(range(row + 1, row + count + 1)), [place] * count)
