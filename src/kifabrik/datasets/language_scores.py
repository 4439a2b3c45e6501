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
            begins,
            ends,
            self._shown,
            model.borrowed,
            model.weights,
            _LOGARITHMS,
            model.step[()],
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
    is_continued: bool,  # noqa: FBT001  # of a compiled function
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
    features, silent = len(weights), len(weights) + len(borrowed)
    counts = np.zeros(silent, dtype=np.uint16)
    most = np.max(np.sum(ends - begins, axis=1))
    found, often = np.empty(most + 1, dtype=np.uint32), np.empty(most + 1, dtype=np.uint32)
    singles, sums = np.empty(WIDTH, dtype=np.uint16), np.empty(WIDTH, dtype=np.float32)
    touched = np.uint8(0)
    for text in range(len(begins)):
        size, visible, number, once, more = 0, 0, 0, 0, 0
        for piece in range(begins.shape[1]):
            size += ends[text, piece] - begins[text, piece]
            for place in range(begins[text, piece], ends[text, piece]):
                often[visible] = shown[place] & _STATE
                visible += often[visible] < silent
        for each in range(visible):
            feature = often[each]
            if feature >= features:
                feature = np.uint32(borrowed[feature - features])
            found[number] = feature
            number += counts[feature] == 0
            counts[feature] += np.uint16(1)
        for each in range(number):  # those that are seen once, and the others
            feature = found[each]
            is_single = counts[feature] == 1
            found[once] = feature
            often[more] = feature
            once += is_single
            more += not is_single
            for column in range(0, WIDTH, 64):  # asks for all rows before the first is needed
                touched ^= weights[feature, column]
        sums[:] = 0
        for begin in range(0, once, _MOST_SINGLES):
            singles[:] = 0
            for each in range(begin, min(begin + _MOST_SINGLES, once)):
                feature = found[each]
                counts[feature] = 0
                for column in range(WIDTH):
                    singles[column] += weights[feature, column]
            for column in range(WIDTH):
                sums[column] += logarithms[1] * np.float32(singles[column])
        total = logarithms[1] * np.float32(once)
        for each in range(more):
            feature = often[each]
            logarithm = logarithms[min(counts[feature], len(logarithms) - 1)]
            counts[feature] = 0
            total += logarithm
            for column in range(WIDTH):
                sums[column] += logarithm * np.float32(weights[feature, column])
        for column in range(len(prior)):
            sums[column] = sums[column] * step + total * floor[column] + prior[column]
        for twin in range(len(twins)):
            sums[twins[twin]] = max(sums[twins[twin]], sums[scores.shape[1] + twin])
        root = np.float32(np.sqrt(max(size, 1)))
        for column in range(scores.shape[1]):
            scores[text, column] = sums[column] / root if number else np.float32(0)
    often[0] = touched  # or the asking would be left out


@cache
def load_model() -> LanguageArrays:
    """Load the model that py3langid carries."""
    return load_arrays()
