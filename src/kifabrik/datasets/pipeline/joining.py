"""Joins the parts of a check: exact copies and near-duplicates across them, what is removed, and who is held out.

Knows numbers of rows and what was noted about them; texts are read again only to compare near-duplicates. Takes about
700 bytes of memory a document, most of it signatures in the page cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets import split
from kifabrik.datasets.deduplication import Clusters, Side, judge_pairs
from kifabrik.datasets.pipeline import against, workplace
from kifabrik.datasets.pipeline.against import Elsewhere
from kifabrik.datasets.pipeline.manifest import PartManifest, fits, read_manifest
from kifabrik.datasets.pipeline.part_files import read_facts, read_signatures
from kifabrik.datasets.pipeline.placement import Numbers, Split
from kifabrik.datasets.pipeline.plan import Task
from kifabrik.datasets.pipeline.shelf import TextShelf
from kifabrik.datasets.pipeline.twins import DoAll, HandedOut
from kifabrik.datasets.settings import PlanRecord

Mask = npt.NDArray[np.bool_]
_ROW_BYTES = 200  # what id, source and the other columns of a document may take in a shard


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of a check, and the number of the first row of each."""

    place: Path
    folders: tuple[Path, ...]
    manifests: tuple[PartManifest, ...]
    starts: Numbers

    @property
    def rows(self) -> int:
        """All rows together."""
        return int(self.starts[-1])

    def rows_of(self, part: int) -> slice:
        """The rows of one part among all rows."""
        return slice(int(self.starts[part]), int(self.starts[part + 1]))


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of each row, and why."""

    ids: npt.NDArray[np.uint8]
    text_bytes: Numbers
    is_kept: Mask
    splits: dict[Split, Numbers]
    copies: int
    touched: dict[str, int]
    reserved_removed: int
    clusters: Clusters | None
    removed_bytes: int
    near_removed: int
    twins_kept: int
    elsewhere: dict[str, int]
    elsewhere_removed: int

    @property
    def weights(self) -> Numbers:
        """About how many bytes each row takes before it is packed."""
        return self.text_bytes + _ROW_BYTES


def collect(place: Path, plan: PlanRecord, tasks: Sequence[Task]) -> Parts:
    """Find all parts of a plan; raises InvalidInput for one that is missing or was made otherwise."""
    manifests: list[PartManifest] = []
    folders = tuple(workplace.part_folder(place, task.number) for task in tasks)
    for task, folder in zip(tasks, folders, strict=True):
        manifest = read_manifest(folder)
        if manifest is None or not fits(manifest, task, plan.settings):
            raise InvalidInput(
                f"part {task.number} of {len(tasks)} is missing, damaged or of another check.",
                where=str(folder),
                remedy="Start the check again with the same words; what is finished is used.",
            )
        manifests.append(manifest)
    starts = np.concatenate(([0], np.cumsum([each.rows for each in manifests]))).astype(np.int64)
    return Parts(place, folders, tuple(manifests), starts)


def decide(parts: Parts, plan: PlanRecord, do: DoAll, *, workers: int) -> Decision:
    """Decide about every row: the first of equal texts stays, touched and reserved ones go, then near-duplicates.

    `do` has jobs done, among them the comparison of texts, by so many `workers`.
    """
    facts = pa.concat_tables(
        read_facts(folder, ("id", "text_bytes", "touches", "reserved", "form")) for folder in parts.folders
    ).unify_dictionaries()
    ids = _as_digests(facts.column("id"))
    text_bytes = np.asarray(facts.column("text_bytes").combine_chunks(), dtype=np.int64)
    alive = ~find_copies(ids)
    copies = int(len(alive) - alive.sum())
    touched = _count_touched(facts.column("touches"), alive)
    alive &= np.asarray(pc.equal(facts.column("touches").cast(pa.string()), "").combine_chunks())
    reserved_removed = 0
    if plan.drops_reserved:
        is_reserved = np.asarray(facts.column("reserved").combine_chunks().fill_null(fill_value=False))
        reserved_removed = int((is_reserved & alive).sum())
        alive &= ~is_reserved
    elsewhere = _look_elsewhere(parts, alive, plan)
    alive &= ~elsewhere.is_removed
    clusters, first = _find_near(parts, alive, plan, do, workers=workers)
    removed_bytes = near_removed = twins_kept = 0
    if clusters is not None and plan.settings.near_duplicates.action == "remove":
        removed_bytes, near_removed = int(text_bytes[clusters.removed].sum()), len(clusters.removed)
        alive[clusters.removed] = False
    elif clusters is not None:
        twins_kept = len(clusters.removed)
    return Decision(
        ids=ids,
        text_bytes=text_bytes,
        is_kept=alive,
        splits=_split(ids, first, alive, plan),
        copies=copies,
        touched=touched,
        reserved_removed=reserved_removed,
        clusters=clusters,
        removed_bytes=removed_bytes,
        near_removed=near_removed,
        twins_kept=twins_kept,
        elsewhere=elsewhere.count(alive),
        elsewhere_removed=int(elsewhere.is_removed.sum()),
    )


def find_copies(ids: npt.NDArray[np.uint8]) -> Mask:
    """Say for each digest whether the same one came before."""
    if not len(ids):
        return np.zeros(0, dtype=np.bool_)
    words = np.ascontiguousarray(ids).view(np.uint64)
    order = np.lexsort(words.T)  # stable: of equal ones the first comes first
    ordered = words[order]
    is_copy = np.zeros(len(ids), dtype=np.bool_)
    is_copy[order[1:]] = (ordered[1:] == ordered[:-1]).all(axis=1)
    return is_copy


def _as_digests(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    chunks = [
        np.frombuffer(chunk.buffers()[1], dtype=np.uint8)[chunk.offset * 32 : (chunk.offset + len(chunk)) * 32]
        for chunk in column.chunks
        if len(chunk)
    ]
    joined = np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.uint8)
    return joined.reshape(-1, 32)


def _count_touched(column: pa.ChunkedArray, alive: Mask) -> dict[str, int]:
    counts = column.filter(pa.array(alive)).value_counts().to_pylist()
    return {str(each["values"]): each["counts"] for each in counts if each["values"]}


def _look_elsewhere(parts: Parts, alive: Mask, plan: PlanRecord) -> Elsewhere:
    """Look for living rows in other datasets; before near-duplicates go, so that these go for a kept document only."""
    if not plan.against:
        return Elsewhere({}, np.zeros(parts.rows, dtype=np.bool_))
    rows = [read_signatures(each, plan.settings.near_duplicates.parameters.permutations) for each in parts.folders]
    shelf = TextShelf(parts.folders, [each.groups for each in parts.manifests])
    return against.look(parts.place, plan, Side(rows, shelf.fetch, skip=~alive), rows=parts.rows)


def _find_near(
    parts: Parts, alive: Mask, plan: PlanRecord, do: DoAll, *, workers: int
) -> tuple[Clusters | None, Numbers]:
    """Find near-duplicates among the living rows; gives the clusters, and for each row the first of its group.

    Where near-duplicates stay, the groups are wider than the clusters: all that candidates link goes together, so that
    no chain of similar texts reaches over the border of the split.
    """
    near = plan.settings.near_duplicates
    first = np.arange(parts.rows, dtype=np.int64)
    if near.action == "off":
        return None, first
    hands = HandedOut(parts.place, do, workers)
    pairs = hands.find_pairs(near.parameters.bands, ~alive)
    clusters = judge_pairs(pairs, compare=hands, documents=parts.rows)
    return clusters, clusters.representative if near.action == "remove" else find_groups(pairs, first)


def find_groups(pairs: npt.NDArray[np.int64], first: Numbers) -> Numbers:
    """Give for each row the smallest row that pairs link it to, directly or through others."""
    groups = first.copy()
    left, right = pairs.T
    while True:
        smaller = np.minimum(groups[left], groups[right])
        if (groups[left] == smaller).all() and (groups[right] == smaller).all():
            return groups
        np.minimum.at(groups, left, smaller)
        np.minimum.at(groups, right, smaller)
        groups = groups[groups]


def _split(ids: npt.NDArray[np.uint8], first: Numbers, alive: Mask, plan: PlanRecord) -> dict[Split, Numbers]:
    """Choose the split of each kept row; the id of a row's first near-duplicate decides."""
    kept = np.flatnonzero(alive)
    is_held_out = split.hold_out(ids[first[kept]], share=plan.held_out_share, seed=plan.seed)
    return {"train": kept[~is_held_out], "held-out": kept[is_held_out]}
