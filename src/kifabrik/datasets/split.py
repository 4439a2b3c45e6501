"""Which document is held out: decided by its digest and a seed alone, so that more data never move a document.

Knows no text. One exception keeps small datasets usable: if the rule holds out nothing, the document nearest to the
border is held out.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Split = Literal["train", "held-out"]
Item = TypeVar("Item")


def draw(document_id: str, *, seed: int) -> float:
    """Give a document its fixed number in [0, 1)."""
    number = hashlib.sha256(f"{seed}:{document_id}".encode()).digest()[:6]  # 48 bits are exact in a float
    return int.from_bytes(number, "big") / 2**48


def describe(share: float, seed: int) -> str:
    """Say the rule in words, as a card states it."""
    return (
        f"by document: the first 48 bits of sha256('{seed}:' + document id), as a share of 1, below {share:g} are "
        "held out; if that holds out none, the document with the smallest number is"
    )


@dataclass(slots=True)
class Splitter(Generic[Item]):
    """Sends documents to a split as they stream by; holds back at most one of them until the first is held out."""

    share: float
    seed: int
    _nearest: tuple[float, Item] | None = None
    _has_train: bool = False
    _has_held_out: bool = False

    def send(self, document_id: str, item: Item) -> Iterator[tuple[Split, Item]]:
        """Take one document and give those whose split is now certain."""
        number = draw(document_id, seed=self.seed)
        if number < self.share:
            self._has_held_out = True
            yield "held-out", item
            yield from self._release()
        elif self._has_held_out:
            yield from self._train(item)
        elif self._nearest is None or number < self._nearest[0]:
            yield from self._release()
            self._nearest = (number, item)
        else:
            yield from self._train(item)

    def close(self) -> Iterator[tuple[Split, Item]]:
        """Give the document that was held back, if any; the only document of a dataset is for training."""
        if self._nearest is not None and self._has_train and not self._has_held_out and self.share > 0:
            yield "held-out", self._nearest[1]
            self._nearest = None
        else:
            yield from self._release()

    def _train(self, item: Item) -> Iterator[tuple[Split, Item]]:
        self._has_train = True
        yield "train", item

    def _release(self) -> Iterator[tuple[Split, Item]]:
        if self._nearest is not None:
            item = self._nearest[1]
            self._nearest = None
            yield from self._train(item)
