"""Compares pairs of documents on their texts, a bounded amount at once. Knows no clusters.

Signatures tell beforehand how many shingles a text has; the sets of those compared last are held, because many are
compared again.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.deduplication.banding import Collection, Mask
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.shingles import Shingles, find_sets, join_sets, measure_jaccard
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.words import Hashes, Places

Fetch = Callable[[Sequence[int]], Sequence[str | bytes]]
Compare = Callable[[Places, Places], Mask]
_PAIRS_AT_ONCE = 1 << 14
_SHINGLES_AT_ONCE = 4_000_000  # about 30 MB of text and 100 MB of memory
_SHINGLES_HELD = 16_000_000  # 128 MB of memory


class TextComparison:
    """Says of pairs of documents whether their similarity reaches the threshold.

    `fetch` gives the texts of some documents in the order asked, and is asked for few at a time.
    """

    def __init__(self, signatures: Sequence[Signatures], fetch: Fetch, parameters: Parameters) -> None:
        self._collection = Collection(signatures, parameters)
        self._fetch, self._parameters = fetch, parameters
        self._held: dict[int, Hashes] = {}
        self._held_shingles = 0

    def __call__(self, left: Places, right: Places) -> Mask:
        """Compare each document on the left with that on the right."""
        alike = np.zeros(len(left), dtype=np.bool_)
        for pairs in self._cut(left, right):
            needed, places = np.unique(np.concatenate((left[pairs], right[pairs])), return_inverse=True)
            sets = self._find_sets(needed.tolist())
            half = len(places) // 2
            alike[pairs] = measure_jaccard(sets, places[:half], places[half:]) >= self._parameters.threshold
        return alike

    def _find_sets(self, documents: list[int]) -> Shingles:
        missing = [document for document in documents if document not in self._held]
        texts = self._fetch(missing) if missing else []
        if len(texts) != len(missing):
            raise InvalidInput(f"{len(texts)} texts came for {len(missing)} documents.")
        fresh = find_sets(texts, self._parameters.shingle_words)
        places = pairwise(fresh.offsets.tolist())
        pieces = {number: fresh.hashes[begin:end] for number, (begin, end) in zip(missing, places, strict=True)}
        hashes = [self._held[document] if document in self._held else pieces[document] for document in documents]
        self._held_shingles += len(fresh.hashes)
        if self._held_shingles > _SHINGLES_HELD:
            self._held, self._held_shingles = {}, len(fresh.hashes)
        self._held.update(pieces)
        return join_sets(hashes, [np.fromiter(map(len, hashes), dtype=np.int64, count=len(hashes))])

    def _cut(self, left: Places, right: Places) -> list[slice]:
        """Cut pairs into batches by how many shingles their signatures promise."""
        slices, start, size = [], 0, 0.0
        for first in range(0, len(left), _PAIRS_AT_ONCE):
            block = slice(first, first + _PAIRS_AT_ONCE)
            sizes = self._guess(left[block]) + self._guess(right[block])
            for place, pair_size in enumerate(sizes.tolist(), first):
                if place > start and (size + pair_size > _SHINGLES_AT_ONCE or place - start == _PAIRS_AT_ONCE):
                    slices.append(slice(start, place))
                    start, size = place, 0.0
                size += pair_size
        if start < len(left):
            slices.append(slice(start, len(left)))
        return slices

    def _guess(self, documents: Places) -> npt.NDArray[np.float64]:
        """Guess the number of shingles from the smallest hashes: their mean is 2^32 / (shingles + 1)."""
        return 2.0**32 / (self._collection.rows(documents).mean(axis=1) + 1)
