"""How well texts fit each language of py3langid's model, many texts at once. Knows bytes and scores, no decision.

The model (naive Bayes over byte n-grams found by an automaton) is py3langid's own; its sums are made here in compiled
loops, text by text, in the order in which a text shows its n-grams.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.language_arrays import (
    CHUNK,
    STATE_BITS,
    WIDTH,
    Features,
    LanguageArrays,
    Moves,
    Numbers,
    Weights,
    load_arrays,
)
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Places

Probabilities = npt.NDArray[np.float32]
_TOGETHER = 64
_STATE = np.uint32(2**STATE_BITS - 1)
_OFFSET, _CHUNK = np.uint32(STATE_BITS), np.uint32(CHUNK)
_ONE = np.uint64(1)
_LOGARITHMS = np.log1p(np.arange(4096, dtype=np.float32))  # of how often a feature is seen; more often counts as this
_MOST_SINGLES = 256  # so many bytes can be added in 16 bits


class Walk:
    """A walk of the model's automaton over some texts, piece by piece; rates the texts by what it has shown there."""

    def __init__(self, data: Bytes) -> None:
        self._model = load_model()
        self._data = data
        self._shown = np.empty(len(data), dtype=np.uint32)

    def go(self, begins: Places, ends: Places, *, is_continued: bool = False) -> None:
        """Walk pieces, each from the automaton's start or from where it stood before that piece."""
        begins, ends = begins.ravel(), ends.ravel()
        order = np.argsort(begins - ends)  # the longest first
        model = self._model
        _walk(self._data, begins[order], ends[order], is_continued, model.moves, model.bases, model.start, self._shown)

    def rate(self, begins: Places, ends: Places) -> Probabilities:
        """Give for each text (row), of some pieces (columns), the log-likelihood of each language (column).

        It is divided by the root of the bytes, which keeps the softmax of a row honest at any length. Of two scripts of
        one language the better counts; a text without any n-gram of the model has 0 for all.
        """
        model = self._model
        scores = np.empty((len(begins), len(model.names)), dtype=np.float32)
        _add_up(
            np.ascontiguousarray(begins),  # another layout would be compiled, and loaded, another time
            np.ascontiguousarray(ends),
            self._shown,
            model.borrowed,
            model.weights,
            _LOGARITHMS,
            np.float32(model.step[()]),
            model.floor,
            model.prior,
            model.twins,
            scores,
        )
        return scores


@compiled
def _walk(
    data: Bytes,
    begins: Places,
    ends: Places,
    is_continued: bool,  # of a compiled function
    moves: Moves,
    bases: Moves,
    start: Moves,
    shown: Moves,
) -> None:
    """Write where the automaton stands after each byte.

    Many pieces, the longest first, are walked in step: each move waits for memory, and so several wait together.
    """
    places, stands = np.empty(_TOGETHER, dtype=np.uint64), np.empty(_TOGETHER, dtype=np.uint32)
    for first in range(0, len(begins), _TOGETHER):
        count = min(_TOGETHER, len(begins) - first)
        for piece in range(count):
            places[piece] = begins[first + piece]
            stands[piece] = shown[begins[first + piece] - 1] if is_continued else start[0]
        for step in range(ends[first] - begins[first]):
            while begins[first + count - 1] + step >= ends[first + count - 1]:
                count -= 1
            for piece in range(np.uint64(count)):
                move, place = stands[piece], places[piece]
                row = bases[(move & _STATE) // _CHUNK] + (move >> _OFFSET) * _CHUNK
                move = moves[row + data[place]]
                stands[piece] = shown[place] = move
                places[piece] = place + _ONE


@compiled
def _add_up(
    begins: Places,
    ends: Places,
    shown: Moves,
    borrowed: Features,
    weights: Weights,
    logarithms: Probabilities,
    step: np.float32,
    floor: Numbers,
    prior: Numbers,
    twins: Places,
    scores: Probabilities,
) -> None:
    """Add the weights of what the automaton showed in the pieces of each text."""
    counts = np.zeros(len(weights) + len(borrowed), dtype=np.uint16)
    most = 0
    for text in range(len(begins)):
        most = max(most, np.sum(ends[text] - begins[text]))
    found, often = np.empty(most + 1, dtype=np.uint32), np.empty(most + 1, dtype=np.uint32)
    singles, sums = np.empty(WIDTH, dtype=np.uint16), np.empty(WIDTH, dtype=np.float32)
    for text in range(len(begins)):
        number = _collect(begins[text], ends[text], shown, borrowed, len(weights), counts, found, often)
        once, more = _set_apart(found, often, number, counts, weights)
        sums[:] = 0
        _add_singles(found[:once], counts, weights, singles, sums, logarithms[1])
        total = logarithms[1] * np.float32(once)
        total += _add_others(often[:more], counts, weights, logarithms, sums)
        for column in range(len(prior)):
            sums[column] = sums[column] * step + total * floor[column] + prior[column]
        for twin in range(len(twins)):
            sums[twins[twin]] = max(sums[twins[twin]], sums[scores.shape[1] + twin])
        root = np.float32(np.sqrt(max(np.sum(ends[text] - begins[text]), 1)))
        for column in range(scores.shape[1]):
            scores[text, column] = sums[column] / root if number else np.float32(0)


@compiled
def _collect(
    begins: Places,
    ends: Places,
    shown: Moves,
    borrowed: Features,
    features: int,
    counts: npt.NDArray[np.uint16],
    found: Moves,
    visible: Moves,
) -> int:
    """Count the features of a text and list each once in `found`; gives how many there are."""
    many = number = 0
    for piece in range(len(begins)):
        for place in range(begins[piece], ends[piece]):
            visible[many] = shown[place] & _STATE
            many += visible[many] < len(counts)
    for each in range(many):
        feature = visible[each]
        if feature >= features:
            feature = np.uint32(borrowed[feature - features])
        found[number] = feature
        number += counts[feature] == 0
        counts[feature] += np.uint16(1)
    return number


@compiled
def _set_apart(
    found: Moves, often: Moves, number: int, counts: npt.NDArray[np.uint16], weights: Weights
) -> tuple[int, int]:
    """Leave in `found` the features that are seen once, and put the others into `often`; gives how many of each."""
    once = more = 0
    touched = np.uint8(0)
    for each in range(number):
        feature = found[each]
        is_single = counts[feature] == 1
        found[once] = feature
        often[more] = feature
        once += is_single
        more += not is_single
        for column in range(0, WIDTH, 64):  # asks for all rows before the first is needed
            touched ^= weights[feature, column]
    found[number] = touched  # or the asking would be left out
    return once, more


@compiled
def _add_singles(
    found: Moves,
    counts: npt.NDArray[np.uint16],
    weights: Weights,
    singles: npt.NDArray[np.uint16],
    sums: Numbers,
    logarithm: np.float32,
) -> None:
    """Add the weights of features that are seen once, as whole numbers; sets their counts back."""
    for begin in range(0, len(found), _MOST_SINGLES):
        singles[:] = 0
        for each in range(begin, min(begin + _MOST_SINGLES, len(found))):
            feature = found[each]
            counts[feature] = 0
            for column in range(WIDTH):
                singles[column] += weights[feature, column]
        for column in range(WIDTH):
            sums[column] += logarithm * np.float32(singles[column])


@compiled
def _add_others(
    often: Moves, counts: npt.NDArray[np.uint16], weights: Weights, logarithms: Probabilities, sums: Numbers
) -> np.float32:
    """Add the weights of features that are seen more often, and set their counts back; gives the sum of logarithms."""
    total = np.float32(0)
    for each in range(len(often)):
        feature = often[each]
        logarithm = logarithms[min(counts[feature], len(logarithms) - 1)]
        counts[feature] = 0
        total += logarithm
        for column in range(WIDTH):
            sums[column] += logarithm * np.float32(weights[feature, column])
    return total


@cache
def load_model() -> LanguageArrays:
    """Load the model that py3langid carries."""
    return load_arrays()
