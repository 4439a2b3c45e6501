"""How much of each held-out document stands in the training text: exact comparison of token n-grams.

After Touvron et al. 2023 (Llama 2, A.6): a document is dirty if at least 80 % of its tokens lie in n-grams that the
training text holds too. Hashes only find candidates; every match is compared token by token.
Knows tokens, not models.
"""

from dataclasses import dataclass

import numpy as np

from kifabrik.evaluation.documents import Array, TokenizedDocuments, window_starts

LONG_TOKENS, SHORT_TOKENS = 50, 13
DIRTY_SHARE = 0.8
TRAIN_PIECE_TOKENS = 4_000_000
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of each held-out document the training text holds; NaN where a document is too short to say."""

    length: int
    covered_shares: Array

    @property
    def is_dirty(self) -> Array:
        """Which documents are dirty."""
        return np.nan_to_num(self.covered_shares) >= DIRTY_SHARE

    @property
    def is_checked(self) -> Array:
        """Which documents were long enough."""
        return ~np.isnan(self.covered_shares)


def measure(train: TokenizedDocuments, held_out: TokenizedDocuments) -> Overlap:
    """Measure the overlap of each held-out document; n is 50 tokens, or 13 where the usual document is short."""
    lengths = held_out.lengths
    long = len(lengths) > 0 and float(np.median(lengths)) >= 2 * LONG_TOKENS
    length = LONG_TOKENS if long else SHORT_TOKENS
    # The end-of-text token that begins each document is no text.
    starts = np.setdiff1d(window_starts(held_out, length=length), held_out.starts[:-1])
    found = starts[_find(train, held_out, starts, length)]
    edges = np.zeros(len(held_out.tokens) + 1, dtype=np.int64)
    np.add.at(edges, found, 1)
    np.add.at(edges, found + length, -1)
    covered = np.concatenate([[0], np.cumsum(np.cumsum(edges[:-1]) > 0)])
    per_document = covered[held_out.starts[1:]] - covered[held_out.starts[:-1]]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(lengths > length, per_document / (lengths - 1), np.nan)
    return Overlap(length=length, covered_shares=shares)


def _find(train: TokenizedDocuments, held_out: TokenizedDocuments, starts: Array, length: int) -> Array:
    """Say which n-grams at `starts` of the held-out text stand anywhere in the training text."""
    found = np.zeros(len(starts), dtype=bool)
    if not len(starts):
        return found
    table = np.random.default_rng(7).integers(1, 2**63, size=1 + int(held_out.tokens.max()), dtype=np.uint64)
    hashes = _hash(held_out.tokens, table, length)[starts]
    order = np.argsort(hashes, kind="stable")
    for begin in range(0, max(1, len(train.tokens) - length + 1), TRAIN_PIECE_TOKENS):
        piece = np.asarray(train.tokens[begin : begin + TRAIN_PIECE_TOKENS + length - 1])
        if len(piece) < length:
            break
        # A token that the held-out text never uses cannot match; its hash does not matter.
        known = np.unique(_hash(np.minimum(piece, len(table) - 1), table, length), return_index=True)
        place = np.minimum(np.searchsorted(known[0], hashes[order]), len(known[0]) - 1)
        candidates = order[(known[0][place] == hashes[order]) & ~found[order]]
        spots = known[1][np.minimum(np.searchsorted(known[0], hashes[candidates]), len(known[0]) - 1)]
        found[candidates] |= _equal(piece, spots, held_out.tokens, starts[candidates], length)
    return found


def _hash(tokens: Array, table: Array, length: int) -> Array:
    """Give a polynomial hash of each run of `length` tokens, modulo 2^64."""
    values = table[np.asarray(tokens)]
    count = len(values) - length + 1
    if count < 1:
        return np.zeros(0, dtype=np.uint64)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(length):
        hashes *= _BASE
        hashes += values[offset : offset + count]
    return hashes


def _equal(one: Array, at: Array, other: Array, there: Array, length: int) -> Array:
    same = np.ones(len(at), dtype=bool)
    for offset in range(length):
        same &= one[at + offset] == other[there + offset]
    return same
