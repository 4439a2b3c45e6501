"""Decides which near-duplicates go: candidate pairs are verified on their texts, and the first of a cluster stays.

The rule: documents are judged in input order, and a document is removed if, and only if, it resembles an earlier
document *that was kept*: true Jaccard similarity of their shingle sets at or above the threshold. So whatever was
removed has a verified twin in the dataset, and two kept documents of a cluster never resemble each other as far as
candidates were found. Of a chain A ~ B ~ C in which A and C do not resemble each other, B goes because of A, and C
stays: removing C because of B, which is gone itself, would lose text that is nowhere else (single linkage does that).

The result is that of judging one document after the other; the order of reading is another, so that texts are read and
compared in batches: in each round, each document whose next candidate is decided meets it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.deduplication.banding import MEMORY_BYTES, Collection, Mask, candidate_pairs
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.shingles import Shingles, find_sets, join_sets, measure_jaccard
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.words import Hashes, Places

Fetch = Callable[[Sequence[int]], Sequence[str]]
_PAIRS_AT_ONCE = 1 << 14
_SHINGLES_AT_ONCE = 4_000_000  # about 30 MB of text and 100 MB of memory
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
    fetch: Fetch,
    parameters: Parameters,
    skip: Mask | None = None,
    memory_bytes: int = MEMORY_BYTES,
    scratch: Path | None = None,
) -> Clusters:
    """Find near-duplicates in the parts of a dataset, numbered through in the order of the parts.

    `fetch` gives the texts of some documents in the order asked, and is asked for few at a time. Documents marked in
    `skip` (exact copies, dropped ones) keep their numbers and are compared with nothing, so that signatures can stay
    mapped files. The result depends on the order of the documents and on nothing else: not on the split into parts,
    `memory_bytes` or the machine. Memory: `memory_bytes`, 16 bytes a candidate pair and about 150 MB for texts in
    comparison; `scratch` is a folder for keys that do not fit. Raises InvalidInput for signatures of other parameters,
    Unavailable for a full disk.
    """
    parts = [signatures] if isinstance(signatures, np.ndarray) else list(signatures)
    collection = Collection(parts, parameters, skip=skip)
    pairs = candidate_pairs(collection, parameters, memory_bytes=memory_bytes, scratch=scratch)
    judge = _Judge(pairs, collection, fetch, parameters)
    judge.decide_all()
    return judge.conclude(len(collection))


class _Judge:
    """The state of the rounds. Documents with candidates are numbered anew, in their order: small arrays."""

    def __init__(
        self, pairs: npt.NDArray[np.int64], collection: Collection, fetch: Fetch, parameters: Parameters
    ) -> None:
        self.collection, self.fetch, self.parameters = collection, fetch, parameters
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
        self.held: dict[int, Hashes] = {}
        self.held_shingles = 0

    def decide_all(self) -> None:
        """Work in rounds until every document is kept or removed."""
        awake = np.arange(len(self.names))
        while len(awake):
            ready, decided = self._advance(awake)
            alike = self._compare(self.earlier[self.next[ready]], ready)
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

    def _compare(self, left: Places, right: Places) -> npt.NDArray[np.bool_]:
        """Read the texts of pairs, a bounded amount at once, and say which are similar."""
        self.compared += len(left)
        alike = np.zeros(len(left), dtype=np.bool_)
        for pairs in self._cut(left, right):
            needed, places = np.unique(np.concatenate((left[pairs], right[pairs])), return_inverse=True)
            sets = self._find_sets(self.names[needed].tolist())
            half = len(places) // 2
            alike[pairs] = measure_jaccard(sets, places[:half], places[half:]) >= self.parameters.threshold
        return alike

    def _find_sets(self, documents: list[int]) -> Shingles:
        """Give the shingles of documents; those of the last rounds are held, because many are compared again."""
        missing = [document for document in documents if document not in self.held]
        texts = self.fetch(missing) if missing else []
        if len(texts) != len(missing):
            raise InvalidInput(f"{len(texts)} texts came for {len(missing)} documents.")
        fresh = find_sets(texts, self.parameters.shingle_words)
        pieces = dict(zip(missing, np.split(fresh.hashes, fresh.offsets[1:-1]), strict=True)) if missing else {}
        hashes = [self.held[document] if document in self.held else pieces[document] for document in documents]
        self.held_shingles += len(fresh.hashes)
        if self.held_shingles > _SHINGLES_AT_ONCE:
            self.held, self.held_shingles = {}, len(fresh.hashes)
        self.held.update(pieces)
        return join_sets(hashes, [np.fromiter(map(len, hashes), dtype=np.int64, count=len(hashes))])

    def _cut(self, left: Places, right: Places) -> list[slice]:
        """Cut pairs into batches by how many shingles their signatures promise."""
        slices, start, size = [], 0, 0.0
        for first in range(0, len(left), _PAIRS_AT_ONCE):
            block = slice(first, first + _PAIRS_AT_ONCE)
            sizes = self._guess(left[block]) + self._guess(right[block])
            for place, pair_size in enumerate(sizes, first):
                if place > start and (size + pair_size > _SHINGLES_AT_ONCE or place - start == _PAIRS_AT_ONCE):
                    slices.append(slice(start, place))
                    start, size = place, 0.0
                size += pair_size
        if start < len(left):
            slices.append(slice(start, len(left)))
        return slices

    def _guess(self, documents: Places) -> npt.NDArray[np.float64]:
        """Guess the number of shingles from the smallest hashes: their mean is 2^32 / (shingles + 1)."""
        return 2.0**32 / (self.collection.rows(self.names[documents]).mean(axis=1) + 1)

    def conclude(self, documents: int) -> Clusters:
        gone = np.flatnonzero(self.state == _REMOVED)
        return Clusters(
            documents=documents,
            removed=self.names[gone],
            kept=self.names[self.kept_twin[gone]],
            candidate_pairs=len(self.earlier),
            compared_pairs=self.compared,
        )
