"""The statistics of the tests: bootstrap over documents, rank-sum test, bound of a difference. Knows no model."""

import math
from dataclasses import dataclass

import numpy as np

from kifabrik.evaluation.documents import Array

EXACT_SIZE_MAX = 200_000_000
PERMUTATIONS = 99_999
_PERMUTATIONS_AT_ONCE = 5_000
Z_95_ONE_SIDED = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its two-sided 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high


def resample(units: int, *, rounds: int, seed: int) -> Array:
    """Draw how often each unit is chosen in each bootstrap round: one row a round, each row sums to `units`."""
    return np.random.default_rng([seed, 11]).multinomial(units, np.full(units, 1 / units), size=rounds)


def estimate_ratio(numerators: Array, denominators: Array, draws: Array) -> Estimate:
    """Estimate sum(numerators) / sum(denominators) with a percentile bootstrap over the units of `draws`."""
    sampled = (draws @ numerators) / np.maximum(draws @ denominators, np.finfo(float).tiny)
    low, high = np.quantile(sampled, [0.025, 0.975])
    return Estimate(float(numerators.sum() / denominators.sum()), float(low), float(high))


def rank_sum_p(above: Array, below: Array) -> float:
    """One-sided Mann-Whitney: how likely `above` ranks at least this high among both, if both come from one source.

    Ties included: from all ways to choose that many of the mid-ranks, or from 99,999 drawn ones where that would take
    long. Either way p is at most x in no more than a share x of cases without a difference; the normal approximation
    does not keep that where many values are equal. Raises ValueError for an empty group.
    """
    if not len(above) or not len(below):
        raise ValueError("both groups must hold a value")
    ranks = _doubled_mid_ranks(np.concatenate([above, below]))
    observed = int(ranks[: len(above)].sum())
    top = int(np.sort(ranks)[-len(above) :].sum())
    if len(ranks) * len(above) * top <= EXACT_SIZE_MAX:
        return _exact_upper_tail(ranks, len(above), observed, top)
    return _drawn_upper_tail(ranks, len(above), observed)


def smallest_rank_sum_p(above: int, below: int) -> float:
    """Give the smallest p that groups of these sizes can reach; above 0.01 such a test can never be red."""
    return 1 / math.comb(above + below, above)


def upper_bound_of_difference(hits: int, n: int, control_hits: int, control_n: int) -> float:
    """Give the one-sided upper 95 % bound of a difference of two rates (Newcombe 1998, method 10)."""
    rate, control_rate = hits / n, control_hits / control_n
    above = wilson_limits(hits, n)[1] - rate
    below = control_rate - wilson_limits(control_hits, control_n)[0]
    return rate - control_rate + math.hypot(above, below)


def wilson_limits(hits: int, n: int, *, z: float = Z_95_ONE_SIDED) -> tuple[float, float]:
    """Give Wilson's score limits of a rate, each of them a one-sided 95 % bound by default."""
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def _doubled_mid_ranks(values: Array) -> Array:
    """Rank values from 1, equal ones sharing their mean rank; doubled, so that every rank is a whole number."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((2 * ends - counts + 1)[places], dtype=np.int64)


def _exact_upper_tail(ranks: Array, chosen: int, observed: int, top: int) -> float:
    """Count the ways to choose that many ranks by their sum, in shares of all ways so far, and add up the tail."""
    ways = np.zeros((chosen + 1, top + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        # From many to few, so that each rank is chosen at most once.
        for count in range(chosen, 0, -1):
            ways[count, rank:] += ways[count - 1, : top + 1 - rank]
    return float(ways[chosen, observed:].sum() / math.comb(len(ranks), chosen))


def _drawn_upper_tail(ranks: Array, chosen: int, observed: int) -> float:
    """Draw choices of that many ranks; the observed one counts as one of them, so that p is never too small."""
    values, counts = np.unique(ranks, return_counts=True)
    source = np.random.default_rng([len(ranks), chosen, 13])
    reached = 1
    for begin in range(0, PERMUTATIONS, _PERMUTATIONS_AT_ONCE):
        size = min(_PERMUTATIONS_AT_ONCE, PERMUTATIONS - begin)
        draws = source.multivariate_hypergeometric(counts, chosen, size=size, method="marginals")
        reached += int((draws @ values >= observed).sum())
    return reached / (PERMUTATIONS + 1)
