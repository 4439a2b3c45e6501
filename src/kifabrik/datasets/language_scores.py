"""How well texts fit each language of py3langid's model, many texts at once. Knows bytes and scores, no decision.

The model (naive Bayes over byte n-grams found by an automaton) is py3langid's own and gives its own figures; here one
step of the automaton is done for all texts of a batch together, which Python would do byte by byte. About 150 MB.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_FILE, LanguageIdentifier

Probabilities = npt.NDArray[np.float32]
_Numbers = npt.NDArray[np.integer]
_BATCH_TEXTS = 512
_FEATURE_BITS = 17
_PIECE_BYTES = 96  # many short pieces are walked in fewer steps than few long texts
_REACH_BYTES = 8  # where the automaton stands depends on no earlier byte: its n-grams have at most 6
_FEATURE_MASK = (1 << _FEATURE_BITS) - 1


class LanguageScores:
    """The model as arrays; `labels` are its languages, ISO 639, in the order of the columns of `rate`."""

    def __init__(self, model: LanguageIdentifier) -> None:
        self._moves = np.frombuffer(model.tk_nextmove, dtype=np.uint32)
        self._rows = np.asarray(model.tk_row, dtype=np.int64) << 8
        self._outputs = np.asarray(model.tk_output, dtype=np.int32)
        self._weights = model.nb_ptc.astype(np.float32)
        self._prior = model.nb_pc.astype(np.float32)
        names = list(model.nb_classes)
        self.labels = tuple(dict.fromkeys(names))
        self._columns = np.array([names.index(label) for label in self.labels])
        self._others = tuple(  # two scripts of a language: one label
            (self.labels.index(name), column) for column, name in enumerate(names) if names.index(name) != column
        )
        if int(self._outputs.max()) > _FEATURE_MASK:
            raise ValueError("the language model has more features than fit")
        if self._outputs[0] >= 0:
            raise ValueError("the language model puts something out before it has read")

    def rate(self, texts: Sequence[str]) -> Probabilities:
        """Give for each text (row) and label (column) the log-likelihood, divided by the root of its bytes.

        That division keeps the softmax of a row honest at any length. Of two scripts of one language the better counts.
        """
        batches = [texts[start : start + _BATCH_TEXTS] for start in range(0, len(texts), _BATCH_TEXTS)]
        rated = [self._rate_batch([_encode(text) for text in batch]) for batch in batches]
        return np.concatenate([np.zeros((0, len(self.labels)), dtype=np.float32), *rated])

    def _rate_batch(self, texts: Sequence[bytes]) -> Probabilities:
        owners, features, counts = self._count_features(texts)
        borders = np.searchsorted(owners, np.arange(len(texts) + 1)).tolist()
        logs = np.log1p(counts.astype(np.float32))
        raw = np.zeros((len(texts), len(self._prior)), dtype=np.float32)
        for number, (begin, end) in enumerate(pairwise(borders)):
            if begin < end:
                np.matmul(logs[begin:end], self._weights.take(features[begin:end], axis=0), out=raw[number])
        raw += self._prior
        scores = raw[:, self._columns]
        for label, column in self._others:
            np.maximum(scores[:, label], raw[:, column], out=scores[:, label])
        scores = (scores / np.sqrt(np.maximum([len(text) for text in texts], 1))[:, None]).astype(np.float32)
        scores[np.diff(borders) == 0] = 0
        return scores

    def _count_features(self, texts: Sequence[bytes]) -> tuple[_Numbers, _Numbers, _Numbers]:
        """Walk the automaton over pieces of all texts in step, the longest first, and count what it puts out."""
        begins = [(number, begin) for number, text in enumerate(texts) for begin in range(0, len(text), _PIECE_BYTES)]
        pieces = [texts[number][max(0, begin - _REACH_BYTES) : begin + _PIECE_BYTES] for number, begin in begins]
        lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
        order = np.argsort(-lengths, kind="stable")
        owners, is_later = np.array(begins, dtype=np.int64).reshape(-1, 2)[order].T
        longest = int(lengths.max(initial=0))
        padded = b"".join(pieces[place].ljust(longest, b"\0") for place in order)
        data = np.ascontiguousarray(np.frombuffer(padded, dtype=np.uint8).reshape(len(pieces), longest).T)
        active = np.searchsorted(-lengths[order], -np.arange(longest), side="left")  # pieces longer than each step
        state = np.zeros(len(pieces), dtype=np.uint32)
        visited = np.zeros((longest, len(pieces)), dtype=np.uint32)  # the first state puts out nothing
        for step, count in enumerate(active.tolist()):
            places = self._rows.take(state[:count])
            places += data[step, :count]
            state = self._moves.take(places)
            visited[step, :count] = state
        visited[:_REACH_BYTES, is_later > 0] = 0  # the piece before counted these
        seen = self._outputs.take(visited.ravel())
        places = np.flatnonzero(seen >= 0)
        keys = (owners.astype(np.uint32) << _FEATURE_BITS).take(places % len(pieces))
        keys |= seen.take(places).astype(np.uint32)
        keys, counts = np.unique(keys, return_counts=True)
        return keys >> _FEATURE_BITS, keys & _FEATURE_MASK, counts


@cache
def load_scores() -> LanguageScores:
    """Load the model that py3langid carries."""
    return LanguageScores(LanguageIdentifier.from_model_file(MODEL_FILE))


def _encode(text: str) -> bytes:
    """Prepare a text as py3langid does."""
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
