"""How well texts fit each language of py3langid's model, many texts at once. Knows bytes and scores, no decision.

The model (naive Bayes over byte n-grams found by an automaton) is py3langid's own; its sums are made here in compiled
loops, text by text, in the order in which a text shows its n-grams.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from kifabrik.datasets.compiled import compiled
from kifabrik.datasets.language_arrays import Features, LanguageArrays, Moves, Weights, load_arrays
from kifabrik.datasets.small_letters import Bytes
from kifabrik.datasets.words import Places

Probabilities = npt.NDArray[np.float32]
_TOGETHER = 16
_LOGARITHMS = np.log1p(np.arange(4096, dtype=np.float32))  # of how often a feature is seen; more often counts as this


class LanguageScores:
    """The model as arrays; `labels` are its languages, ISO 639, in the order of the columns of `rate`."""

    def __init__(self, arrays: LanguageArrays) -> None:
        self._arrays = arrays
        names = arrays.names.tolist()
        self.labels = tuple(dict.fromkeys(names))
        self._columns = np.array([names.index(label) for label in self.labels])
        self._others = tuple(  # two scripts of a language: one label
            (self.labels.index(name), column) for column, name in enumerate(names) if names.index(name) != column
        )

    def rate(self, texts: Sequence[str]) -> Probabilities:
        """Give for each text (row) and label (column) the log-likelihood, divided by the root of its bytes.

        That division keeps the softmax of a row honest at any length. Of two scripts of one language the better counts;
        a text without any n-gram of the model has 0 for all.
        """
        encoded = [_encode(text) for text in texts]
        sizes = np.array([len(each) for each in encoded], dtype=np.int64)
        data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        model = self._arrays
        raw = np.zeros((len(texts), len(model.prior)), dtype=np.float32)
        begins = np.cumsum(sizes) - sizes
        seen = np.empty(len(data), dtype=np.int32)
        _walk(data, begins, sizes, model.moves, model.rows, model.outputs, seen)
        is_seen = _add_up(begins, sizes, seen, model.weights, _LOGARITHMS, raw)
        raw *= model.step
        raw += model.prior
        scores = raw[:, self._columns]
        for label, column in self._others:
            np.maximum(scores[:, label], raw[:, column], out=scores[:, label])
        scores /= np.sqrt(np.maximum(sizes, 1)).astype(np.float32)[:, None]
        scores[~is_seen] = 0
        return scores


@compiled
def _walk(
    data: Bytes, begins: Places, sizes: Places, moves: Moves, rows: Places, outputs: Features, seen: Features
) -> None:
    """Write what the automaton puts out at each byte, -1 for nothing.

    Some texts are walked in step: each move waits for memory, and so several wait together.
    """
    states = np.zeros(_TOGETHER, dtype=np.uint32)
    for first in range(0, len(sizes), _TOGETHER):
        last = min(first + _TOGETHER, len(sizes))
        states[:] = 0
        for step in range(sizes[first:last].max()):
            for text in range(first, last):
                if step < sizes[text]:
                    place = begins[text] + step
                    state = moves[rows[states[text - first]] + data[place]]
                    states[text - first] = state
                    seen[place] = outputs[state]


@compiled
def _add_up(
    begins: Places,
    sizes: Places,
    seen: Features,
    weights: Weights,
    logarithms: Probabilities,
    scores: Probabilities,
) -> npt.NDArray[np.bool_]:
    """Add the weights of what the automaton put out for each text; says which texts showed anything."""
    counts = np.zeros(len(weights), dtype=np.int32)
    features = np.empty(len(weights), dtype=np.int32)
    is_seen = np.zeros(len(sizes), dtype=np.bool_)
    for text in range(len(sizes)):
        found = 0
        for place in range(begins[text], begins[text] + sizes[text]):
            feature = seen[place]
            if feature >= 0:
                if counts[feature] == 0:
                    features[found] = feature
                    found += 1
                counts[feature] += 1
        is_seen[text] = found > 0
        for place in range(found):
            feature = features[place]
            weight = logarithms[min(counts[feature], len(logarithms) - 1)]
            counts[feature] = 0
            for column in range(scores.shape[1]):
                scores[text, column] += weight * weights[feature, column]
    return is_seen


@cache
def load_scores() -> LanguageScores:
    """Load the model that py3langid carries."""
    return LanguageScores(load_arrays())


def _encode(text: str) -> bytes:
    """Prepare a text as py3langid does."""
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
