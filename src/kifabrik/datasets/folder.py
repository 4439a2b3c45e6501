"""The dataset folder: `card.json` and its shards. Writes it whole or not at all, reads it, proves it unchanged.

Knows the layout, not how documents were checked.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.core.digests import digest_file, digest_listing
from kifabrik.core.errors import Conflict, InvalidInput, NotFound
from kifabrik.core.files import explain_disk_errors, fsync_folder
from kifabrik.datasets.documents import Document
from kifabrik.records.dataset_card import DatasetCard, Shard

CARD_NAME = "card.json"
_PARTIAL = ".partial"
_ROWS_AT_ONCE = 256


def read_card(folder: Path) -> DatasetCard:
    """Read the card of a dataset folder; raises NotFound or InvalidInput with what to do."""
    if not (folder / CARD_NAME).is_file():
        raise NotFound(
            f"there is no dataset folder here: {CARD_NAME} is missing.",
            where=str(folder),
            remedy="Make one with 'kifabrik dataset check PATH --out FOLDER'.",
        )
    card = DatasetCard.read(folder / CARD_NAME)
    for shard in card.shards:
        if Path(shard.path).name != shard.path:
            raise InvalidInput(f"the card names a file outside its folder: {shard.path}", where=str(folder))
    return card


def iterate_documents(folder: Path, split: Literal["train", "held-out"]) -> Iterator[Document]:
    """Give the documents of a split in the order of the shards; raises InvalidInput for a shard that is damaged."""
    for shard in read_card(folder).shards:
        if shard.split == split:
            yield from _read_shard(folder, shard)


def verify(folder: Path) -> None:
    """Compare every shard with the digest on the card; raises InvalidInput that names the first changed one."""
    card = read_card(folder)
    listing = {shard.path: shard.digest for shard in card.shards}
    if digest_listing(listing) != card.dataset_digest:
        raise InvalidInput(
            "the digest of the dataset is not that of its listed shards.",
            where=str(folder / CARD_NAME),
            remedy="The card was changed; run the check again.",
        )
    for shard in card.shards:
        path = folder / shard.path
        if not path.is_file():
            raise InvalidInput("the shard is missing.", where=str(path), remedy="Copy the whole folder again.")
        if digest_file(path) != shard.digest:
            raise InvalidInput(
                "the shard was changed after the check.",
                where=str(path),
                remedy="Copy the folder again, or run the check again.",
            )


def require_free(out: Path) -> None:
    """Refuse a place that is taken, before any work is done; an empty folder is free."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise Conflict("exists already.", where=str(out), remedy="Choose another folder, or remove this one.")


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out` to build in; it becomes `out` at the end, or goes away on any error."""
    require_free(out)
    with explain_disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(out)
        place = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=_PARTIAL))
        lock = _lock(place)
        try:
            yield place
            fsync_folder(place)
            place.chmod(0o755)
            require_free(out)
            place.rename(out)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        finally:
            if lock is not None:
                os.close(lock)
        fsync_folder(out.parent)


def _remove_left_over(out: Path) -> None:
    """Remove what killed checks left beside `out`; the folder of one that still works is locked by it."""
    for path in out.parent.iterdir():
        if path.name.startswith(f".{out.name}.") and path.name.endswith(_PARTIAL):
            lock = _lock(path)
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder for the life of this process, or give None if somebody else holds it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _read_shard(folder: Path, shard: Shard) -> Iterator[Document]:
    path = folder / shard.path
    try:
        with path.open("rb") as stream:
            batches = pq.ParquetFile(stream).iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False)
            for batch in batches:
                for row in batch.to_pylist():
                    yield Document(**row)
    except FileNotFoundError as error:
        raise InvalidInput("the shard is missing.", where=str(path), remedy="Copy the whole folder again.") from error
    except (pa.ArrowException, OSError, TypeError) as error:
        raise InvalidInput("the shard is damaged.", where=str(path), remedy="Copy the folder again.") from error
