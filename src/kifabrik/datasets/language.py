"""Which language a document is in, judged on its beginning by two methods that must not contradict each other.

Knows the 24 official languages of the EU, about 110 others, and code by its format. First opinion: the n-gram model of
py3langid. Where it is not sure, the frequent words of the languages (`function_words`) are heard: if they speak for
another language, or do not support one from outside the EU, the answer is `und`, not a guess. A language of the EU is
preferred to a close neighbour that is about as likely (Danish to Norwegian, Bulgarian to Macedonian), unless the words
speak for the neighbour. A text in another language gets that language's code (uk, tr, ru, ar, zh). Not told apart:
Bosnian, Montenegrin and Serbian in Latin script come out as `hr`; Norwegian as `no` or `nn`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from kifabrik.datasets.beginnings import BEGINNING_CHARACTERS, read_beginnings
from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.function_words import Evidence, load_function_words
from kifabrik.datasets.language_scores import Probabilities, Walk, load_model
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Mask, Places

UNDETERMINED = "und"
CODE = "code"
_SURE = 0.6  # the first opinion alone is enough
_POSSIBLE = 0.15  # below, no opinion at all
_NEAR = 0.5  # a language of the EU this close to a likelier neighbour is preferred
_CONTRADICTION = 1.0  # one frequent word that only the other language has
_ONE_LANGUAGE = {"bs": "hr"}
_LATIN_SERBIAN = ("sr", "hr")  # Serbian where Croatian is the likeliest of the 24
_CONTEXT = 8  # bytes of the longest n-gram


def identify(text: str, *, is_code: bool) -> str:
    """Name the language as ISO 639, `code` for source code, `und` if it cannot be told, `zxx` for what is none."""
    return identify_many([text], [is_code])[0]


def identify_many(
    texts: Sequence[str], is_code: Sequence[bool], *, encoded: Sequence[bytes] | None = None
) -> list[str]:
    """Name the languages of many texts at once, each as `identify` does; their order and company change nothing.

    `encoded` are the texts in UTF-8, for who has them already.
    """
    names = _load_names()
    prose = [number for number, each in enumerate(is_code) if not each]
    if encoded is None:
        chosen = [texts[each][:BEGINNING_CHARACTERS].encode("utf-8", "surrogatepass") for each in prose]
    else:
        chosen = [encoded[each] for each in prose]
    beginnings = read_beginnings(chosen, load_model().characters)
    asked = np.flatnonzero(beginnings.have_letters)
    languages = np.full(len(prose), names.undetermined)
    languages[asked] = _identify(beginnings.data, beginnings.marks[asked], names)
    answers = [CODE] * len(texts)
    for number, language in zip(prose, languages.tolist(), strict=True):
        answers[number] = names.labels[language]
    return answers


def _identify(data: Bytes, marks: Places, names: "_Names") -> Places:
    """Look at pieces first, and at a whole beginning only where they leave a doubt."""
    walk = Walk(data)
    begins, ends = marks[:, 0::2], marks[:, 1::2]
    walk.go(begins, ends)
    opinions = _form_opinions(walk.rate(begins, ends), names)
    further = np.flatnonzero((opinions.probabilities < _SURE) & (ends[:, 0] < ends[:, -1]))
    begins, ends = begins[further], ends[further]
    walk.go(ends[:, :-1], np.minimum(begins[:, 1:] + _CONTEXT, ends[:, -1:]), is_continued=True)
    opinions.put(further, _form_opinions(walk.rate(begins[:, :1], ends[:, -1:]), names))
    doubted = np.flatnonzero(opinions.probabilities < _SURE)
    evidence = load_function_words().weigh([data[each[0] : each[-1]].tobytes() for each in marks[doubted]])
    opinions.languages[doubted] = _decide(opinions.take(doubted), evidence, names)
    return opinions.languages


@dataclass(frozen=True, slots=True)
class _Opinions:
    """The likeliest of all languages and the likeliest of the 24, of each text."""

    languages: Places
    probabilities: Probabilities
    officials: Places
    official_probabilities: Probabilities

    @classmethod
    def make(cls, count: int) -> "_Opinions":
        numbers, probabilities = np.empty((2, count), dtype=np.int64), np.empty((2, count), dtype=np.float32)
        return cls(numbers[0], probabilities[0], numbers[1], probabilities[1])

    def take(self, texts: Places) -> "_Opinions":
        return _Opinions(*(getattr(self, each)[texts] for each in self.__slots__))

    def put(self, texts: Places, others: "_Opinions") -> None:
        for each in self.__slots__:
            getattr(self, each)[texts] = getattr(others, each)


@dataclass(frozen=True, slots=True)
class _Names:
    """The languages of the model by number, with `und` as the last; what is known about each."""

    labels: tuple[str, ...]
    is_official: Mask
    evidence: Places  # the column of each in the evidence, the last one for languages without words
    added: Places  # pairs of which the first is taken for the second
    latin_serbian: Places

    @property
    def undetermined(self) -> int:
        return len(self.labels) - 1


@cache
def _load_names() -> _Names:
    labels = [*load_model().names.tolist(), UNDETERMINED]
    words = load_function_words()
    columns = {language: column for column, language in enumerate(words.by_language)}
    return _Names(
        labels=tuple(labels),
        is_official=np.array([label in words.official for label in labels]),
        evidence=np.array([columns.get(label, len(columns)) for label in labels]),
        added=np.array([[labels.index(each) for each in pair] for pair in _ONE_LANGUAGE.items()]),
        latin_serbian=np.array([labels.index(each) for each in _LATIN_SERBIAN]),
    )


def _form_opinions(scores: Probabilities, names: _Names) -> _Opinions:
    shares: Probabilities = scores - scores.max(axis=1, keepdims=True, initial=-np.inf)
    np.exp(shares, out=shares)
    opinions = _Opinions.make(len(scores))
    _compare(
        scores,
        shares,
        names.is_official,
        names.added,
        names.latin_serbian,
        opinions.languages,
        opinions.probabilities,
        opinions.officials,
        opinions.official_probabilities,
    )
    return opinions


@compiled
def _compare(
    scores: Probabilities,
    shares: Probabilities,
    is_official: Mask,
    added: Places,
    latin_serbian: Places,
    languages: Places,
    probabilities: Probabilities,
    officials: Places,
    official_probabilities: Probabilities,
) -> None:
    """Find the likeliest languages of each text; `shares` are the scores without their logarithm."""
    serbian, croatian = latin_serbian
    for text in range(len(scores)):
        official, total = croatian, np.float32(0)
        for language in range(scores.shape[1]):
            total += shares[text, language]
            if is_official[language] and scores[text, language] > scores[text, official]:
                official = language
        for pair in range(len(added)):
            shares[text, added[pair, 1]] += shares[text, added[pair, 0]]
            shares[text, added[pair, 0]] = 0
        best = 0
        for language in range(scores.shape[1]):
            if shares[text, language] > shares[text, best]:
                best = language
        probability, official_probability = shares[text, best] / total, shares[text, official] / total
        if best == serbian and official == croatian:
            best = croatian
            probability += official_probability
            official_probability = probability
        languages[text], probabilities[text] = best, probability
        officials[text], official_probabilities[text] = official, official_probability


def _decide(opinions: _Opinions, evidence: Evidence, names: _Names) -> Places:
    """Hear the frequent words of the languages where the first opinion is not sure."""
    texts = np.arange(len(evidence))
    evidence = np.pad(evidence, ((0, 0), (0, 1)))  # of languages without words: none
    for one, other in names.evidence[names.added]:
        _add_evidence(evidence, one, other, np.full(len(texts), fill_value=True))
    serbian, croatian = names.latin_serbian
    is_croatian = opinions.officials == croatian
    _add_evidence(evidence, names.evidence[serbian], names.evidence[croatian], is_croatian)
    languages, probabilities = opinions.languages.copy(), opinions.probabilities.copy()
    supported = evidence[texts, names.evidence[languages]]
    official_support = evidence[texts, names.evidence[opinions.officials]]
    is_near = opinions.official_probabilities >= _NEAR * probabilities
    is_rather = ~names.is_official[languages] & is_near & (official_support >= supported)
    languages = np.where(is_rather, opinions.officials, languages)
    probabilities = np.where(is_rather, opinions.official_probabilities, probabilities)
    supported = np.where(is_rather, official_support, supported)
    is_contradicted = evidence.max(axis=1) >= supported + _CONTRADICTION
    has_words = names.evidence[languages] < evidence.shape[1] - 1
    is_unsupported = has_words & ~names.is_official[languages] & (supported == 0)
    is_undetermined = is_contradicted | is_unsupported | (probabilities < _POSSIBLE)
    return np.where(is_undetermined, names.undetermined, languages)


def _add_evidence(evidence: Evidence, one: int, other: int, texts: Mask) -> None:
    """Count what speaks for one language for another, in some texts."""
    evidence[texts, other] = np.maximum(evidence[texts, other], evidence[texts, one])
    evidence[texts, one] = 0
