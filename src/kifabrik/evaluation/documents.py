"""Encoded documents as arrays, and windows cut from them. Knows no tokenizer and no file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class TokenizedDocuments:
    """Documents in one flat array; document i is tokens[starts[i]:starts[i + 1]], so `starts` has one entry more.

    Every document begins with an end-of-text token, which is context and never scored.
    """

    tokens: Array
    starts: Array

    def __post_init__(self) -> None:
        starts = self.starts
        if len(starts) < 1 or starts[0] != 0 or starts[-1] != len(self.tokens) or (np.diff(starts) < 0).any():
            raise ValueError("starts must rise from 0 to the number of tokens")

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[Array]:
        for number in range(len(self)):
            yield self[number]

    def __getitem__(self, number: int) -> Array:
        return self.tokens[self.starts[number] : self.starts[number + 1]]

    @property
    def lengths(self) -> Array:
        """Tokens of each document."""
        return np.diff(self.starts)

    def select(self, numbers: Array) -> "TokenizedDocuments":
        """Give some of the documents, in the order asked for."""
        chosen = [np.asarray(self[int(number)]) for number in numbers]
        tokens = np.concatenate(chosen) if chosen else np.zeros(0, dtype=self.tokens.dtype)
        return TokenizedDocuments(tokens=tokens, starts=np.cumsum([0, *map(len, chosen)]))


def window_starts(documents: TokenizedDocuments, *, length: int) -> Array:
    """Give every position at which `length` tokens of one document begin."""
    rooms = np.maximum(documents.lengths - length + 1, 0)
    offsets = np.repeat(documents.starts[:-1] - np.cumsum(rooms) + rooms, rooms)
    return np.asarray(np.arange(rooms.sum()) + offsets)


def cut_windows(documents: TokenizedDocuments, starts: Array, *, length: int) -> Array:
    """Cut windows of `length` tokens as rows."""
    return np.asarray(documents.tokens[starts[:, None] + np.arange(length)[None, :]]).astype(np.int64)
