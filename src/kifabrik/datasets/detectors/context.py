"""Context words in 24 languages: which kinds of identifier the words before a number speak of. Knows words, no numbers.

The words stand in `context_words.yaml`. A word is looked up once and remembered, because the same words come again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import resources

from kifabrik.datasets import yaml_tables

GROUPS = ("phone", "card", "identity", "tax", "passport", "licence", "born", "place")
_WORD = re.compile(r"[^\W\d_]+")
_ONLY_LETTERS = bytes(sign if chr(sign).isalpha() else ord(" ") for sign in range(128)).ljust(256)
_REMEMBERED_MAX = 50_000  # distinct words; a text in which every word is new must not fill the memory
_DATA = resources.files(__package__).joinpath("context_words.yaml").read_bytes()
WORDS_DIGEST = sha256(_DATA).hexdigest()
_TABLE: Mapping[str, Mapping[str, list[str]]] = yaml_tables.parse(_DATA)["languages"]


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


WHOLE_WORDS, BEGINNINGS = _read()
LANGUAGES: tuple[str, ...] = tuple(sorted(_TABLE))
_SHORTEST, _LONGEST = min(map(len, BEGINNINGS)), max(map(len, BEGINNINGS))
_HEADS = frozenset(beginning[:_SHORTEST] for beginning in BEGINNINGS)
_remembered: dict[str | bytes, _Meaning] = {}


def words_in(text: str) -> Words:
    """Say which groups the words of a short text belong to."""
    lower = text.lower()
    words: list[str] | list[bytes] = (  # cutting bytes takes a quarter of the time, and most windows are ASCII
        lower.encode().translate(_ONLY_LETTERS).split() if lower.isascii() else _WORD.findall(lower)
    )
    pairs: _Meaning = ()
    for word in words:
        meaning = _remembered.get(word)
        if meaning is None:
            meaning = _look_up(word)
        if meaning:
            pairs += meaning
    return _words_of(pairs) if pairs else NO_WORDS


@lru_cache(maxsize=4096)
def _words_of(pairs: _Meaning) -> Words:
    return Words(frozenset(group for group, _ in pairs), frozenset(language for _, language in pairs))


def _look_up(word: str | bytes) -> _Meaning:
    letters = word if isinstance(word, str) else word.decode()
    found = list(WHOLE_WORDS.get(letters, ()))
    if letters[:_SHORTEST] in _HEADS:
        for length in range(_SHORTEST, min(_LONGEST, len(letters)) + 1):
            found.extend(BEGINNINGS.get(letters[:length], ()))
    if len(_remembered) < _REMEMBERED_MAX:
        _remembered[word] = tuple(found)
    return tuple(found)
