"""Hashes of runs of neighbouring words, many at once. Knows no texts."""

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.words import Hashes, mix_one

_NEXT, _RUN = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x94D049BB133111EB)


@compiled
def write_runs(words: Hashes, length: int, runs: Hashes) -> int:
    """Hash each run of so many words as `words.hash_runs` does and count them, inside a compiled loop.

    One step after the other for all runs: each step is a loop without a chain, of which many turns are done at once.
    """
    count = max(len(words) - length + 1, 0)
    for place in range(count):
        runs[place] = words[place] * _NEXT
    for step in range(1, length):
        later = words[step:]
        for place in range(count):
            runs[place] = (runs[place] + later[place]) * _NEXT
    for place in range(count):
        runs[place] = mix_one(runs[place], _RUN)
    return count
