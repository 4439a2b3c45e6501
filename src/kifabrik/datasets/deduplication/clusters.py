"""Decides which near-duplicates go: candidate pairs are verified on their texts, and the first of a cluster stays.

The rule: documents are judged in input order, and a document is removed if, and only if, it resembles an earlier
document *that was kept*: true Jaccard similarity of their shingle sets at or above the threshold. So whatever was
removed has a verified twin in the dataset, and two kept documents of a cluster never resemble each other as far as
candidates were found. Of a chain A ~ B ~ C in which A and C do not resemble each other, B goes because of A, and C
stays: removing C because of B, which is gone itself, would lose text that is nowhere else (single linkage does that).

The result is that of judging one document after the other; the order of reading is another, so that texts are read and
compared in batches: in each round, each document whose next candidate is decided meets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.deduplication.banding import MEMORY_BYTES, Collection, Mask, candidate_pairs
from kifabrik.datasets.deduplication.comparing import Compare
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.words import Places

_UNDECIDED, _KEPT, _REMOVED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Clusters:
    """What to remove: `removed` in input order, and for each the kept document that it resembles in `kept`."""

    documents: int
    removed: Places
    kept: Places
    candidate_pairs: int
    compared_pairs: int

    @property
    def verified_pairs(self) -> int:
        """Pairs that were compared on their texts and found similar: one for each removed document."""
        return len(self.removed)

    @property
    def clusters(self) -> int:
        """Kept documents with at least one removed twin."""
        return len(np.unique(self.kept))

    @property
    def representative(self) -> Places:
        """For each document the one that stays for it, itself if it is kept; 8 bytes a document."""
        representative = np.arange(self.documents, dtype=np.int64)
        representative[self.removed] = self.kept
        return representative

    @property
    def is_removed(self) -> npt.NDArray[np.bool_]:
        """For each document whether it goes; 1 byte a document."""
        mask = np.zeros(self.documents, dtype=np.bool_)
        mask[self.removed] = True
        return mask


def find_clusters(
    signatures: Sequence[Signatures] | Signatures,
    *,
    compare: Compare,
    parameters: Parameters,
    skip: Mask | None = None,
    memory_bytes: int = MEMORY_BYTES,
    scratch: Path | None = None,
) -> Clusters:
    """Find near-duplicates in the parts of a dataset, numbered through in the order of the parts.

    `compare` says of pairs whether they are similar (`TextComparison`). Documents marked in `skip` (exact copies,
    dropped ones) keep their numbers and are compared with nothing, so that signatures can stay mapped files. The result
    depends on the order of the documents and on nothing else: not on the split into parts, `memory_bytes` or the
    machine. Memory: `memory_bytes`, 16 bytes a candidate pair and what `compare` takes, about 150 MB; `scratch` is a
    folder for keys that do not fit. Raises InvalidInput for signatures of other parameters, Unavailable for a full
    disk.
    """
    parts = [signatures] if isinstance(signatures, np.ndarray) else list(signatures)
    collection = Collection(parts, parameters, skip=skip)
    pairs = candidate_pairs(collection, parameters, memory_bytes=memory_bytes, scratch=scratch)
    judge = _Judge(pairs, compare)
    judge.decide_all()
    return judge.conclude(len(collection))


class _Judge:
    """The state of the rounds. Documents with candidates are numbered anew, in their order: small arrays."""

    def __init__(self, pairs: npt.NDArray[np.int64], compare: Compare) -> None:
        self.compare = compare
        self.names, places = np.unique(pairs, return_inverse=True)
        self.earlier, later = places.reshape(-1, 2).T
        numbers = np.arange(len(self.names) + 1)
        self.next = np.searchsorted(later, numbers[:-1])  # each document's next candidate among the earlier ones
        self.end = np.searchsorted(later, numbers[:-1], side="right")
        self.later_by_earlier = later[np.argsort(self.earlier, kind="stable")]
        self.later_begin = np.searchsorted(np.sort(self.earlier), numbers)
        self.state = np.zeros(len(self.names), dtype=np.int8)
        self.kept_twin = np.full(len(self.names), -1, dtype=np.int64)
        self.compared = 0

    def decide_all(self) -> None:
        """Work in rounds until every document is kept or removed."""
        awake = np.arange(len(self.names))
        while len(awake):
            ready, decided = self._advance(awake)
            alike = self.compare(self.names[self.earlier[self.next[ready]]], self.names[ready])
            self.compared += len(ready)
            gone = ready[alike]
            self.kept_twin[gone] = self.earlier[self.next[gone]]
            self.state[gone] = _REMOVED
            unlike = ready[~alike]
            self.next[unlike] += 1
            awake = np.union1d(unlike, self._wake(np.concatenate((decided, gone))))

    def _advance(self, awake: Places) -> tuple[Places, Places]:
        """Skip removed candidates; give the documents to compare with a kept one, and those now known to be kept.

        The rest waits for a candidate that is undecided.
        """
        moving = awake
        while True:
            moving = moving[self.next[moving] < self.end[moving]]
            moving = moving[self.state[self.earlier[self.next[moving]]] == _REMOVED]
            if not len(moving):
                break
            self.next[moving] += 1
        at_end = self.next[awake] >= self.end[awake]
        decided = awake[at_end]
        self.state[decided] = _KEPT
        rest = awake[~at_end]
        return rest[self.state[self.earlier[self.next[rest]]] == _KEPT], decided

    def _wake(self, decided: Places) -> Places:
        """Give the undecided documents that waited for one of these."""
        counts = self.later_begin[decided + 1] - self.later_begin[decided]
        begins = np.cumsum(counts) - counts
        places = np.arange(int(counts.sum())) + np.repeat(self.later_begin[decided] - begins, counts)
        waiting, waited_for = self.later_by_earlier[places], np.repeat(decided, counts)
        is_open = self.state[waiting] == _UNDECIDED
        waiting, waited_for = waiting[is_open], waited_for[is_open]
        return waiting[self.earlier[np.minimum(self.next[waiting], len(self.earlier) - 1)] == waited_for]

    def conclude(self, documents: int) -> Clusters:
        gone = np.flatnonzero(self.state == _REMOVED)
        return Clusters(
            documents=documents,
            removed=self.names[gone],
            kept=self.names[self.kept_twin[gone]],
            candidate_pairs=len(self.earlier),
            compared_pairs=self.compared,
        )
