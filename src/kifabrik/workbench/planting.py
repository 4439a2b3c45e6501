"""Plants canaries in training documents: which document gets which string is a pure function of the seed.

Knows strings and documents, not how canaries are made or measured.
"""

from collections.abc import Mapping

import numpy as np


class Planting:
    """Where each canary goes: every repetition on a line of its own in some training document."""

    def __init__(self, planted: Mapping[int, tuple[str, ...]], *, documents: int, seed: int) -> None:
        self._seed = seed
        self._by_document: dict[int, list[str]] = {}
        copies = [string for count, strings in sorted(planted.items()) for string in strings for _ in range(count)]
        places = np.random.default_rng([seed, 3]).integers(max(1, documents), size=len(copies))
        for string, document in zip(copies, places, strict=True):
            self._by_document.setdefault(int(document), []).append(string)
        self.copies = len(copies)

    def plant(self, number: int, text: str) -> str:
        """Give the text of training document `number` with its canaries between its lines."""
        strings = self._by_document.get(number)
        if not strings:
            return text
        random = np.random.default_rng([self._seed, 4, number])
        lines = text.split("\n")
        for string in strings:
            lines.insert(int(random.integers(len(lines) + 1)), string)
        return "\n".join(lines)
