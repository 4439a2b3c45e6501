"""Intervals of a rate that was counted on a sample. Knows numbers only."""

from math import sqrt

Z_95 = 1.959963984540054  # two-sided


def wilson_interval(hits: int, n: int, *, z: float = Z_95) -> tuple[float, float]:
    """Give the limits of Wilson's score interval (Wilson 1927) of a rate; (0, 1) where nothing was counted."""
    if n <= 0:
        return 0.0, 1.0
    rate = hits / n
    middle = rate + z * z / (2 * n)
    spread = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)
