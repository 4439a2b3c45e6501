"""Token files: `NAME.bin` (flat unsigned integers), `NAME.idx.npy` (where each document starts), `NAME.json` (sizes).

Knows no tokenizer. `starts` has one entry more than there are documents: document i is tokens[starts[i]:starts[i + 1]].
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from kifabrik.core import files

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class TokenFileSizes:
    """What a token file holds; `text_bytes` are UTF-8 bytes of the texts that were encoded."""

    dtype: str
    tokens: int
    documents: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class TokenFile:
    """Encoded documents, memory-mapped."""

    tokens: Array
    starts: Array
    sizes: TokenFileSizes


def write(path: Path, documents: Iterable[tuple[int, list[int]]], *, vocabulary: int) -> TokenFileSizes:
    """Write (text bytes, tokens) of each document to `path`.bin and its companions, whole or not at all."""
    dtype = np.dtype(np.uint16 if vocabulary <= 1 << 16 else np.uint32)
    starts, text_bytes = [0], 0
    half = path.with_name(f".{path.name}.bin.half")
    with files.explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with half.open("wb") as stream:
                for size_bytes, tokens in documents:
                    stream.write(np.asarray(tokens, dtype=dtype).tobytes())
                    starts.append(starts[-1] + len(tokens))
                    text_bytes += size_bytes
                stream.flush()
                os.fsync(stream.fileno())
            half.replace(path.with_name(f"{path.name}.bin"))
        except BaseException:
            half.unlink(missing_ok=True)
            raise
    sizes = TokenFileSizes(dtype.name, starts[-1], len(starts) - 1, text_bytes)
    write_array(path.with_name(f"{path.name}.idx.npy"), np.asarray(starts, dtype=np.int64))
    files.write_text(path.with_name(f"{path.name}.json"), json.dumps(asdict(sizes), indent=2) + "\n")
    return sizes


def read(path: Path) -> TokenFile:
    """Open the token file at `path`.bin."""
    sizes = TokenFileSizes(**json.loads(path.with_name(f"{path.name}.json").read_text()))
    tokens: Array = np.zeros(0, dtype=sizes.dtype)
    if sizes.tokens:
        tokens = np.memmap(path.with_name(f"{path.name}.bin"), dtype=sizes.dtype, mode="r")
    starts = np.load(path.with_name(f"{path.name}.idx.npy"), allow_pickle=False)
    return TokenFile(tokens=tokens, starts=starts, sizes=sizes)


def write_array(path: Path, array: Array) -> None:
    """Write one array in NumPy's own format, without pickle, whole or not at all."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    files.write_bytes(path, buffer.getvalue())
