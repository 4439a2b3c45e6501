"""Finds pairs of documents whose signatures share a band, within a bounded memory. Knows signatures, not texts.

Each band of each signature becomes one 64-bit key. Band by band, equal keys are brought together by sorting, for all
parts at once. Memory: 8 bytes a document and band and 1 a document and permutation on disk (in memory for small
collections), and `memory_bytes` for sorting: keys are taken in as many passes as that needs, each pass the keys of one
remainder. 100 million documents need 38.4 GB of scratch space and, with 256 MB, 15 passes a band.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import explain_disk_errors
from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.signatures import NO_SHINGLE, Signatures
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Hashes, Places, mix

Mask = npt.NDArray[np.bool_]
Pairs = npt.NDArray[np.int64]  # two columns: the earlier document and the later one
MEMORY_BYTES = 256 * 1024**2
BUCKET_REACH = 32  # a document is compared with the first of its bucket and with this many before it
_BYTES_A_KEY = 40  # key, place, order and their sorted copies while one pass is sorted
_ROWS_AT_ONCE = 1 << 16
_PAIRS_AT_ONCE = 1 << 20
_PAIRS_COMPARED = 1 << 13
_DOCUMENTS_MAX = 1 << 32
_NO_KEY = np.uint64(0)
_FACTOR = 0xD6E8FEB86659FD93


class Collection:
    """The signatures of all parts under one numbering, in the order of the parts; parts may be memory-mapped files.

    Documents marked in `skip` are not there for any comparison, though they keep their numbers.
    """

    def __init__(self, parts: Sequence[Signatures], parameters: Parameters, *, skip: Mask | None = None) -> None:
        for part in parts:
            if part.ndim != 2 or part.shape[1] != parameters.permutations:
                raise InvalidInput(
                    f"signatures have {part.shape[-1]} permutations, but {parameters.permutations} are wanted.",
                    remedy="Make all signatures with the same parameters.",
                )
        self.parts = [np.asarray(part) for part in parts]  # a mapped file's own class makes each look at it slow
        self.offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
        self.skip = skip
        if skip is not None and len(skip) != len(self):
            raise InvalidInput(f"{len(skip)} marks came for {len(self)} documents.")
        if len(self) > _DOCUMENTS_MAX:
            raise InvalidInput("more than four thousand million documents.", remedy="Check them as several datasets.")

    def __len__(self) -> int:
        """Count the documents of all parts."""
        return int(self.offsets[-1])

    def rows(self, documents: Places) -> Signatures:
        """Give the signatures of some documents."""
        if len(self.parts) == 1:
            return self.parts[0][documents]
        order = np.argsort(documents)
        ordered = documents[order]
        borders = np.searchsorted(ordered, self.offsets)
        rows = np.empty((len(documents), self.parts[0].shape[1]), dtype=np.uint32)
        for owner in np.flatnonzero(np.diff(borders)):
            mine = slice(borders[owner], borders[owner + 1])
            rows[order[mine]] = self.parts[owner][ordered[mine] - self.offsets[owner]]
        return rows

    def blocks(self) -> Iterator[tuple[int, Signatures]]:
        """Walk over all signatures in order, a bounded number at once, each block with the number of its first."""
        for part, offset in zip(self.parts, self.offsets, strict=False):
            for start in range(0, len(part), _ROWS_AT_ONCE):
                yield int(offset) + start, part[start : start + _ROWS_AT_ONCE]


@contextmanager
def band_keys(
    collection: Collection, parameters: Parameters, bands: range, *, memory_bytes: int, scratch: Path | None
) -> Iterator[Hashes]:
    """Give the key of some bands (rows) for each document (column), 0 for a document without a word.

    They are kept in a file of `scratch` if they do not fit the memory; raises Unavailable for a full disk.
    """
    with _room((len(bands), len(collection)), np.uint64, memory_bytes, scratch) as keys:
        for first, rows in collection.blocks():
            found = _key(rows, parameters, bands)
            if collection.skip is not None:
                found[collection.skip[first : first + len(rows)]] = _NO_KEY
            keys[:, first : first + len(rows)] = found.T
        yield keys


@contextmanager
def _sketches(
    collection: Collection, parameters: Parameters, *, memory_bytes: int, scratch: Path | None
) -> Iterator[Bytes]:
    """Give the last byte of each place of each signature: where signatures agree, these do, and they lie together."""
    with _room((len(collection), parameters.permutations), np.uint8, memory_bytes, scratch) as sketches:
        for first, rows in collection.blocks():
            sketches[first : first + len(rows)] = rows.astype(np.uint8)
        yield sketches


@contextmanager
def _room(
    shape: tuple[int, int], kind: type[np.generic], memory_bytes: int, scratch: Path | None
) -> Iterator[npt.NDArray[Any]]:
    """Give a table to be filled, in memory or, if it does not fit, in a file of `scratch`."""
    size_bytes = np.dtype(kind).itemsize * shape[0] * shape[1]
    if size_bytes <= memory_bytes:
        yield np.empty(shape, dtype=kind)
        return
    with explain_disk_errors(scratch or Path(tempfile.gettempdir())), tempfile.TemporaryFile(dir=scratch) as file:
        file.truncate(size_bytes)
        yield np.memmap(file, dtype=kind, mode="r+", shape=shape)


def _key(rows: Signatures, parameters: Parameters, bands: range) -> Hashes:
    used = rows[:, bands.start * parameters.rows : bands.stop * parameters.rows]
    used = used.reshape(len(rows), len(bands), parameters.rows)
    keys = np.zeros(used.shape[:2], dtype=np.uint64)
    for row in range(parameters.rows):
        keys = mix(keys + used[:, :, row].astype(np.uint64), _FACTOR)
    keys[keys == _NO_KEY] = 1
    keys[np.all(rows == NO_SHINGLE, axis=1)] = _NO_KEY
    return keys


def candidate_pairs(
    collection: Collection,
    parameters: Parameters,
    *,
    bands: range | None = None,
    memory_bytes: int = MEMORY_BYTES,
    scratch: Path | None = None,
) -> Pairs:
    """Give pairs (earlier, later) that share a band and whose signatures agree about as much as the threshold asks.

    Each once, sorted by the later document, then the earlier one; 16 bytes a pair. A bucket of more than 33 documents
    is not compared each with each: a document meets the bucket's first and the 32 before it. With `bands` only these
    are looked at; what several looks found is put together by `join_pairs`.
    """
    bands = bands or range(parameters.bands)
    found = np.zeros(0, dtype=np.uint64)
    waiting: list[Hashes] = []
    passes = count_passes(len(collection), memory_bytes)
    with (
        band_keys(collection, parameters, bands, memory_bytes=memory_bytes, scratch=scratch) as keys,
        _sketches(collection, parameters, memory_bytes=memory_bytes, scratch=scratch) as sketches,
    ):
        add = partial(_add_similar, collection=collection, sketches=sketches, parameters=parameters)
        for band, remainder in product(range(len(bands)), range(passes)):
            for pairs in _pairs_of_sorted(*select_keys(keys[band], remainder, passes)):
                waiting.append(pairs)
                if sum(map(len, waiting)) > _PAIRS_AT_ONCE:
                    found = add(found, waiting)
                    waiting = []
        found = add(found, waiting)
    return _unpack(found)


def join_pairs(found: Sequence[Pairs]) -> Pairs:
    """Put pairs from several looks together: each once, in the order that `candidate_pairs` gives."""
    return _unpack(_each_once(np.concatenate([_pack(*pairs.T) for pairs in found])))


def select_keys(keys: Hashes, remainder: int, passes: int) -> tuple[Hashes, Places]:
    """Read one pass of a band: the keys of one remainder with their documents, in order of key, then document."""
    picked, places = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for start in range(0, len(keys), _PAIRS_AT_ONCE):
        block = np.asarray(keys[start : start + _PAIRS_AT_ONCE])
        mine = np.flatnonzero((block % np.uint64(passes) == remainder) & (block != _NO_KEY))
        picked.append(block[mine])
        places.append(mine + start)
    chosen, documents = np.concatenate(picked), np.concatenate(places)
    order = _find_order(chosen)
    return chosen[order], documents[order]


def _find_order(keys: Hashes) -> Places:
    """Give the places of keys in rising order, equal ones in the order they have.

    The beginning of each key is sorted with its place behind it, in half the time of a stable sort of places; only if
    two keys differ behind that beginning alone, which is rare, the order is found the slow way.
    """
    bits = np.uint64(len(keys).bit_length())
    packed = (keys >> bits << bits) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order = (packed & np.uint64((1 << int(bits)) - 1)).astype(np.int64)
    ordered = keys[order]
    if (ordered[1:] < ordered[:-1]).any():
        return np.argsort(keys, kind="stable")
    return order


def count_passes(documents: int, memory_bytes: int) -> int:
    """Passes over a band so that one of them fits the memory."""
    return max(1, -(-documents * _BYTES_A_KEY // memory_bytes))


def _pairs_of_sorted(keys: Hashes, documents: Places) -> Iterator[Hashes]:
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.zeros(0, np.int64)
    lengths = np.diff(np.append(starts, len(keys)))
    first = np.repeat(starts, lengths)
    distance = np.arange(len(keys)) - first
    for step in range(1, BUCKET_REACH + 1):
        later = np.flatnonzero(distance >= step)
        if not len(later):
            return
        yield _pack(documents[later - step], documents[later])
    far = np.flatnonzero(distance > BUCKET_REACH)
    yield _pack(documents[first[far]], documents[far])


def _pack(earlier: Places, later: Places) -> Hashes:
    return (later.astype(np.uint64) << np.uint64(32)) | earlier.astype(np.uint64)


def _unpack(packed: Hashes) -> Pairs:
    return np.stack((packed & np.uint64(0xFFFFFFFF), packed >> np.uint64(32)), axis=1).astype(np.int64)


def _add_similar(
    found: Hashes, waiting: list[Hashes], *, collection: Collection, sketches: Bytes, parameters: Parameters
) -> Hashes:
    """Add the pairs whose signatures agree in at least `estimate_min` of their places; sorted, each once."""
    packed = _each_once(np.concatenate([np.zeros(0, np.uint64), *waiting]))
    if len(found):  # copies share all bands: do not estimate them each time
        places = np.minimum(np.searchsorted(found, packed), len(found) - 1)
        packed = packed[found[places] != packed]
    agreeing = np.empty(len(packed), dtype=np.int64)
    _count_agreeing(packed, sketches, agreeing)  # never less than their signatures
    packed = packed[agreeing / sketches.shape[1] >= parameters.estimate_min]
    kept = [found]
    for start in range(0, len(packed), _PAIRS_COMPARED):
        pairs = packed[start : start + _PAIRS_COMPARED]
        earlier, later = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64), (pairs >> np.uint64(32)).astype(np.int64)
        share = estimate_similarity(collection.rows(earlier), collection.rows(later))
        kept.append(pairs[share >= parameters.estimate_min])
    return np.sort(np.concatenate(kept))


@compiled
def _count_agreeing(packed: Hashes, sketches: Bytes, agreeing: Places) -> None:
    for number in range(len(packed)):
        left = sketches[np.int64(packed[number] & np.uint64(0xFFFFFFFF))]
        right = sketches[np.int64(packed[number] >> np.uint64(32))]
        count = np.int64(0)
        for place in range(len(left)):
            count += left[place] == right[place]
        agreeing[number] = count


def _each_once(numbers: Hashes) -> Hashes:
    """Give the different numbers in order; np.unique takes ten times as long."""
    ordered = np.sort(numbers)
    return ordered[np.diff(ordered, prepend=~ordered[:1]) != 0]


def estimate_similarity(left: Signatures, right: Signatures) -> npt.NDArray[np.float64]:
    """Share of equal places, row by row."""
    return np.count_nonzero(left == right, axis=1) / left.shape[1]
