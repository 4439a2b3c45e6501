"""Which documents of a dataset are also in another one, by the signature files of both. Knows no texts.

The texts of the other dataset need not be there, so this is an estimate and not verified: the share of equal signature
places, with a standard error of at most .044 for 128 permutations.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.deduplication.banding import (
    BUCKET_REACH,
    MEMORY_BYTES,
    Collection,
    band_keys,
    count_passes,
    estimate_similarity,
    select_keys,
)
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import Signatures
from kifabrik.datasets.words import Hashes, Places

_PAIRS_COMPARED = 1 << 13


def find_elsewhere(
    own: Sequence[Signatures],
    other: Sequence[Signatures],
    *,
    parameters: Parameters,
    memory_bytes: int = MEMORY_BYTES,
    scratch: Path | None = None,
) -> npt.NDArray[np.bool_]:
    """Say for each own document whether the other dataset holds one whose estimated similarity reaches the threshold.

    In a bucket of the other dataset the first 32 documents are looked at. Raises InvalidInput for signatures of other
    parameters, Unavailable for a full disk.
    """
    mine, theirs = Collection(own, parameters), Collection(other, parameters)
    is_found = np.zeros(len(mine), dtype=np.bool_)
    passes = count_passes(len(mine) + len(theirs), memory_bytes)
    with (
        band_keys(mine, parameters, memory_bytes=memory_bytes, scratch=scratch) as my_keys,
        band_keys(theirs, parameters, memory_bytes=memory_bytes, scratch=scratch) as their_keys,
    ):
        for band in range(parameters.bands):
            for remainder in range(passes):
                left = select_keys(my_keys[band], remainder, passes)
                right = select_keys(their_keys[band], remainder, passes)
                _look(left, right, mine, theirs, parameters, is_found)
    return is_found


def _look(
    left: tuple[Hashes, Places],
    right: tuple[Hashes, Places],
    mine: Collection,
    theirs: Collection,
    parameters: Parameters,
    is_found: npt.NDArray[np.bool_],
) -> None:
    keys, documents = left
    their_keys, their_documents = right
    first = np.searchsorted(their_keys, keys)
    for step in range(BUCKET_REACH):
        is_open = (first + step < len(their_keys)) & ~is_found[documents]
        is_open[is_open] = their_keys[first[is_open] + step] == keys[is_open]
        if not is_open.any():
            return
        own, their = documents[is_open], their_documents[first[is_open] + step]
        for start in range(0, len(own), _PAIRS_COMPARED):
            piece = slice(start, start + _PAIRS_COMPARED)
            share = estimate_similarity(mine.rows(own[piece]), theirs.rows(their[piece]))
            is_found[own[piece][share >= parameters.threshold]] = True
