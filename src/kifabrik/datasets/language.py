"""Which language a document is in, judged on its beginning by two methods that must not contradict each other.

Knows the 24 official languages of the EU, about 110 others, and code by its format. First opinion: the n-gram model of
py3langid. Where it is not sure, the frequent words of the languages (`function_words`) are heard: if they speak for
another language, or do not support one from outside the EU, the answer is `und`, not a guess. A language of the EU is
preferred to a close neighbour that is about as likely (Danish to Norwegian, Bulgarian to Macedonian), unless the words
speak for the neighbour. A text in another language gets that language's code (uk, tr, ru, ar, zh). Not told apart:
Bosnian, Montenegrin and Serbian in Latin script come out as `hr`; Norwegian as `no` or `nn`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from kifabrik.datasets.function_words import FunctionWords, load_function_words
from kifabrik.datasets.language_scores import LanguageScores, Probabilities, load_scores

PREFIX_CHARACTERS = 600
UNDETERMINED = "und"
CODE = "code"
_PIECE_CHARACTERS = 60
_PIECES = (0, 270, 540)  # where the first look reads; the whole prefix is read only where it leaves a doubt
_LETTERS = re.compile(r"[\W\d_]*+(?:[^\W\d_][\W\d_]*+){20}")
_SURE = 0.6  # the first opinion alone is enough
_POSSIBLE = 0.15  # below, no opinion at all
_NEAR = 0.5  # a language of the EU this close to a likelier neighbour is preferred
_CONTRADICTION = 1.0  # one frequent word that only the other language has
_ONE_LANGUAGE = {"bs": "hr"}


def identify(text: str, *, is_code: bool) -> str:
    """Name the language as ISO 639, `code` for source code, `und` if it cannot be told, `zxx` for what is none."""
    return identify_many([text], [is_code])[0]


def identify_many(texts: Sequence[str], is_code: Sequence[bool]) -> list[str]:
    """Name the languages of many texts at once, each as `identify` does; their order and company change nothing."""
    answers = [CODE if each else UNDETERMINED for each in is_code]
    asked = [number for number, text in enumerate(texts) if not is_code[number] and _has_letters(text)]
    doubted = _answer(answers, asked, _look([_sample(texts[each]) for each in asked]))
    prefixes = [texts[each][:PREFIX_CHARACTERS] for each, _ in doubted]
    doubted = _answer(answers, [each for each, _ in doubted], _look(prefixes))
    words = load_function_words()
    evidence = words.weigh([texts[each][:PREFIX_CHARACTERS] for each, _ in doubted])
    for (number, opinion), row in zip(doubted, evidence.tolist(), strict=True):
        answers[number] = _decide(opinion, dict(zip(words.by_language, row, strict=True)), words)
    return answers


def _answer(answers: list[str], asked: Sequence[int], opinions: Sequence["_Opinion"]) -> list[tuple[int, "_Opinion"]]:
    """Fill in what is sure; give the texts about which there is a doubt, with the opinions."""
    doubted = []
    for number, opinion in zip(asked, opinions, strict=True):
        if opinion.probability >= _SURE:
            answers[number] = opinion.language
        else:
            doubted.append((number, opinion))
    return doubted


@dataclass(frozen=True, slots=True)
class _Opinion:
    """The likeliest of all languages and the likeliest of the 24."""

    language: str
    probability: float
    official: str
    official_probability: float


def _sample(text: str) -> str:
    """Take pieces from all over the beginning, or all of a short one."""
    if len(text) <= _PIECE_CHARACTERS * (len(_PIECES) + 1):
        return text
    return " ".join(text[start : start + _PIECE_CHARACTERS] for start in _PIECES)


def _has_letters(text: str) -> bool:
    """Whether the beginning has letters enough to be judged."""
    return _LETTERS.match(text, 0, PREFIX_CHARACTERS) is not None


def _look(texts: Sequence[str]) -> list[_Opinion]:
    if not texts:
        return []
    labels, columns, official_columns = _load_labels()
    rated = load_scores().rate(texts)
    shares: Probabilities = np.exp(rated - rated.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    for column, other in columns:
        shares[:, other] += shares[:, column]
        shares[:, column] = 0
    best = shares.argmax(axis=1)
    official = official_columns[rated[:, official_columns].argmax(axis=1)]
    rows = np.arange(len(texts))
    both = zip(
        best.tolist(), shares[rows, best].tolist(), official.tolist(), shares[rows, official].tolist(), strict=True
    )
    return [_make_opinion(labels[one], share, labels[other], other_share) for one, share, other, other_share in both]


def _make_opinion(language: str, probability: float, official: str, official_probability: float) -> _Opinion:
    if (language, official) == ("sr", "hr"):  # in Latin script
        probability += official_probability
        return _Opinion("hr", probability, "hr", probability)
    return _Opinion(language, probability, official, official_probability)


@cache
def _load_labels() -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], np.ndarray]:
    """Give the labels, the columns that are added to another, and the columns of the 24."""
    scores: LanguageScores = load_scores()
    labels = scores.labels
    added = tuple((labels.index(one), labels.index(other)) for one, other in _ONE_LANGUAGE.items())
    official = np.array(sorted(labels.index(code) for code in load_function_words().official))
    return labels, added, official


def _decide(opinion: _Opinion, evidence: dict[str, float], words: FunctionWords) -> str:
    """Hear the frequent words of the languages where the first opinion is not sure."""
    for one, other in (*_ONE_LANGUAGE.items(), *((("sr", "hr"),) if opinion.official == "hr" else ())):
        evidence[other] = max(evidence[other], evidence.pop(one, 0))
    language, probability = opinion.language, opinion.probability
    supported = evidence.get(language, 0)
    is_near = opinion.official_probability >= _NEAR * probability
    if language not in words.official and is_near and evidence[opinion.official] >= supported:
        language, probability = opinion.official, opinion.official_probability
        supported = evidence[language]
    is_contradicted = max(evidence.values()) >= supported + _CONTRADICTION
    is_foreign = language in words.by_language and language not in words.official
    is_unsupported = is_foreign and not supported
    return UNDETERMINED if is_contradicted or is_unsupported or probability < _POSSIBLE else language
