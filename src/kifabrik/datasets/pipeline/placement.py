"""Which document of which part goes into which shard, and the writing of one shard by whoever has a hand free.

Knows rows of parts and sizes, not why a document was kept.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from kifabrik.core.digests import digest_file
from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import explain_disk_errors, write_bytes
from kifabrik.datasets.documents import Limits
from kifabrik.datasets.pipeline import workplace
from kifabrik.datasets.pipeline.manifest import read_manifest
from kifabrik.datasets.pipeline.part_files import reading_texts
from kifabrik.datasets.pipeline.workers import Job
from kifabrik.datasets.shards import ShardName, write_shard
from kifabrik.records.dataset_card import Shard

_SHARD_BYTES_WANTED, _SHARD_BYTES_ENOUGH = 128 * 1000**2, 32 * 1000**2  # of text
_SHARDS_WANTED = 8  # in a small dataset; several writers share the work, and readers too
_LAYOUT = b"2"  # another way to write shards needs another number here, or old ones would be used again
_PLACEMENT, _STARTS = "placement.npy", "starts.npy"
Split = Literal["train", "held-out"]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShardOrder:
    """The order to write one shard: the documents that `placement` sends to `ordinal`, from some of the parts."""

    joined: str
    split: Split
    number: int
    ordinal: int
    first_part: int
    last_part: int
    text_bytes: int

    def as_line(self) -> bytes:
        """Write the order as a line of JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_line(cls, line: bytes) -> "ShardOrder":
        """Read an order back."""
        return cls(**orjson.loads(line))

    @property
    def name(self) -> ShardName:
        """The shard's name."""
        return ShardName(self.split, self.number)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where all rows go, -1 for nowhere, and the shards to be written."""

    folder: Path
    orders: tuple[ShardOrder, ...]

    @property
    def jobs(self) -> list[Job]:
        """The work of writing them."""
        return [Job(b"shard " + order.as_line(), order.text_bytes, order.name.path) for order in self.orders]

    def read_shards(self) -> tuple[Shard, ...]:
        """Describe all shards in order; raises InvalidInput for one that is missing."""
        shards = tuple(_read_written(self.folder, order) for order in self.orders)
        for order, shard in zip(self.orders, shards, strict=True):
            if shard is None:
                raise InvalidInput(
                    "the shard is missing.", where=order.name.path, remedy="Start the check again; it goes on."
                )
        return tuple(shard for shard in shards if shard is not None)


def place_rows(
    place: Path, *, splits: dict[Split, Numbers], weights: Numbers, starts: Numbers, ids: bytes, limits: Limits
) -> Placement:
    """Send the rows of each split to shards, in order, and write down which; equal rows give equal shards.

    `weights` are bytes of each row, `starts` the first row of each part and the end, `ids` names the kept texts.
    """
    placement = np.full(int(starts[-1]), -1, dtype=np.int32)
    drafts: list[tuple[Split, int, Numbers]] = []
    for split, rows in splits.items():
        for number, chosen in enumerate(_cut(rows, weights[rows], limits)):
            placement[chosen] = len(drafts)
            drafts.append((split, number, chosen))
    digest = hashlib.sha256(_LAYOUT + placement.tobytes() + starts.tobytes())
    digest.update(ids)
    name = digest.hexdigest()[:16]
    folder = place / "joined" / name
    with explain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / _PLACEMENT, placement)
        np.save(folder / _STARTS, starts)
    orders = []
    for ordinal, (split, number, chosen) in enumerate(drafts):
        parts = np.searchsorted(starts, chosen[[0, -1]], side="right") - 1
        text_bytes = int(weights[chosen].sum())
        orders.append(ShardOrder(name, split, number, ordinal, int(parts[0]), int(parts[1]), text_bytes))
    return Placement(folder, tuple(orders))


def _cut(rows: Numbers, weights: Numbers, limits: Limits) -> Iterator[Numbers]:
    """Cut rows into runs of about equal weight, none above the limit unless a single row is."""
    ends = np.cumsum(weights)
    total = int(ends[-1]) if len(ends) else 0
    wanted = min(_SHARD_BYTES_WANTED, max(_SHARD_BYTES_ENOUGH, total // _SHARDS_WANTED))
    count = -(-total // min(limits.shard_bytes_max, wanted))
    begin = 0
    while begin < len(rows):
        before = int(ends[begin - 1]) if begin else 0
        end = int(np.searchsorted(ends, before + -(-total // count), side="right"))
        end = max(end, begin + 1)
        yield rows[begin:end]
        begin = end


def assemble(order: ShardOrder, *, place: Path, report: Callable[[int], None]) -> None:
    """Write one shard from the parts, unless it lies there already."""
    folder = place / "joined" / order.joined
    written = _read_written(folder, order)
    if written is None or digest_file(folder / written.path) != written.digest:
        with explain_disk_errors(folder / order.name.path):
            shard = write_shard(folder, order.name, _read_chosen(order, place, folder, report))
        write_bytes(_note(folder, order), orjson.dumps(shard.model_dump(mode="json")))
    report(order.text_bytes)


def _note(folder: Path, order: ShardOrder) -> Path:
    return folder / f"{order.name.path}.json"


def _read_written(folder: Path, order: ShardOrder) -> Shard | None:
    """Give the shard if it was written whole, or None."""
    note, path = _note(folder, order), folder / order.name.path
    if not note.is_file() or not path.is_file():
        return None
    shard = Shard.model_validate_json(note.read_bytes())
    return shard if path.stat().st_size == shard.size_bytes else None


def _read_chosen(order: ShardOrder, place: Path, folder: Path, report: Callable[[int], None]) -> Iterator[pa.Table]:
    placement = np.load(folder / _PLACEMENT, mmap_mode="r")
    starts = np.load(folder / _STARTS)
    done = 0
    for part in range(order.first_part, order.last_part + 1):
        part_folder = workplace.part_folder(place, part)
        manifest = read_manifest(part_folder)
        if manifest is None:
            raise InvalidInput(f"part {part} is missing.", where=str(part_folder), remedy="Start the check again.")
        row = int(starts[part])
        with reading_texts(part_folder) as reader:
            for number, rows in enumerate(manifest.groups):
                chosen = placement[row : row + rows] == order.ordinal
                row += rows
                if not chosen.any():
                    continue
                table = pa.Table.from_batches([reader.get_batch(number)])
                table = table if chosen.all() else table.filter(pa.array(chosen))
                yield table
                done += table.column("text").nbytes
                report(min(done, order.text_bytes))
