"""The most frequent words of each language, and what they say about a text. Knows a table of words, no model.

They are a second opinion that has nothing in common with the n-grams of the first, and the stop words of a language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.datasets import yaml_tables
from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.words import Hashes, KnownWords, Places, find_known, split_words

Evidence = npt.NDArray[np.float64]
_TABLE = Path(__file__).parent / "reference" / "function_words.yaml"


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """`by_language` gives the words of a language, most frequent first; `official` are the 24 of the European Union."""

    by_language: Mapping[str, tuple[str, ...]]
    official: frozenset[str]  # ISO 639-1
    _known: KnownWords
    _shares: Evidence  # of each known word (row), what it says for each language (column): all together 1

    def weigh(self, texts: Sequence[str | bytes]) -> Evidence:
        """Count the words of each language (column) in each text (row).

        A word that several languages have counts for each as a part of one.
        """
        words = split_words(texts)
        evidence = np.zeros((len(texts), len(self.by_language)), dtype=np.float64)
        _weigh(words.hashes, words.firsts, self._known.slots, self._known.numbers, self._shares, evidence)
        return evidence


@compiled
def _weigh(
    hashes: Hashes, firsts: Places, slots: Hashes, numbers: Places, shares: Evidence, evidence: Evidence
) -> None:
    for text in range(len(firsts) - 1):
        for place in range(firsts[text], firsts[text + 1]):
            number = find_known(slots, numbers, hashes[place])
            if number >= 0:
                for column in range(shares.shape[1]):
                    evidence[text, column] += shares[number, column]


@cache
def load_function_words() -> FunctionWords:
    """Read the table that came with this program."""
    rows = yaml_tables.parse(_TABLE.read_text(encoding="utf-8"))["languages"]
    by_language = {str(row["code"]): tuple(str(row["words"]).split()) for row in rows}
    words = split_words([" ".join(each) for each in by_language.values()])
    known, places = np.unique(words.hashes, return_inverse=True)
    has = np.zeros((len(known), len(words)), dtype=np.bool_)
    has[places, words.owners] = True
    return FunctionWords(
        by_language=by_language,
        official=frozenset(str(row["code"]) for row in rows if row["is_official"]),
        _known=KnownWords.of(known),
        _shares=has / has.sum(axis=1, keepdims=True),
    )
