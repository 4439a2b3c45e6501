"""How near-duplicates are searched: the numbers that two signature files must share. Knows no text."""

import math
from dataclasses import dataclass

from kifabrik.core.errors import InvalidInput

ESTIMATE_DEVIATIONS = 3.0  # a true pair at the threshold is lost by its signatures once in about 700


@dataclass(frozen=True, slots=True)
class Parameters:
    """Shingles of words, MinHash permutations in bands of rows, and the true Jaccard similarity of duplicates.

    32 bands of 4 rows offer a pair of similarity .7 for comparison with probability .9998, one of .3 with .23 (the
    comparison then rejects it): 1 - (1 - s^rows)^bands, Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
    section 3.4. A similarity of .7 is that of a text of some hundred words with 3 to 4 of each hundred changed.
    """

    shingle_words: int = 5
    permutations: int = 128
    bands: int = 32
    rows: int = 4
    threshold: float = 0.7
    seed: int = 17

    def __post_init__(self) -> None:
        if self.shingle_words < 1 or self.bands < 1 or self.rows < 1:
            raise InvalidInput("shingle words, bands and rows are at least 1.", remedy="Write for example 5, 32 and 4.")
        if self.bands * self.rows > self.permutations:
            raise InvalidInput(
                f"{self.bands} bands of {self.rows} rows need {self.bands * self.rows} permutations, "
                f"but there are {self.permutations}.",
                remedy="Give more permutations, or fewer bands or rows.",
            )
        if not 0 < self.threshold <= 1:
            raise InvalidInput("the threshold is not above 0 and at most 1.", remedy="Write for example 0.7.")

    @property
    def estimate_min(self) -> float:
        """The share of equal signature places below which a pair is not worth reading its texts."""
        deviation = math.sqrt(self.threshold * (1 - self.threshold) / self.permutations)
        return max(0.0, self.threshold - ESTIMATE_DEVIATIONS * deviation)

    @property
    def method(self) -> str:
        """The method in words, for a card."""
        return "MinHash LSH; every removed document verified by true Jaccard against the kept one"
