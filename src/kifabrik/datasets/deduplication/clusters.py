"""Decides which near-duplicates go: candidate pairs are verified on their texts, and the first of a cluster stays.

The rule: documents are judged in input order, and a document is removed if, and only if, it resembles an earlier
document *that was kept*: true Jaccard similarity of their shingle sets at or above the threshold. So whatever was
removed has a verified twin in the dataset, and two kept documents of a cluster never resemble each other as far as
candidates were found. Of a chain A ~ B ~ C in which A and C do not resemble each other, B goes because of A, and C
stays: removing C because of B, which is gone itself, would lose text that is nowhere else (single linkage does that).

The result is that of judging one document after the other; the order of reading is another, so that texts are read and
compared in batches: in each round, each document that is open meets its next candidates, four times as many as in the
round before. A few pairs are compared for nothing, but half a million of them take six rounds, not hundreds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.deduplication.banding import MEMORY_BYTES, Collection, Mask, Pairs, candidate_pairs
from kifabrik.datasets.deduplication.comparing import Compare
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.words import Places

_OPEN, _KEPT, _REMOVED = 0, 1, 2
_UNKNOWN, _UNLIKE, _ALIKE = 0, 1, 2
_REACH_MAX = 1 << 10
_States = npt.NDArray[np.int8]


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
    machine. Memory: `memory_bytes`, 50 bytes a candidate pair and what `compare` takes, about 250 MB; `scratch` is a
    folder for keys that do not fit. Raises InvalidInput for signatures of other parameters, Unavailable for a full
    disk.
    """
    parts = [signatures] if isinstance(signatures, np.ndarray) else list(signatures)
    collection = Collection(parts, parameters, skip=skip)
    pairs = candidate_pairs(collection, parameters, memory_bytes=memory_bytes, scratch=scratch)
    return judge_pairs(pairs, compare=compare, documents=len(collection))


def judge_pairs(pairs: Pairs, *, compare: Compare, documents: int) -> Clusters:
    """Decide about so many documents by their candidate pairs, as `candidate_pairs` or `join_pairs` give them."""
    judge = _Judge(pairs, compare)
    judge.decide_all()
    return judge.conclude(documents)


class _Judge:
    """The state of the rounds. Documents with candidates are numbered anew, in their order: small arrays."""

    def __init__(self, pairs: Pairs, compare: Compare) -> None:
        self.compare = compare
        self.names, places = np.unique(pairs, return_inverse=True)
        self.earlier, self.later = map(np.ascontiguousarray, places.reshape(-1, 2).T)
        self.begins = np.searchsorted(self.later, np.arange(len(self.names) + 1))  # of each document's candidates
        self.next = self.begins[:-1].copy()  # the first candidate that may still decide about a document
        self.verdicts = np.zeros(len(self.earlier), dtype=np.int8)
        self.state = np.zeros(len(self.names), dtype=np.int8)
        self.kept_twin = np.full(len(self.names), -1, dtype=np.int64)
        self.compared = 0

    def decide_all(self) -> None:
        """Work in rounds until every document is kept or removed."""
        reach = 1
        while len(pairs := self._find_pairs(reach)):
            # a document meets several in a row: on the left it is looked up once for all of them
            alike = self.compare(self.names[self.later[pairs]], self.names[self.earlier[pairs]])
            self.verdicts[pairs] = np.where(alike, _ALIKE, _UNLIKE)
            self.compared += len(pairs)
            reach = min(4 * reach, _REACH_MAX)

    def _find_pairs(self, reach: int) -> Places:
        """Decide what is known by now; give the pairs that open documents are to meet in the next round."""
        _decide(self.begins, self.earlier, self.verdicts, self.next, self.state, self.kept_twin)
        pairs = np.empty(len(self.earlier), dtype=np.int64)
        count = _choose(self.begins, self.earlier, self.verdicts, self.next, self.state, reach, pairs)
        return pairs[:count]

    def conclude(self, documents: int) -> Clusters:
        gone = np.flatnonzero(self.state == _REMOVED)
        return Clusters(
            documents=documents,
            removed=self.names[gone],
            kept=self.names[self.kept_twin[gone]],
            candidate_pairs=len(self.earlier),
            compared_pairs=self.compared,
        )


@compiled
def _decide(
    begins: Places, earlier: Places, verdicts: _States, nexts: Places, state: _States, kept_twin: Places
) -> None:
    """Judge the open documents in order, as far as their candidates are decided and compared."""
    for document in range(len(state)):
        if state[document] != _OPEN:
            continue
        place, end = nexts[document], begins[document + 1]
        while place < end and (verdicts[place] == _UNLIKE or state[earlier[place]] == _REMOVED):
            place += 1
        nexts[document] = place
        if place == end:
            state[document] = _KEPT
        elif verdicts[place] == _ALIKE and state[earlier[place]] == _KEPT:
            state[document] = _REMOVED
            kept_twin[document] = earlier[place]


@compiled
def _choose(
    begins: Places, earlier: Places, verdicts: _States, nexts: Places, state: _States, reach: int, pairs: Places
) -> int:
    """Write at most `reach` pairs of each open document that does not wait for one it resembles; gives their count."""
    count = 0
    for document in range(len(state)):
        if state[document] != _OPEN or verdicts[nexts[document]] == _ALIKE:
            continue
        left = reach
        for place in range(nexts[document], begins[document + 1]):
            if verdicts[place] == _UNKNOWN and state[earlier[place]] != _REMOVED:
                pairs[count] = place
                count += 1
                left -= 1
                if not left:
                    break
    return count
