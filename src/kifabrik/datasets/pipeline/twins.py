"""The search for near-duplicates by whoever has a hand free: bands and pairs go out as jobs, answers come as files.

Knows files of pairs in the work folder, not how a pair was found. A check that was killed here begins the joining anew.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson

from kifabrik.core.files import explain_disk_errors
from kifabrik.datasets.deduplication import Collection, TextComparison, candidate_pairs, join_pairs
from kifabrik.datasets.deduplication.banding import Mask, Pairs
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.pipeline import workplace
from kifabrik.datasets.pipeline.manifest import read_manifest
from kifabrik.datasets.pipeline.part_files import read_signatures
from kifabrik.datasets.pipeline.shelf import TextShelf
from kifabrik.datasets.pipeline.workers import Job
from kifabrik.datasets.words import Places

_PAIRS_MIN, _PAIRS_MAX = 512, 65_536  # in a job, one for each worker: each unpacks the same texts
_NAME, _SKIP = "near-duplicates", "skip.npy"
DoAll = Callable[[Sequence[Job], Callable[[int], None]], None]


@dataclass(frozen=True, slots=True)
class CompareOrder:
    """The order to compare the pairs of one file."""

    number: int
    pairs: int

    @classmethod
    def from_line(cls, line: bytes) -> "CompareOrder":
        """Read an order back."""
        return cls(**orjson.loads(line))


@dataclass(frozen=True, slots=True)
class SeekOrder:
    """The order to look for pairs that share one of some bands."""

    number: int
    first_band: int
    end_band: int

    @classmethod
    def from_line(cls, line: bytes) -> "SeekOrder":
        """Read an order back."""
        return cls(**orjson.loads(line))


class HandedOut:
    """Finds and compares pairs of rows by having it done as jobs."""

    def __init__(self, place: Path, do: DoAll, workers: int) -> None:
        self._place, self._do, self._workers = place, do, workers
        shutil.rmtree(_folder(place), ignore_errors=True)

    def find_pairs(self, bands: int, skip: Mask) -> Pairs:
        """Find the candidate pairs of all rows that are not to be skipped."""
        folder = _folder(self._place)
        with explain_disk_errors(folder):
            folder.mkdir(exist_ok=True)
            np.save(folder / _SKIP, skip)
        borders = np.linspace(0, bands, min(self._workers, bands) + 1).astype(int).tolist()
        orders = [SeekOrder(number, *each) for number, each in enumerate(pairwise(borders))]
        jobs = [Job(b"seek " + orjson.dumps(each), each.end_band - each.first_band, _NAME) for each in orders]
        self._do(jobs, lambda _: None)
        return join_pairs([np.load(folder / f"{order.number}.found.npy") for order in orders])

    def __call__(self, left: Places, right: Places) -> Mask:
        """Say of each pair whether it is similar enough."""
        if not len(left):
            return np.zeros(0, dtype=np.bool_)
        count = max(-(-len(left) // _PAIRS_MAX), min(self._workers, -(-len(left) // _PAIRS_MIN)))
        pieces = np.array_split(np.stack((left, right)), count, axis=1)
        folder = _folder(self._place)
        with explain_disk_errors(folder):
            folder.mkdir(exist_ok=True)
            for number, pairs in enumerate(pieces):
                np.save(folder / f"{number}.pairs.npy", pairs)
        orders = [CompareOrder(number, pairs.shape[1]) for number, pairs in enumerate(pieces)]
        jobs = [Job(b"compare " + orjson.dumps(order), order.pairs, _NAME) for order in orders]
        self._do(jobs, lambda _: None)
        return np.concatenate([np.load(folder / f"{order.number}.alike.npy") for order in orders])


def seek(order: SeekOrder, *, place: Path, parts: int, parameters: Parameters) -> None:
    """Find the pairs of some bands and write them into a file."""
    folder = _folder(place)
    rows = [read_signatures(workplace.part_folder(place, number), parameters.permutations) for number in range(parts)]
    collection = Collection(rows, parameters, skip=np.load(folder / _SKIP, mmap_mode="r"))
    found = candidate_pairs(collection, parameters, bands=range(order.first_band, order.end_band), scratch=folder)
    with explain_disk_errors(folder):
        np.save(folder / f"{order.number}.found.npy", found)


def compare(order: CompareOrder, *, place: Path, comparison: TextComparison) -> None:
    """Compare the pairs of one file and write the answers beside them."""
    folder = _folder(place)
    left, right = np.load(folder / f"{order.number}.pairs.npy")
    with explain_disk_errors(folder):
        np.save(folder / f"{order.number}.alike.npy", comparison(left, right))


def open_comparison(place: Path, parts: int, parameters: Parameters) -> TextComparison:
    """Make what compares the texts of all parts."""
    folders = [workplace.part_folder(place, number) for number in range(parts)]
    manifests = [read_manifest(folder) for folder in folders]
    shelf = TextShelf(folders, [each.groups if each is not None else () for each in manifests])
    rows = [read_signatures(folder, parameters.permutations) for folder in folders]
    return TextComparison(rows, shelf.fetch, parameters)


def _folder(place: Path) -> Path:
    return place / "twins"
