"""The baseline that a model has to beat: a trigram over the same tokens, counted on the same training text.

Interpolated absolute discounting (Ney, Essen and Kneser 1994): each order gives a discount D = n1 / (n1 + 2 n2) of
every count to the order below, the unigram to the uniform distribution. Nothing is tuned. Knows tokens, not text.
"""

from dataclasses import dataclass

import numpy as np

from kifabrik.evaluation.documents import Array, TokenizedDocuments

TOKENS_MAX = 30_000_000


@dataclass(frozen=True, slots=True)
class _Order:
    """Counts of one order: n-grams and contexts as sorted numbers, discounted shares and what is given down."""

    grams: Array
    counts: Array
    contexts: Array
    totals: Array
    given_down: Array
    discount: float

    def interpolate(self, contexts: Array, grams: Array, lower: Array) -> Array:
        """Mix the discounted share of each n-gram with the probability that the order below gives it."""
        place = np.searchsorted(self.contexts, contexts)
        known = self.contexts[np.minimum(place, len(self.contexts) - 1)] == contexts
        place = np.where(known, place, 0)
        at = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        counts = np.where(self.grams[at] == grams, self.counts[at], 0)
        share = np.maximum(counts - self.discount, 0) / self.totals[place]
        return np.asarray(np.where(known, share + self.given_down[place] * lower, lower))


@dataclass(frozen=True, slots=True)
class Trigram:
    """A counted trigram; `tokens` says on how many tokens."""

    vocabulary: int
    tokens: int
    unigram: Array
    bigrams: _Order
    trigrams: _Order

    def log_likelihoods(self, tokens: Array) -> Array:
        """Give log p of each token but the first, in nats, given up to two tokens before it."""
        row = np.asarray(tokens, dtype=np.int64)
        pairs = row[:-1] * self.vocabulary + row[1:]
        chances = self.bigrams.interpolate(row[:-1], pairs, self.unigram[row[1:]])
        if len(row) > 2:
            triples = pairs[:-1] * self.vocabulary + row[2:]
            chances[1:] = self.trigrams.interpolate(pairs[:-1], triples, chances[1:])
        return np.log(chances)


def count(documents: TokenizedDocuments, *, vocabulary: int) -> Trigram:
    """Count a training text, its first 30 million tokens at most; no n-gram reaches over the end of a document."""
    if not len(documents.tokens):
        raise ValueError("there is no training text to count")
    tokens = np.asarray(documents.tokens[:TOKENS_MAX], dtype=np.int64)
    first = np.zeros(len(tokens), dtype=bool)
    first[documents.starts[:-1][documents.starts[:-1] < len(tokens)]] = True
    pairs = (tokens[:-1] * vocabulary + tokens[1:])[~first[1:]]
    triples = ((tokens[:-2] * vocabulary + tokens[1:-1]) * vocabulary + tokens[2:])[~(first[1:-1] | first[2:])]
    return Trigram(
        vocabulary=vocabulary,
        tokens=len(tokens),
        unigram=_count_unigram(tokens, vocabulary),
        bigrams=_count_order(pairs, vocabulary),
        trigrams=_count_order(triples, vocabulary),
    )


def _count_unigram(tokens: Array, vocabulary: int) -> Array:
    counts = np.bincount(tokens, minlength=vocabulary)
    discount = _discount(counts[counts > 0])
    given_down = discount * (counts > 0).sum() / len(tokens)
    return np.asarray(np.maximum(counts - discount, 0) / len(tokens) + given_down / vocabulary)


def _count_order(numbers: Array, vocabulary: int) -> _Order:
    if not len(numbers):
        numbers = np.full(1, -1, dtype=np.int64)  # a context that no text has, so that every look-up falls through
    grams, counts = np.unique(numbers, return_counts=True)
    contexts, first, kinds = np.unique(grams // vocabulary, return_index=True, return_counts=True)
    totals = np.add.reduceat(counts, first)
    discount = _discount(counts)
    return _Order(grams, counts, contexts, totals, discount * kinds / totals, discount)


def _discount(counts: Array) -> float:
    """Estimate the discount from how many n-grams were seen once and twice; at least a little is always given down."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return min(0.99, max(0.1, once / (once + 2 * twice) if once else 0.1))
