"""Fetches single texts again from the parts, for the comparison of near-duplicates. Knows rows, not their meaning."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from kifabrik.datasets.pipeline.part_files import TEXTS

_OPEN_MAX = 64


class TextShelf:
    """The texts of all parts, by the number of their row."""

    def __init__(self, folders: Sequence[Path], groups: Sequence[Sequence[int]]) -> None:
        self._folders = folders
        self._group_starts = np.concatenate(([0], np.cumsum([count for each in groups for count in each]))).astype(
            np.int64
        )
        self._first_groups = np.concatenate(([0], np.cumsum([len(each) for each in groups]))).astype(np.int64)
        self._readers: dict[int, pa.RecordBatchFileReader] = {}

    def fetch(self, numbers: Sequence[int]) -> list[bytes]:
        """Give texts, as UTF-8, in the order asked; every group of texts is looked at once a call."""
        rows = np.asarray(numbers, dtype=np.int64)
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        borders = np.searchsorted(ordered, self._group_starts)
        texts: list[bytes] = []
        for group in np.flatnonzero(np.diff(borders)).tolist():
            mine = ordered[borders[group] : borders[group + 1]] - self._group_starts[group]
            texts += self._read(group).take(pa.array(mine)).cast(pa.large_binary()).to_pylist()
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return [texts[place] for place in back.tolist()]

    def _read(self, group: int) -> pa.Array:
        part = int(np.searchsorted(self._first_groups, group, side="right")) - 1
        return self._open(part).get_batch(group - int(self._first_groups[part])).column(0)

    def _open(self, part: int) -> pa.RecordBatchFileReader:
        if part not in self._readers:
            if len(self._readers) >= _OPEN_MAX:
                self._readers.pop(next(iter(self._readers)))
            only_texts = pa.ipc.IpcReadOptions(included_fields=[2], use_threads=False)
            self._readers[part] = pa.ipc.open_file(pa.memory_map(str(self._folders[part] / TEXTS)), options=only_texts)
        return self._readers[part]
