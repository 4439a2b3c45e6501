"""Other checked datasets that a new one is compared with: found, signed shard by shard, and their texts fetched again.

Knows the folders of these datasets, not how near-duplicates are told. The signatures are made anew from the shards, so
that any checked dataset can be compared, whatever numbers its own check used.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from kifabrik.core import canonical
from kifabrik.core.digests import digest_file, digest_listing
from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.deduplication import (
    Parameters,
    Side,
    find_elsewhere,
    read_signatures,
    signatures,
    write_signatures,
)
from kifabrik.datasets.deduplication.banding import Mask
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.folder import CARD_NAME, read_card
from kifabrik.datasets.pipeline import workplace
from kifabrik.datasets.pipeline.part import Report
from kifabrik.datasets.pipeline.workers import Job
from kifabrik.datasets.settings import NearDuplicateChoice, OtherDataset, PlanRecord
from kifabrik.records import DatasetCard
from kifabrik.records.dataset_card import Shard

_DOCUMENTS_A_FILE = 50_000  # of signatures, so that a shard of very short texts fits a worker's memory
_AGAIN = "Copy the folder again, or run its check again."


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Which rows other datasets hold too, by the label of each dataset, and which of them go."""

    found: dict[str, Mask]
    is_removed: Mask

    def count(self, is_kept: Mask) -> dict[str, int]:
        """Count for each dataset the documents that it holds too: those that stay and those that went because of it."""
        return {label: int((mask & (is_kept | self.is_removed)).sum()) for label, mask in self.found.items()}


def settle(folders: Sequence[Path], *, near: NearDuplicateChoice, drops: bool) -> tuple[OtherDataset, ...]:
    """Read the cards of the datasets that were named; each counts once, however often it was named.

    Raises NotFound or InvalidInput for a folder that holds no whole dataset, or if nothing could be compared.
    """
    if folders and near.action == "off":
        raise InvalidInput(
            "other datasets are compared by near-duplicates, and these are not looked for.",
            where=str(folders[0]),
            remedy="Leave out --near-duplicates off, or --against.",
        )
    if drops and not folders:
        raise InvalidInput("no other dataset is named.", remedy="Name a dataset folder with --against.")
    named: dict[str, OtherDataset] = {}
    for folder in folders:
        card = _require_whole(folder)
        named.setdefault(
            card.dataset_digest,
            OtherDataset(folder=str(folder.absolute()), name=card.name, digest=card.dataset_digest),
        )
    return tuple(named.values())


def _require_whole(folder: Path) -> DatasetCard:
    """Refuse a folder whose shards cannot be those of its card, before any work; their bytes are read later."""
    card = read_card(folder)
    if digest_listing({shard.path: shard.digest for shard in card.shards}) != card.dataset_digest:
        raise InvalidInput(
            "the digest of the dataset is not that of its listed shards.", where=str(folder / CARD_NAME), remedy=_AGAIN
        )
    for shard in card.shards:
        path = folder / shard.path
        if not path.is_file():
            raise InvalidInput("the shard is missing.", where=str(path), remedy=_AGAIN)
        if path.stat().st_size != shard.size_bytes:
            raise _changed(path)
    return card


def _changed(path: Path) -> InvalidInput:
    return InvalidInput("the shard was changed after its check.", where=str(path), remedy=_AGAIN)


@dataclass(frozen=True, slots=True)
class SignOrder:
    """The order to make the signatures of one shard of another dataset."""

    folder: str
    path: str
    digest: str
    documents: int

    @classmethod
    def from_line(cls, line: bytes) -> "SignOrder":
        """Read an order back."""
        return cls(**orjson.loads(line))

    @property
    def file(self) -> Path:
        """The shard."""
        return Path(self.folder) / self.path


def jobs(plan: PlanRecord) -> list[Job]:
    """List what must be done before other datasets can be compared: the signatures of each of their shards.

    Raises InvalidInput for a folder that holds another dataset than when the check was planned.
    """
    return [
        Job(b"sign " + orjson.dumps(order), max(1, shard.size_bytes), str(order.file))
        for other in plan.against
        for order, shard in _orders(other)
    ]


def _orders(other: OtherDataset) -> Iterator[tuple[SignOrder, Shard]]:
    folder = Path(other.folder)
    card = read_card(folder)
    if card.dataset_digest != other.digest:
        raise InvalidInput(
            "holds another dataset than when the check began.", where=other.folder, remedy="Start the check again."
        )
    for shard in card.shards:
        yield SignOrder(other.folder, shard.path, shard.digest, shard.documents), shard


def sign(order: SignOrder, *, place: Path, parameters: Parameters, report: Report) -> None:
    """Make the signatures of one shard, unless they lie there already; raises InvalidInput for a changed shard."""
    with _explaining(order.file):
        found = digest_file(order.file)
    if found != order.digest:
        raise _changed(order.file)
    target = _target(place, order, parameters)
    if not target.is_dir():
        with workplace.building(target) as draft:
            for number, rows in enumerate(_sign_groups(order, parameters)):
                write_signatures(draft / f"{number:05d}.u32", rows, parameters)
    report(max(1, order.file.stat().st_size))


def _target(place: Path, order: SignOrder, parameters: Parameters) -> Path:
    made_with = canonical.digest([parameters.shingle_words, parameters.permutations, parameters.seed])
    return place / "against" / f"{order.digest[7:39]}-{made_with[7:15]}"


def _sign_groups(order: SignOrder, parameters: Parameters) -> Iterator[Signatures]:
    shelf = ShardShelf([order.file])
    if shelf.rows != order.documents:
        raise _changed(order.file)
    waiting: list[Signatures] = []
    for group in range(shelf.groups):
        waiting.append(signatures(shelf.read(group).to_pylist(), parameters))
        if sum(map(len, waiting)) >= _DOCUMENTS_A_FILE:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def look(place: Path, plan: PlanRecord, own: Side, *, rows: int) -> Elsewhere:
    """Say which own documents the other datasets hold too, and which of them go; their signatures lie there."""
    parameters = plan.settings.near_duplicates.parameters
    found: dict[str, Mask] = {}
    is_removed = np.zeros(rows, dtype=np.bool_)
    for other in plan.against:
        orders = [order for order, _ in _orders(other)]
        files = [file for order in orders for file in sorted(_target(place, order, parameters).glob("*.u32"))]
        shelf = ShardShelf([order.file for order in orders])
        theirs = Side([read_signatures(file, parameters) for file in files], shelf.fetch)
        mask = find_elsewhere(own, theirs, parameters=parameters, scratch=place)
        found[other.label] = mask
        if plan.drops_elsewhere:
            is_removed |= mask
    return Elsewhere(found, is_removed)


class ShardShelf:
    """The texts of shards, by the number of the document through all of them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        counts = [_count_rows(path) for path in paths]
        self._places = [(path, group) for path, each in enumerate(counts) for group in range(len(each))]
        rows = [count for each in counts for count in each]
        self._starts = np.concatenate(([0], np.cumsum(rows))).astype(np.int64)

    @property
    def rows(self) -> int:
        """All documents."""
        return int(self._starts[-1])

    @property
    def groups(self) -> int:
        """All groups of documents that can be read alone."""
        return len(self._places)

    def fetch(self, numbers: Sequence[int]) -> list[str]:
        """Give texts in the order asked; in rising order every group is unpacked once a call."""
        wanted = np.asarray(numbers, dtype=np.int64)
        texts: list[str] = []
        known, column = -1, None
        for number, group in zip(numbers, np.searchsorted(self._starts, wanted, side="right") - 1, strict=True):
            if column is None or group != known:
                known, column = int(group), self.read(int(group))
            texts.append(column[number - int(self._starts[known])].as_py())
        return texts

    def read(self, group: int) -> pa.ChunkedArray:
        """Give the texts of one group; raises InvalidInput for a shard that is damaged."""
        path, number = self._places[group]
        with _explaining(self._paths[path]), self._paths[path].open("rb") as stream:
            return pq.ParquetFile(stream).read_row_group(number, columns=["text"], use_threads=False).column("text")


def _count_rows(path: Path) -> list[int]:
    with _explaining(path), path.open("rb") as stream:
        metadata = pq.ParquetFile(stream).metadata
        return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(
            "the shard cannot be read: it is damaged, gone, or not yours to read.", where=str(path), remedy=_AGAIN
        ) from error
