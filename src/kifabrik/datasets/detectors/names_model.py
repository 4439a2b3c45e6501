"""Names by a token classifier from a folder on this machine. The only module of the room that reaches transformers.

Long texts are read in overlapping windows; where two windows see a token, the surer one decides. What a window limit
leaves unread is counted, never passed over in silence. Nothing is downloaded.
"""

from collections.abc import Sequence
from hashlib import file_digest, sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from kifabrik.core.errors import InvalidInput, NotFound, Unavailable
from kifabrik.datasets.detectors.rule import CONTEXT, Hit

_KINDS = {"PER": "name", "PERSON": "name", "NAME": "name", "ADDRESS": "address", "STREET": "address"}
_SURROGATES = dict.fromkeys(range(55296, 57344), "�")  # tokenizers refuse them; one sign stays one sign
_WINDOWS_AT_ONCE = 16
_MODEL_FILES = ("config.json", "tokenizer.json", "model.safetensors")


class TransformersNames:
    """Finds names, and addresses where the model has a label for them.

    Raises NotFound for a folder without a model, InvalidInput for a model that labels no persons, Unavailable without
    the transformers package.
    """

    def __init__(
        self,
        folder: Path,
        *,
        window_tokens: int = 256,
        overlap_tokens: int = 48,
        windows_max: int = 256,
    ) -> None:
        self._window, self._overlap, self._windows_max = window_tokens, overlap_tokens, windows_max
        self._digest = _digest_of(folder)
        try:
            self._torch, transformers = import_module("torch"), import_module("transformers")
        except ImportError as error:
            raise Unavailable("transformers is not installed.", remedy="Install the workbench extra.") from error
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModelForTokenClassification
        self._model = model.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        self._kinds = {number: _kind_of(label) for number, label in self._model.config.id2label.items()}
        if not any(kind == "name" for kind, _ in self._kinds.values()):
            raise InvalidInput("the model has no label for persons.", where=str(folder), remedy="Name another model.")
        self.truncated_texts = 0

    @property
    def method(self) -> str:
        """Name the model by digest, and say how many texts were cut."""
        cut = f"; {self.truncated_texts} texts read only in part" if self.truncated_texts else ""
        return f"{type(self._model).__name__} sha256:{self._digest[:16]}{cut}"

    def find(self, texts: Sequence[str], languages: Sequence[str]) -> list[tuple[Hit, ...]]:  # noqa: ARG002 - protocol
        """Give the names of each text in the order of their places; `languages` are not needed."""
        return [self._find_in(text) for text in texts]

    def _find_in(self, text: str) -> tuple[Hit, ...]:
        if not text.strip():
            return ()
        windows = self._tokenizer(
            text.translate(_SURROGATES),
            truncation=True,
            max_length=self._window,
            stride=self._overlap,
            padding=True,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        offsets = windows.pop("offset_mapping")
        windows.pop("overflow_to_sample_mapping")
        if len(offsets) > self._windows_max:
            self.truncated_texts += 1
        labels: dict[tuple[int, int], tuple[float, int]] = {}
        for first in range(0, min(len(offsets), self._windows_max), _WINDOWS_AT_ONCE):
            last = min(first + _WINDOWS_AT_ONCE, self._windows_max)
            with self._torch.inference_mode():
                logits = self._model(**{name: rows[first:last] for name, rows in windows.items()}).logits
            sure, best = logits.softmax(-1).max(-1)
            _note(labels, offsets[first:last].tolist(), sure.tolist(), best.tolist())
        return _join(text, [(place, self._kinds[label]) for place, (_, label) in sorted(labels.items())])


def _note(labels: dict[tuple[int, int], tuple[float, int]], offsets: Any, sure: Any, best: Any) -> None:
    """Keep the surer label of each token; special tokens have empty places."""
    for places, likely, chosen in zip(offsets, sure, best, strict=True):
        for (start, end), probability, label in zip(places, likely, chosen, strict=True):
            if start < end and probability > labels.get((start, end), (0.0, 0))[0]:
                labels[start, end] = (probability, label)


def _join(text: str, tokens: list[tuple[tuple[int, int], tuple[str, bool]]]) -> tuple[Hit, ...]:
    """Make one hit of neighbouring tokens of a kind; a label that begins an entity begins a hit."""
    spans: list[tuple[str, int, int]] = []
    for (start, end), (kind, begins) in tokens:
        if not kind:
            continue
        touches = spans and spans[-1][0] == kind and not text[spans[-1][2] : start].strip()
        inside_word = touches and spans[-1][2] == start
        if touches and (not begins or inside_word):
            spans[-1] = (kind, spans[-1][1], end)
        elif not spans or start >= spans[-1][2]:
            spans.append((kind, start, end))
    return tuple(
        Hit(kind, start, end, CONTEXT, " ".join(text[start:end].casefold().split())) for kind, start, end in spans
    )


def _kind_of(label: str) -> tuple[str, bool]:
    """Read labels such as B-PER: the kind, or nothing, and whether an entity begins."""
    prefix, _, name = label.rpartition("-")
    return _KINDS.get(name.upper(), ""), prefix.upper() == "B"


def _digest_of(folder: Path) -> str:
    whole = sha256()
    for name in _MODEL_FILES:
        if not (folder / name).is_file():
            raise NotFound(f"holds no {name}.", where=str(folder), remedy="Name a folder of a saved classifier.")
        with (folder / name).open("rb") as stream:
            whole.update(name.encode() + b"\0" + file_digest(stream, "sha256").digest())
    return whole.hexdigest()
