"""Which documents share long runs of words with the texts on which models are evaluated. Knows words, not removal.

A document touches an evaluation set if 13 words in a row, without case and punctuation, are also in it (Brown et al.
2020, appendix C). As there, shorter evaluation texts are looked for as a whole down to 8 words; still shorter ones
cannot be told from chance and are counted as not looked for. Runs that more than 10 texts of one set share are its
form (an instruction before every question) and not its content, and count for nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.core.digests import digest_file, digest_listing
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets import sources
from kifabrik.datasets.documents import STANDARD_LIMITS, Limits
from kifabrik.datasets.folder import CARD_NAME, iterate_documents, read_card
from kifabrik.datasets.readers import Unreadable, read_passages
from kifabrik.datasets.words import Hashes, Places, Words, split_words

NGRAM_WORDS = 13
SHORT_WORDS_MIN = 8
SHARED_TEXTS_MAX = 10
_TEXTS_AT_ONCE = 256
_SLOTS_PER_RUN = 16
_SLOTS_MAX = 1 << 27


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """One evaluation set as it was indexed; `label` names it on a card."""

    name: str
    digest: str
    texts: int
    too_short: int

    @property
    def label(self) -> str:
        """Name and digest, as a card lists it."""
        return f"{self.name} {self.digest}"


@dataclass(frozen=True, slots=True)
class _Table:
    """All runs of one length: sorted hashes, the set of each, and marks that rule out most others at one look."""

    length: int
    runs: Hashes
    owners: npt.NDArray[np.uint16]
    marks: npt.NDArray[np.bool_]

    def find(self, words: Words) -> tuple[Places, npt.NDArray[np.uint16]]:
        """Give the texts that hold a run, in order, and the set of each; a text may come several times."""
        runs = words.hash_runs(self.length)
        marked = np.flatnonzero(self.marks[(runs & np.uint64(len(self.marks) - 1)).astype(np.int64)])
        slots = np.minimum(np.searchsorted(self.runs, runs[marked]), len(self.runs) - 1)
        is_same = self.runs[slots] == runs[marked]
        marked, slots = marked[is_same], slots[is_same]
        texts = np.searchsorted(words.firsts, marked, side="right") - 1
        is_inside = marked + self.length <= words.firsts[texts + 1]
        return texts[is_inside], self.owners[slots[is_inside]]


class EvaluationIndex:
    """The runs of words of all evaluation sets; about 30 bytes a run in memory, and it can be sent to a worker."""

    def __init__(self, sets: Sequence[EvaluationSet], tables: Sequence[_Table]) -> None:
        self.sets = tuple(sets)
        self._tables = tuple(tables)

    @classmethod
    def read(cls, paths: Sequence[Path], *, limits: Limits = STANDARD_LIMITS) -> "EvaluationIndex":
        """Index evaluation sets, one for each path: a file, a folder of files, or the held-out split of a dataset.

        Raises NotFound, or InvalidInput for a set that cannot be read or holds nothing that could be found again: a set
        that is silently empty would make every document look clean.
        """
        named = {path: _read_set(path, limits) for path in paths}
        return cls._build([(path.name, digest, texts) for path, (digest, texts) in named.items()])

    @classmethod
    def from_texts(cls, sets: Mapping[str, Sequence[str]]) -> "EvaluationIndex":
        """Index texts that are in memory, by the name of their set; raises InvalidInput as `read` does."""
        return cls._build([(name, "", iter(texts)) for name, texts in sets.items()])

    @classmethod
    def _build(cls, named: Sequence[tuple[str, str, Iterator[str]]]) -> "EvaluationIndex":
        sets: list[EvaluationSet] = []
        found: dict[int, list[tuple[int, Hashes]]] = {}
        for number, (name, digest, texts) in enumerate(named):
            count, too_short, runs = _index(texts)
            if not runs:
                raise InvalidInput(
                    f"holds no text of {SHORT_WORDS_MIN} words or more, so nothing of it could be found in a dataset.",
                    where=name,
                    remedy="Name the file or folder that holds the evaluation texts.",
                )
            sets.append(EvaluationSet(name, digest, count, too_short))
            for length, hashes in runs.items():
                found.setdefault(length, []).append((number, hashes))
        return cls(sets, [_make_table(length, found[length]) for length in sorted(found, reverse=True)])

    def touches(self, texts: Sequence[str] | Words) -> list[str | None]:
        """Give for each text the label of the first evaluation set that it touches, or None."""
        words = texts if isinstance(texts, Words) else split_words(texts)
        first = np.full(len(words), len(self.sets), dtype=np.int64)
        for table in self._tables:
            np.minimum.at(first, *table.find(words))
        labels = [*(each.label for each in self.sets), None]
        return [labels[number] for number in first]


def _read_set(path: Path, limits: Limits) -> tuple[str, Iterator[str]]:
    if (path / CARD_NAME).is_file():
        return read_card(path).dataset_digest, (document.text for document in iterate_documents(path, "held-out"))
    if not path.exists():
        raise NotFound("there is no such evaluation set.", where=str(path), remedy="Check the spelling of the path.")
    selection = sources.find_files([path], limits=limits)
    listing = {file.name: digest_file(file.path) for file in selection.files}
    return digest_listing(listing), _read_files(selection, limits)


def _read_files(selection: sources.Selection, limits: Limits) -> Iterator[str]:
    for file in selection.files:
        try:
            for passage in read_passages(file, limits=limits):
                yield passage.text
        except Unreadable as reason:
            raise InvalidInput(
                f"cannot be read as an evaluation text: {reason}.",
                where=file.name,
                remedy="Take it out of the folder, or mend it.",
            ) from reason


def _index(texts: Iterator[str]) -> tuple[int, int, dict[int, Hashes]]:
    """Give the number of texts, of those too short, and the runs by length that few texts share."""
    parts: dict[int, list[Hashes]] = {}
    count = too_short = 0
    seen: set[str] = set()  # a text that is there twice is one text
    for batch in _batches(texts):
        fresh = [text for text in dict.fromkeys(batch) if text not in seen]
        seen.update(fresh)
        count += len(batch)
        words = split_words(fresh)
        too_short += int(np.count_nonzero(words.counts < SHORT_WORDS_MIN))
        for length in range(SHORT_WORDS_MIN, NGRAM_WORDS + 1):
            runs = _runs_of(words, length)
            if len(runs):
                parts.setdefault(length, []).append(runs)
    kept = {length: _drop_shared(np.concatenate(runs)) for length, runs in parts.items()}
    return count, too_short, {length: runs for length, runs in kept.items() if len(runs)}


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _TEXTS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _runs_of(words: Words, length: int) -> Hashes:
    """Give the runs to index at this length, each once a text: all of a long text, or the whole of a short one."""
    wanted = words.counts >= length if length == NGRAM_WORDS else words.counts == length
    runs = words.hash_runs(length)
    places = np.arange(len(runs))
    owners = words.owners[: len(runs)]
    inside = wanted[owners] & (places + length <= words.firsts[owners + 1])
    pairs = np.unique(np.stack((owners[inside].astype(np.uint64), runs[inside])), axis=1)
    return pairs[1]


def _drop_shared(runs: Hashes) -> Hashes:
    values, counts = np.unique(runs, return_counts=True)
    return values[counts <= SHARED_TEXTS_MAX]


def _make_table(length: int, found: Sequence[tuple[int, Hashes]]) -> _Table:
    runs = np.concatenate([hashes for _, hashes in found])
    owners = np.concatenate([np.full(len(hashes), number, dtype=np.uint16) for number, hashes in found])
    runs, first = np.unique(runs, return_index=True)  # the first of equal ones: that of the first set
    slots = min(_SLOTS_MAX, 1 << (len(runs) * _SLOTS_PER_RUN).bit_length())
    marks = np.zeros(slots, dtype=np.bool_)
    marks[(runs & np.uint64(slots - 1)).astype(np.int64)] = True
    return _Table(length=length, runs=runs, owners=owners[first], marks=marks)
