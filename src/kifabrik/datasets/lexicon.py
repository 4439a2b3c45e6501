"""Looks for the frequent words of each language and for a few phrases, by the hashes of words. Knows no thresholds.

The words of English are those of Rae et al. 2021 (Gopher), appendix A1.1, the phrases those of Raffel et al. 2020 (C4),
section 2.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.function_words import load_function_words
from kifabrik.datasets.words import Hashes, KnownWords, Mask, Places, Words, find_known, split_words

_GOPHER_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_LANGUAGE_WORDS = 20
_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_PHRASES = {"lorem-ipsum": ("lorem ipsum",), "javascript": ("javascript",), "policy": _POLICY}


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """All words that are looked for; `belongs[rows[language]]` marks the frequent words of a language.

    `pairs` are the first two words of each phrase.
    """

    rows: Mapping[str, int]
    words: KnownWords
    belongs: Mask
    phrases: tuple[tuple[str, str], ...]
    pairs: Hashes


@cache
def _lexicon() -> _Lexicon:
    table = load_function_words()
    chosen = {each: table.by_language[each][:_LANGUAGE_WORDS] for each in table.official} | {"en": _GOPHER_WORDS}
    lists = {language: split_words([" ".join(words)]).hashes for language, words in sorted(chosen.items())}
    phrases = tuple((code, phrase) for code, phrases in _PHRASES.items() for phrase in phrases)
    pairs = np.zeros((len(phrases), 2), dtype=np.uint64)
    for row, (_, phrase) in enumerate(phrases):
        hashes = split_words([phrase]).hashes[:2]
        pairs[row, : len(hashes)] = hashes
    wanted = np.unique(np.concatenate([*lists.values(), pairs[:, 0]]))
    belongs = np.stack([np.isin(wanted, each) for each in lists.values()])
    return _Lexicon(
        {language: row for row, language in enumerate(lists)}, KnownWords.of(wanted), belongs, phrases, pairs
    )


def look_for_words(texts: Sequence[str], words: Words, languages: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Look for the frequent words of each text's language, of which two different ones are wanted, and for phrases.

    A phrase is looked for by its first two words, then in the text itself.
    """
    known = _lexicon()
    rows = np.fromiter((known.rows.get(each, -1) for each in languages), dtype=np.int64, count=len(words))
    has_two = np.zeros(len(words), dtype=np.bool_)
    begun = np.zeros((len(known.phrases), len(words)), dtype=np.bool_)
    _look_up(
        words.hashes,
        words.firsts,
        known.words.slots,
        known.words.numbers,
        known.belongs,
        rows,
        known.pairs,
        has_two,
        begun,
    )
    few = (rows >= 0) & (words.counts > 0) & ~has_two
    is_english = rows == known.rows["en"]
    yield "stop-words", few & is_english
    yield "function-words", few & ~is_english
    masks = {code: np.zeros(len(words), dtype=np.bool_) for code in _PHRASES}
    for (code, phrase), some in zip(known.phrases, begun, strict=True):
        for number in np.flatnonzero(some).tolist():
            masks[code][number] |= phrase in texts[number].lower()
    yield from masks.items()


@compiled
def _look_up(
    hashes: Hashes,
    firsts: Places,
    slots: Hashes,
    numbers: Places,
    belongs: Mask,
    rows: Places,
    pairs: Hashes,
    has_two: Mask,
    begun: Mask,
) -> None:
    """Mark the texts that hold two different words of their language, and those in which a phrase begins."""
    for text in range(len(firsts) - 1):
        known = -1
        for place in range(firsts[text], firsts[text + 1]):
            value = hashes[place]
            number = find_known(slots, numbers, value)
            if number < 0:
                continue
            if rows[text] >= 0 and belongs[rows[text], number]:
                has_two[text] |= known >= 0 and known != number
                known = number
            for phrase in range(len(pairs)):
                if pairs[phrase, 0] == value:
                    following = hashes[place + 1] if place + 1 < firsts[text + 1] else np.uint64(0)
                    begun[phrase, text] |= pairs[phrase, 1] == 0 or pairs[phrase, 1] == following
