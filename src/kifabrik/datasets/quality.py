"""Published signs that a text is of little use, as doubts that are reported; nothing is removed by them.

Each signal names the paper and the threshold. Words are runs of letters and digits (see `words`) where the papers cut
at white space, so that counts differ by a few per cent. Gopher's stop words are English; for the other 23 languages of
the EU the same test is made with frequent words of that language, which nobody published: it has a code of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.lexicon import look_for_words
from kifabrik.datasets.line_shapes import LineShapes, measure_lines
from kifabrik.datasets.repetition import find_repetitive
from kifabrik.datasets.signs import Signs, count_signs
from kifabrik.datasets.words import Mask, Places, Words, cut_blocks, split_words

_GOPHER = "Rae et al. 2021, Scaling Language Models (Gopher), appendix A1.1"
_C4 = "Raffel et al. 2020, Exploring the Limits of Transfer Learning (C4), section 2.2"
_FINEWEB = "Penedo et al. 2024, The FineWeb Datasets, section 3.6"
_CODEX = "Chen et al. 2021, Evaluating Large Language Models Trained on Code, section 3.1"
_OWN = "after Rae et al. 2021; the words are the most frequent of each language's Wikipedia and not published for this"


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

_WORDS_MIN, _WORDS_MAX = 50, 100_000
_HEAD_CHARACTERS = 1_000_000


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
    counts = words.counts
    masks = {"length": is_prose & ((counts < _WORDS_MIN) | (counts > _WORDS_MAX))}
    if max(map(len, texts), default=0) > _HEAD_CHARACTERS:
        texts = [text[:_HEAD_CHARACTERS] for text in texts]
        words = split_words(texts)
    shapes, signs = measure_lines(words), count_signs(words)
    masks |= dict(_look_at_code(texts, shapes, signs, ~is_prose))
    masks |= {code: mask & is_prose for code, mask in _look_at_lines(shapes)}
    masks |= {code: mask & is_prose for code, mask in _look_at_words(words, signs, is_prose)}
    masks |= {code: mask & is_prose for code, mask in look_for_words(texts, words, languages)}
    bits = np.packbits([masks[signal.code] for signal in SIGNALS], axis=0, bitorder="little")
    return [_name_signals(each.tobytes()) for each in np.ascontiguousarray(bits.T)]


@cache
def _name_signals(bits: bytes) -> tuple[str, ...]:
    """Give the codes of the signals whose bits are set, the first one lowest."""
    number = int.from_bytes(bits, "little")
    return tuple(signal.code for place, signal in enumerate(SIGNALS) if number >> place & 1)


def _look_at_code(texts: Sequence[str], shapes: LineShapes, signs: Signs, is_code: Mask) -> Iterator[tuple[str, Mask]]:
    """Test the texts that are code."""
    yield "code-lines", is_code & ((shapes.longest > 1000) | (shapes.every_characters > 100 * shapes.every))
    few = is_code & (signs.letters_and_digits < 0.25 * signs.characters)
    for number in np.flatnonzero(few).tolist():
        text = texts[number]
        few[number] = text.isascii() or sum(map(str.isalnum, text)) < 0.25 * len(text)
    yield "code-symbols", few


def _look_at_words(words: Words, signs: Signs, wanted: Mask) -> Iterator[tuple[str, Mask]]:
    """Test texts as prose by what can be told from their words and signs."""
    some = words.counts > 0
    counts = np.maximum(words.counts, 1)
    characters, numbers = np.zeros((2, len(words)), dtype=np.int64)
    _sum_by_text(words.lengths, words.are_numbers, words.firsts, characters, numbers)
    mean = characters / counts
    yield "word-length", some & ((mean < 3) | (mean > 10))
    yield "symbols", some & (signs.hash_signs_and_ellipses / counts > 0.1)
    yield "numbers", numbers / counts > 0.2
    yield "curly-bracket", signs.curly_brackets > 0
    is_topped, is_repeated = find_repetitive(words, wanted)
    yield "frequent-phrase", is_topped
    yield "repeated-phrases", is_repeated


def _look_at_lines(shapes: LineShapes) -> Iterator[tuple[str, Mask]]:
    some = shapes.lines > 0
    lines = np.maximum(shapes.lines, 1)
    yield "bullets", shapes.with_bullet / lines > 0.9
    yield "ellipsis-lines", shapes.broken_off / lines > 0.3
    yield "line-ends", some & (shapes.ended / lines <= 0.12)
    yield "short-lines", some & (shapes.short / lines >= 0.67)
    is_much = shapes.again_characters > 0.2 * shapes.characters
    yield "repeated-lines", (shapes.again > 0.3 * shapes.lines) | is_much
    is_much = shapes.paragraphs_again_characters > 0.2 * shapes.paragraph_characters
    yield "repeated-paragraphs", (shapes.paragraphs_again > 0.3 * shapes.paragraphs) | is_much


@compiled
def _sum_by_text(lengths: Places, are_numbers: Mask, firsts: Places, characters: Places, numbers: Places) -> None:
    """Add up the characters of the words of each text, and count those that are numbers."""
    for text in range(len(characters)):
        characters[text] = lengths[firsts[text] : firsts[text + 1]].sum()
        numbers[text] = are_numbers[firsts[text] : firsts[text + 1]].sum()
