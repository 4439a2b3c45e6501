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
_AT_ONCE = 32  # words that are put through a sieve before one is looked up
_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_PHRASES = {"lorem-ipsum": ("lorem ipsum",), "javascript": ("javascript",), "policy": _POLICY}


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """All words that are looked for; `belongs[rows[language]]` marks the frequent words of a language.

    `pairs` are the first two words of each phrase. `sieves` are made of the words of each language, and the last of the
    words that begin a phrase (see `_make_sieve`).
    """

    rows: Mapping[str, int]
    words: KnownWords
    belongs: Mask
    phrases: tuple[tuple[str, str], ...]
    pairs: Hashes
    sieves: Hashes


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
    sieves = np.stack([_make_sieve(each) for each in (*lists.values(), pairs[:, 0])])
    return _Lexicon(
        {language: row for row, language in enumerate(lists)}, KnownWords.of(wanted), belongs, phrases, pairs, sieves
    )


def _make_sieve(hashes: Hashes) -> Hashes:
    """Set a bit for each six bits of a word, from four places of its hash: what finds all four set may be a word."""
    sieve = np.zeros(4, dtype=np.uint64)
    for value in hashes.tolist():
        sieve |= np.array([1 << (value >> 6 * part & 63) for part in range(4)], dtype=np.uint64)
    return sieve


def look_for_words(texts: Sequence[str], words: Words, languages: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Look for the frequent words of each text's language, of which two different ones are wanted, and for phrases.

    A phrase is looked for by its first two words, then in the text itself.
    """
    known = _lexicon()
    rows = np.fromiter((known.rows.get(each, -1) for each in languages), dtype=np.int64, count=len(words))
    has_two = np.zeros(len(words), dtype=np.bool_)
    begun = np.zeros((len(known.phrases), len(words)), dtype=np.bool_)
    slots, numbers = known.words.slots, known.words.numbers
    _find_two(words.hashes, words.firsts, slots, numbers, known.belongs, known.sieves, rows, has_two)
    _find_phrases(words.hashes, words.firsts, known.pairs, known.sieves[-1], begun)
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
def _find_two(
    hashes: Hashes,
    firsts: Places,
    slots: Hashes,
    numbers: Places,
    belongs: Mask,
    sieves: Hashes,
    rows: Places,
    has_two: Mask,
) -> None:
    """Mark the texts that hold two different words of their language."""
    for text in range(len(rows)):
        known, first, end = -1, firsts[text], firsts[text + 1]
        while rows[text] >= 0 and first < end and not has_two[text]:
            last = min(first + _AT_ONCE, end)
            if _may_hold_one(hashes[first:last], sieves[rows[text]]):
                for place in range(first, last):
                    number = find_known(slots, numbers, hashes[place])
                    if number >= 0 and belongs[rows[text], number]:
                        has_two[text] |= known >= 0 and known != number
                        known = number
            first = last


@compiled
def _find_phrases(hashes: Hashes, firsts: Places, pairs: Hashes, sieve: Hashes, begun: Mask) -> None:
    """Mark the texts in which a phrase begins."""
    for text in range(len(firsts) - 1):
        for first in range(firsts[text], firsts[text + 1], _AT_ONCE):
            last = min(first + _AT_ONCE, firsts[text + 1])
            if _may_hold_one(hashes[first:last], sieve):
                for place in range(first, last):
                    following = hashes[place + 1] if place + 1 < firsts[text + 1] else np.uint64(0)
                    for phrase in range(len(pairs)):
                        if pairs[phrase, 0] == hashes[place]:
                            begun[phrase, text] |= pairs[phrase, 1] == 0 or pairs[phrase, 1] == following


@compiled
def _may_hold_one(hashes: Hashes, sieve: Hashes) -> bool:
    """Say whether some word passes a sieve; a loop without a branch, of which many turns are done at once."""
    first, second, third, fourth = sieve[0], sieve[1], sieve[2], sieve[3]
    bits, passed = np.uint64(63), np.uint64(0)
    for place in range(len(hashes)):
        value = hashes[place]
        passed |= (
            (first >> (value & bits))
            & (second >> (value >> np.uint64(6) & bits))
            & (third >> (value >> np.uint64(12) & bits))
            & (fourth >> (value >> np.uint64(18) & bits))
        )
    return passed & np.uint64(1) != 0
