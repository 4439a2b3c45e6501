"""The dataset folder: `card.json`, its shards and the rows of findings. Reads it and proves it unchanged.

Knows the layout, not how documents were checked or who wrote it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.core.digests import digest_file, digest_listing
from kifabrik.core.errors import Conflict, InvalidInput, NotFound
from kifabrik.datasets.documents import Document
from kifabrik.records.dataset_card import DatasetCard, Shard

CARD_NAME = "card.json"
FINDINGS_NAME = "findings.jsonl"
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
    """Compare shards and rows of findings with the card; raises InvalidInput that names the first changed file."""
    _verify_findings(folder, verify_shards(folder))


def verify_shards(folder: Path) -> DatasetCard:
    """Compare every shard with the digest on the card and return it; raises InvalidInput that names the first changed.

    A site gets the shards alone: where personal data stand is of no use to a training.
    """
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
    return card


def _verify_findings(folder: Path, card: DatasetCard) -> None:
    path = folder / FINDINGS_NAME
    if card.findings_file is None:
        return
    if not path.is_file() or digest_file(path) != card.findings_file.digest:
        raise InvalidInput(
            "the rows of findings are missing or were changed after the check.",
            where=str(path),
            remedy="Copy the folder again, or run the check again.",
        )


def require_free(out: Path) -> None:
    """Refuse a place that is taken, before any work is done; an empty folder is free."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise Conflict("exists already.", where=str(out), remedy="Choose another folder, or remove this one.")


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
