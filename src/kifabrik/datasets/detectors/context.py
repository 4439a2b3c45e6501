"""Context words in 24 languages: which kinds of identifier the words before a number speak of. Knows words, no numbers.

The words stand in `context_words.yaml`. A word is looked up once and remembered, because the same words come again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

import yaml

GROUPS = ("phone", "card", "identity", "tax", "passport", "licence", "born", "place")
_WORD = re.compile(r"[^\W\d_]+")
_REMEMBERED_MAX = 50_000  # distinct words; a text in which every word is new must not fill the memory
_DATA = resources.files(__package__).joinpath("context_words.yaml").read_bytes()
WORDS_DIGEST = sha256(_DATA).hexdigest()
_TABLE: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(_DATA)["languages"]


@dataclass(frozen=True, slots=True)
class Words:
    """What words speak of: `groups` of identifiers, and the `languages` whose words said so."""

    groups: frozenset[str]
    languages: frozenset[str]

    def speak_of(self, *groups: str) -> bool:
        """Say whether any of the groups is meant."""
        return not self.groups.isdisjoint(groups)


NO_WORDS = Words(frozenset(), frozenset())
_Meaning = tuple[tuple[str, str], ...]  # group and language, once for each language that has the word


def _read() -> tuple[dict[str, _Meaning], dict[str, _Meaning]]:
    whole: dict[str, list[tuple[str, str]]] = {}
    beginnings: dict[str, list[tuple[str, str]]] = {}
    for language, groups in _TABLE.items():
        for group, words in groups.items():
            for word in words:
                place = beginnings if word.endswith("*") else whole
                place.setdefault(word.rstrip("*").lower(), []).append((group, language))
    return (
        {word: tuple(meanings) for word, meanings in whole.items()},
        {word: tuple(meanings) for word, meanings in beginnings.items()},
    )


_WHOLE, _BEGINNINGS = _read()
LANGUAGES: tuple[str, ...] = tuple(sorted(_TABLE))
_SHORTEST, _LONGEST = min(map(len, _BEGINNINGS)), max(map(len, _BEGINNINGS))
_remembered: dict[str, _Meaning] = {}


def words_in(text: str) -> Words:
    """Say which groups the words of a short text belong to."""
    meanings = [meaning for word in _WORD.findall(text.lower()) if (meaning := _meaning_of(word))]
    if not meanings:
        return NO_WORDS
    pairs = [pair for meaning in meanings for pair in meaning]
    return Words(frozenset(group for group, _ in pairs), frozenset(language for _, language in pairs))


def _meaning_of(word: str) -> _Meaning:
    meaning = _remembered.get(word)
    if meaning is None:
        found = list(_WHOLE.get(word, ()))
        for length in range(_SHORTEST, min(_LONGEST, len(word)) + 1):
            found.extend(_BEGINNINGS.get(word[:length], ()))
        meaning = tuple(found)
        if len(_remembered) < _REMEMBERED_MAX:
            _remembered[word] = meaning
    return meaning
