"""Published signs that a text is of little use, as doubts that are reported; nothing is removed by them.

Each signal names the paper and the threshold. Words are runs of letters and digits (see `words`) where the papers cut
at white space, so that counts differ by a few per cent. Gopher's stop words are English; for the other 23 languages of
the EU the same test is made with frequent words of that language, which nobody published: it has a code of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.function_words import load_function_words
from kifabrik.datasets.line_shapes import cut_lines, find_code_line_doubts, find_line_doubts
from kifabrik.datasets.repetition import find_repetitive, sum_by_text
from kifabrik.datasets.words import Hashes, Words, cut_blocks, hash_runs, split_words

_GOPHER = "Rae et al. 2021, Scaling Language Models (Gopher), appendix A1.1"
_C4 = "Raffel et al. 2020, Exploring the Limits of Transfer Learning (C4), section 2.2"
_FINEWEB = "Penedo et al. 2024, The FineWeb Datasets, section 3.6"
_CODEX = "Chen et al. 2021, Evaluating Large Language Models Trained on Code, section 3.1"
_OWN = "after Rae et al. 2021; the words are the most frequent of each language's Wikipedia and not published for this"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Signal:
    """One published heuristic: a text is doubted if `threshold` holds."""

    code: str
    title: str
    threshold: str
    source: str


SIGNALS = (
    Signal("length", "Very short or very long", "fewer than 50 or more than 100,000 words", _GOPHER),
    Signal("word-length", "Words of unusual length", "mean below 3 or above 10 characters", _GOPHER),
    Signal("symbols", "Many hash signs or ellipses", "more than 0.1 of them a word", _GOPHER),
    Signal("bullets", "A list", "more than 90 % of the lines begin with a bullet", _GOPHER),
    Signal("ellipsis-lines", "Lines that break off", "more than 30 % of the lines end with an ellipsis", _GOPHER),
    Signal("numbers", "Mostly numbers", "fewer than 80 % of the words hold a letter", _GOPHER),
    Signal("stop-words", "English without stop words", "fewer than 2 of: the be to of and that have with", _GOPHER),
    Signal("function-words", "Text without frequent words", "fewer than 2 of the language's 20 most frequent", _OWN),
    Signal("repeated-lines", "Repeated lines", "more than 30 % of the lines or 20 % of their characters", _GOPHER),
    Signal("repeated-paragraphs", "Repeated paragraphs", "more than 30 % of them or 20 % of their characters", _GOPHER),
    Signal("frequent-phrase", "One phrase all over", "the top 2-, 3-, 4-gram holds over 20, 18, 16 %", _GOPHER),
    Signal(
        "repeated-phrases", "Repeated phrases", "repeated 5- to 10-grams hold over 15, 14, 13, 12, 11, 10 %", _GOPHER
    ),
    Signal("lorem-ipsum", "Placeholder text", "holds 'lorem ipsum'", _C4),
    Signal("curly-bracket", "Code in prose", "holds a curly bracket", _C4),
    Signal("javascript", "Web page that asks for Javascript", "holds the word; C4 drops the line", _C4),
    Signal("policy", "Cookie and privacy notices", "holds such a phrase; C4 drops the line", _C4),
    Signal("line-ends", "Lines without punctuation at their end", "at most 12 % of the lines have it", _FINEWEB),
    Signal("short-lines", "Short lines", "67 % or more of the lines have at most 30 characters", _FINEWEB),
    Signal("code-lines", "Code with very long lines", "mean above 100 or one above 1000 characters", _CODEX),
    Signal("code-symbols", "Code with few letters and digits", "fewer than 25 % of the characters", _CODEX),
)
_ORDER = {signal.code: place for place, signal in enumerate(SIGNALS)}

_GOPHER_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_LANGUAGE_WORDS = 20
_WORDS_MIN, _WORDS_MAX = 50, 100_000
_HEAD_CHARACTERS = 1_000_000
_MARKS = 1 << 16
_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_PHRASES = {"lorem-ipsum": ("lorem ipsum",), "javascript": ("javascript",), "policy": _POLICY}
_NOT_ALPHANUMERIC = bytes(byte for byte in range(256) if byte > 127 or not chr(byte).isalnum())
_DIGITS, _HIGH = np.uint64(0x3030303030303030), np.uint64(0xF0F0F0F0F0F0F0F0)


def doubts(text: str, *, is_code: bool = False, language: str = "") -> tuple[str, ...]:
    """Give the codes of the signals that doubt a text, in the order of `SIGNALS`."""
    return doubts_many([text], [is_code], [language])[0]


def doubts_many(texts: Sequence[str], is_code: Sequence[bool], languages: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the doubts on many texts at once; `languages` are ISO 639, and one without a word list is not asked for any.

    Code is judged by the signals for code alone, prose by all others. An empty text is short and nothing else.
    """
    found: list[tuple[str, ...]] = []
    for block in cut_blocks(texts):
        start = len(found)
        found += doubts_of_words(
            block, split_words(block), is_code[start : start + len(block)], languages[start : start + len(block)]
        )
    return found


def doubts_of_words(
    texts: Sequence[str], words: Words, is_code: Sequence[bool], languages: Sequence[str]
) -> list[tuple[str, ...]]:
    """Give the doubts on a block of texts whose words were cut already for another purpose.

    Of a text longer than a million characters the first million are looked at, apart from its length, which bounds time
    and memory for texts that nobody wrote.
    """
    is_prose = ~np.asarray(is_code, dtype=np.bool_)
    found: list[set[str]] = [set() for _ in texts]
    counts = words.counts
    masks = [("length", is_prose & ((counts < _WORDS_MIN) | (counts > _WORDS_MAX)))]
    if max(map(len, texts), default=0) > _HEAD_CHARACTERS:
        texts = [text[:_HEAD_CHARACTERS] for text in texts]
        words = split_words(texts)
    for code, mask in (*masks, *_look(texts, words, is_prose, languages)):
        for number in np.flatnonzero(mask).tolist():
            found[number].add(code)
    return [tuple(sorted(codes, key=_ORDER.__getitem__)) for codes in found]


def _look(texts: Sequence[str], words: Words, is_prose: Mask, languages: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Test all texts, prose by the signals for prose and code by those for code."""
    every, stripped = cut_lines(words)
    for code, mask in find_line_doubts(texts, stripped):
        yield code, mask & is_prose
    yield "code-lines", find_code_line_doubts(every) & ~is_prose
    few = np.zeros(len(texts), dtype=np.bool_)
    for number in np.flatnonzero(~is_prose).tolist():
        few[number] = _has_few_alphanumeric(texts[number])
    yield "code-symbols", few
    yield "curly-bracket", is_prose & np.fromiter(("{" in text for text in texts), np.bool_, len(texts))
    prose = np.flatnonzero(is_prose)
    if len(prose):
        chosen = [texts[number] for number in prose.tolist()]
        picked = words if len(prose) == len(texts) else words.pick(prose)
        for code, mask in _look_at_words(chosen, picked, [languages[number] for number in prose.tolist()]):
            spread = np.zeros(len(texts), dtype=np.bool_)
            spread[prose] = mask
            yield code, spread


def _look_at_words(texts: Sequence[str], words: Words, languages: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Test what can be told from the words of all texts together."""
    counts = words.counts
    lengths = words.count_characters(words.starts, words.ends)
    some = counts > 0
    per_word = 1 / np.maximum(counts, 1)
    mean = sum_by_text(lengths, words.firsts) * per_word
    yield "word-length", some & ((mean < 3) | (mean > 10))
    symbols = np.array([text.count("#") + text.count("...") + text.count("…") for text in texts])
    yield "symbols", some & (symbols * per_word > 0.1)
    yield "numbers", some & (sum_by_text(_are_numbers(words), words.firsts) * per_word > 0.2)
    yield from _miss_frequent_words(words, languages)
    is_topped, is_repeated = find_repetitive(words, lengths)
    yield "frequent-phrase", is_topped
    yield "repeated-phrases", is_repeated
    yield from _find_phrases(texts, words)


def _are_numbers(words: Words) -> Mask:
    """Say which words are digits; of one that is longer than eight bytes the first eight."""
    eights = np.ndarray(shape=(max(0, len(words.data) - 7),), dtype=np.uint64, buffer=words.data, strides=(1,))
    unused = (8 * (8 - np.minimum(words.ends - words.starts, 8))).astype(np.uint64)
    mask = _HIGH >> unused
    return (eights[words.starts] & mask) == (_DIGITS & mask)


def _miss_frequent_words(words: Words, languages: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """Yield the texts of a language that hold fewer than two different ones of its frequent words."""
    known = _frequent_words()
    rows = np.fromiter((known.rows.get(each, -1) for each in languages), dtype=np.int64, count=len(words))
    hits = np.flatnonzero(known.marks[(words.hashes & np.uint64(_MARKS - 1)).astype(np.int64)])
    slots = np.minimum(np.searchsorted(known.hashes, words.hashes[hits]), len(known.hashes) - 1)
    is_same = known.hashes[slots] == words.hashes[hits]
    has = np.zeros((len(words), len(known.hashes)), dtype=np.bool_)
    has[np.searchsorted(words.firsts, hits[is_same], side="right") - 1, slots[is_same]] = True
    few = (rows >= 0) & (words.counts > 0) & (np.count_nonzero(has & known.belongs[rows], axis=1) < 2)
    is_english = rows == known.rows["en"]
    yield "stop-words", few & is_english
    yield "function-words", few & ~is_english


@dataclass(frozen=True, slots=True)
class _FrequentWords:
    """The frequent words of all languages: sorted hashes, and which of them `belongs[rows[language]]` has."""

    rows: Mapping[str, int]
    hashes: Hashes
    belongs: Mask
    marks: Mask  # rules out most other words at one look


@cache
def _frequent_words() -> _FrequentWords:
    table = load_function_words()
    chosen = {each: table.by_language[each][:_LANGUAGE_WORDS] for each in table.official} | {"en": _GOPHER_WORDS}
    lists = {language: split_words([" ".join(words)]).hashes for language, words in sorted(chosen.items())}
    hashes = np.unique(np.concatenate([*lists.values()]))
    marks = np.zeros(_MARKS, dtype=np.bool_)
    marks[(hashes & np.uint64(_MARKS - 1)).astype(np.int64)] = True
    belongs = np.stack([np.isin(hashes, each) for each in lists.values()])
    return _FrequentWords({language: row for row, language in enumerate(lists)}, hashes, belongs, marks)


def _find_phrases(texts: Sequence[str], words: Words) -> Iterator[tuple[str, Mask]]:
    """Look for the phrases of C4 among the words, then make sure in the text."""
    pairs = words.hash_runs(2)
    for code, phrases in _PHRASES.items():
        mask = np.zeros(len(words), dtype=np.bool_)
        for phrase in phrases:
            is_pair, value = _hash_phrase(phrase)
            places = np.flatnonzero((pairs if is_pair else words.hashes) == value)
            for text in set((np.searchsorted(words.firsts, places, side="right") - 1).tolist()):
                mask[text] |= phrase in texts[text].lower()
        yield code, mask


@cache
def _hash_phrase(phrase: str) -> tuple[bool, np.uint64]:
    """Say whether a phrase begins with a pair of words, and give the hash of that pair or of its only word."""
    hashes = split_words([phrase]).hashes[:2]
    return len(hashes) > 1, hashes[0] if len(hashes) == 1 else hash_runs(hashes, 2)[0]


def _has_few_alphanumeric(text: str) -> bool:
    """Whether fewer than 25 % of the characters are letters or digits; those of ASCII alone are often enough."""
    least = 0.25 * len(text)
    if len(text.encode("utf-8", "surrogatepass").translate(None, _NOT_ALPHANUMERIC)) >= least:
        return False
    return text.isascii() or sum(map(str.isalnum, text)) < least
