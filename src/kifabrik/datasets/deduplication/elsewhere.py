"""Which documents of a dataset are near-duplicates of documents of another one, each verified on the texts of both.

Knows signatures and texts, not where they lie. Candidates are found as within one dataset: pairs that share a band and
whose signatures agree about as much as the threshold asks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.deduplication.banding import (
    BUCKET_REACH,
    MEMORY_BYTES,
    Collection,
    Mask,
    band_keys,
    count_passes,
    estimate_similarity,
    select_keys,
)
from kifabrik.datasets.deduplication.comparing import Fetch, TextComparison
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.words import Hashes, Places

_CANDIDATES_MAX = 8  # of one document; whoever resembles this many by signature resembles one of them by its text
_PAIRS_COMPARED = 1 << 13
_LOW = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two datasets: its signatures in parts, and what gives texts by the number of the document.

    `fetch` is asked for few documents at a time, in rising order; documents marked in `skip` are not there.
    """

    signatures: Sequence[Signatures]
    fetch: Fetch
    skip: Mask | None = None


def find_elsewhere(
    own: Side,
    other: Side,
    *,
    parameters: Parameters,
    memory_bytes: int = MEMORY_BYTES,
    scratch: Path | None = None,
) -> Mask:
    """Say for each own document whether the other dataset holds one whose true Jaccard similarity is high enough.

    In a bucket of the other dataset the first 32 documents are looked at. Memory: twice `memory_bytes`, about 128 bytes
    a document with candidates, and about 250 MB for texts in comparison. Raises InvalidInput for signatures of other
    parameters, Unavailable for a full disk.
    """
    mine = Collection(list(own.signatures), parameters, skip=own.skip)
    theirs = Collection(list(other.signatures), parameters, skip=other.skip)
    is_found = np.zeros(len(mine), dtype=np.bool_)
    compare = _compare_texts(own, other, len(mine), parameters)
    pairs = _find_candidates(mine, theirs, parameters, memory_bytes, scratch)
    while len(pairs):
        documents, others = _unpack(pairs)
        is_first = np.concatenate(([True], documents[1:] != documents[:-1]))  # one candidate of each a round
        alike = compare(documents[is_first], others[is_first] + len(mine))
        is_found[documents[is_first][alike]] = True
        pairs = pairs[~is_first & ~is_found[documents]]
    return is_found


def _compare_texts(own: Side, other: Side, rows: int, parameters: Parameters) -> TextComparison:
    """Compare texts of both datasets under one numbering: the documents of the other one come after the own ones."""

    def fetch(numbers: Sequence[int]) -> list[str | bytes]:
        mine = [number for number in numbers if number < rows]
        theirs = [number - rows for number in numbers if number >= rows]
        return [*(own.fetch(mine) if mine else ()), *(other.fetch(theirs) if theirs else ())]

    return TextComparison([*own.signatures, *other.signatures], fetch, parameters)  # asks in rising order


def _find_candidates(
    mine: Collection, theirs: Collection, parameters: Parameters, memory_bytes: int, scratch: Path | None
) -> Hashes:
    """Give pairs packed as (own << 32) | other, sorted, each once, and few of each own document."""
    found = np.zeros(0, dtype=np.uint64)
    counts = np.zeros(len(mine), dtype=np.int16)
    passes = count_passes(len(mine) + len(theirs), memory_bytes)
    bands = range(parameters.bands)
    with (
        band_keys(mine, parameters, bands, memory_bytes=memory_bytes, scratch=scratch) as my_keys,
        band_keys(theirs, parameters, bands, memory_bytes=memory_bytes, scratch=scratch) as their_keys,
    ):
        for band in bands:
            for remainder in range(passes):
                left = select_keys(my_keys[band], remainder, passes)
                right = select_keys(their_keys[band], remainder, passes)
                for pairs in _meet(left, right, counts):
                    fresh = _keep_similar(_without(pairs, found), mine, theirs, parameters)
                    found = np.sort(np.concatenate((found, fresh)))
                    np.add.at(counts, (fresh >> np.uint64(32)).astype(np.int64), 1)
    return found


def _meet(left: tuple[Hashes, Places], right: tuple[Hashes, Places], counts: npt.NDArray[np.int16]) -> Iterator[Hashes]:
    """Give the pairs of equal keys, one of each own document at a time, while it has few candidates."""
    keys, documents = left
    their_keys, their_documents = right
    first = np.searchsorted(their_keys, keys)
    for step in range(BUCKET_REACH):
        is_open = (first + step < len(their_keys)) & (counts[documents] < _CANDIDATES_MAX)
        is_open[is_open] = their_keys[first[is_open] + step] == keys[is_open]
        if not is_open.any():
            return
        own = documents[is_open].astype(np.uint64) << np.uint64(32)
        yield np.sort(own | their_documents[first[is_open] + step].astype(np.uint64))


def _without(pairs: Hashes, known: Hashes) -> Hashes:
    if not len(known):
        return pairs
    return pairs[known[np.minimum(np.searchsorted(known, pairs), len(known) - 1)] != pairs]


def _keep_similar(pairs: Hashes, mine: Collection, theirs: Collection, parameters: Parameters) -> Hashes:
    """Keep the pairs whose signatures agree in at least `estimate_min` of their places."""
    kept = [np.zeros(0, dtype=np.uint64)]
    for start in range(0, len(pairs), _PAIRS_COMPARED):
        piece = pairs[start : start + _PAIRS_COMPARED]
        own, their = _unpack(piece)
        kept.append(piece[estimate_similarity(mine.rows(own), theirs.rows(their)) >= parameters.estimate_min])
    return np.concatenate(kept)


def _unpack(pairs: Hashes) -> tuple[Places, Places]:
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & _LOW).astype(np.int64)
