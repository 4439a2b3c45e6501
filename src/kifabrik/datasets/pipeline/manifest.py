"""The manifest of a part: from what and how it was made, what was counted, and whether its files are whole."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from kifabrik.datasets.pipeline.part_files import list_sizes
from kifabrik.datasets.pipeline.plan import Piece, Task
from kifabrik.datasets.settings import PartSettings
from kifabrik.records.base import Digest, Record
from kifabrik.records.dataset_card import SkippedFile

MANIFEST = "part.json"
SKIPPED_KEPT_MAX = 100
_CHUNK_BYTES = 4 * 1024**2


class PartManifest(Record):
    """What a finished part says about itself."""

    part_version: int = 1
    task: Digest
    settings: Digest
    input: Digest = Field(description="of the bytes that were read")
    rows: int = Field(ge=0)
    groups: tuple[int, ...] = Field(description="documents in each group of the texts")
    hits: int = Field(ge=0)
    sizes: dict[str, int] = Field(description="file of the part -> bytes")
    files_read: int = Field(ge=0)
    skipped_count: int = Field(ge=0)
    broken_records: int = Field(ge=0, description="of the skipped: records of files that hold many")
    skipped: tuple[SkippedFile, ...]
    cut_files: int = Field(ge=0)
    documents_read: int = Field(ge=0)
    empty_documents: int = Field(ge=0)
    duplicates: int = Field(ge=0, description="exact copies within the part, left out")
    dropped_documents: int = Field(ge=0, description="left out because of what they hold")
    replaced: dict[str, int] = Field(description="kind -> replacements")
    texts_cut_for_names: int = Field(default=0, ge=0, description="texts of which a model saw only the beginning")


def read_fitting(folder: Path, *, task: Task, settings: PartSettings, input_digest: str) -> PartManifest | None:
    """Give the manifest of a part that was made of this input with these settings and is whole, or None."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.input != input_digest:
        return None
    return manifest if fits(manifest, task, settings) else None


def read_manifest(folder: Path) -> PartManifest | None:
    """Read the manifest of a part whose files are whole, or give None."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest = PartManifest.model_validate_json(path.read_bytes())
    except ValueError:
        return None
    return manifest if list_sizes(folder) == manifest.sizes else None


def fits(manifest: PartManifest, task: Task, settings: PartSettings) -> bool:
    """Say whether a part was made for this task with these settings."""
    return (manifest.task, manifest.settings) == (task.digest, settings.digest)


def digest_input(task: Task) -> str:
    """Name the bytes of a task by their content; what cannot be read counts as absent."""
    whole = hashlib.sha256()
    for piece in task.pieces:
        whole.update(f"{piece.name}\0{piece.begin}\0{piece.end}\0".encode())
        try:
            whole.update(_digest_piece(piece))
        except OSError:
            whole.update(b"absent")
    return "sha256:" + whole.hexdigest()


def look_at_files(task: Task) -> list[tuple[int, int]]:
    """Give size and moment of the last change of each file, to see whether somebody writes while it is read."""
    seen: list[tuple[int, int]] = []
    for piece in task.pieces:
        try:
            status = Path(piece.path).stat()
        except OSError:
            seen.append((-1, -1))
        else:
            seen.append((status.st_size, status.st_mtime_ns))
    return seen


def _digest_piece(piece: Piece) -> bytes:
    with Path(piece.path).open("rb") as stream:
        if piece.is_whole:
            return hashlib.file_digest(stream, "sha256").digest()
        begin, end = _find_bytes(piece)
        stream.seek(begin)
        digest = hashlib.sha256()
        left = end - begin
        while left > 0 and (chunk := stream.read(min(_CHUNK_BYTES, left))):
            digest.update(chunk)
            left -= len(chunk)
        return digest.digest()


def _find_bytes(piece: Piece) -> tuple[int, int]:
    if piece.format != "parquet":
        return piece.begin, piece.end
    try:
        with Path(piece.path).open("rb") as stream:
            places = list(_find_chunks(pq.ParquetFile(stream).metadata, piece))
    except pa.ArrowException:
        return 0, piece.size_bytes
    return (min(begin for begin, _ in places), max(end for _, end in places)) if places else (0, 0)


def _find_chunks(metadata: pq.FileMetaData, piece: Piece) -> Iterator[tuple[int, int]]:
    for number in range(piece.begin, min(piece.end, metadata.num_row_groups)):
        group = metadata.row_group(number)
        for each in range(group.num_columns):
            column = group.column(each)
            begin = min(column.data_page_offset, column.dictionary_page_offset or column.data_page_offset)
            yield begin, begin + column.total_compressed_size
