"""The most frequent words of each language, and what they say about a text. Knows a table of words, no model.

They are a second opinion that has nothing in common with the n-grams of the first, and the stop words of a language.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_TABLE = Path(__file__).parent / "reference" / "function_words.yaml"
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """`by_language` gives the words of a language, most frequent first; `languages_of` the languages of a word."""

    by_language: Mapping[str, tuple[str, ...]]
    languages_of: Mapping[str, tuple[str, ...]]
    official: frozenset[str]  # the 24 official languages of the European Union, ISO 639-1

    def weigh(self, text: str) -> Counter[str]:
        """Count a language's words in a text; a word that several languages have counts for each as a part of one."""
        evidence: Counter[str] = Counter()
        for word in _WORD.findall(text.casefold()):
            languages = self.languages_of.get(word)
            if languages:
                for language in languages:
                    evidence[language] += 1 / len(languages)  # type: ignore[assignment]  # a Counter adds any number
        return evidence


@cache
def load_function_words() -> FunctionWords:
    """Read the table that came with this program."""
    rows = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))["languages"]
    by_language = {str(row["code"]): tuple(str(row["words"]).split()) for row in rows}
    languages_of: dict[str, list[str]] = {}
    for language, words in by_language.items():
        for word in words:
            languages_of.setdefault(word, []).append(language)
    return FunctionWords(
        by_language=by_language,
        languages_of={word: tuple(languages) for word, languages in languages_of.items()},
        official=frozenset(str(row["code"]) for row in rows if row["is_official"]),
    )
