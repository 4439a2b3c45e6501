"""MinHash signatures of documents, and the files that keep them. Knows no pairs.

A file is a header of 4096 bytes (JSON: what the rows mean) and then one row of unsigned 32-bit numbers a document, so
that it can be memory-mapped: 512 bytes a document with 128 permutations, 51 GB for 100 million of them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.files import write_bytes
from kifabrik.datasets.deduplication.parameters import Parameters
from kifabrik.datasets.deduplication.shingles import find_shingles
from kifabrik.datasets.deduplication.sketches import ALGORITHM, EMPTY, sketch
from kifabrik.datasets.words import Words, cut_blocks, split_words

Signatures = npt.NDArray[np.uint32]
NO_SHINGLE: Final = EMPTY  # the whole row of a document without a word
_HEADER_BYTES = 4096
_FORMAT = "kifabrik-signatures-1"


def signatures(texts: Sequence[str] | Words, parameters: Parameters) -> Signatures:
    """Give one row of `parameters.permutations` numbers a text; a text's row does not depend on its neighbours.

    Words that were cut already are taken as they are. Two rows agree in a share of places that estimates the Jaccard
    similarity of the shingle sets without bias (Broder 1997), with a standard error of at most .044 for 128.
    """
    blocks = [texts] if isinstance(texts, Words) else [split_words(block) for block in cut_blocks(texts)]
    rows = [_sketch(words, parameters) for words in blocks]
    return np.concatenate(rows) if rows else np.zeros((0, parameters.permutations), dtype=np.uint32)


def _sketch(words: Words, parameters: Parameters) -> Signatures:
    shingles = find_shingles(words, parameters.shingle_words)
    return sketch(shingles.hashes, shingles.offsets, parameters.permutations, parameters.seed)


def write_signatures(path: Path, rows: Signatures, parameters: Parameters) -> None:
    """Write the signatures of a part whole or not at all; raises Unavailable for a full disk."""
    header = {**_describe(parameters), "documents": len(rows)}
    head = json.dumps(header, sort_keys=True).encode().ljust(_HEADER_BYTES - 1) + b"\n"
    write_bytes(path, head + np.ascontiguousarray(rows, dtype="<u4").tobytes())


def read_signatures(path: Path, parameters: Parameters) -> Signatures:
    """Map a signature file into memory without reading it.

    Raises NotFound, or InvalidInput for a file that is cut short or was made with other parameters.
    """
    if not path.is_file():
        raise NotFound("there is no signature file.", where=str(path), remedy="Run the check of that part again.")
    with path.open("rb") as stream:
        header = _read_header(stream.read(_HEADER_BYTES), path)
    wanted = _describe(parameters)
    for name, value in wanted.items():
        if header.get(name) != value:
            raise InvalidInput(
                f"its signatures have {name} {header.get(name)}, but {value} is wanted; they cannot be compared.",
                where=str(path),
                remedy="Make the signatures of both datasets with the same parameters.",
            )
    documents = int(str(header.get("documents", -1)))
    size = path.stat().st_size
    if documents < 0 or size != _HEADER_BYTES + 4 * documents * parameters.permutations:
        raise InvalidInput(
            f"is cut short or damaged: {size} bytes do not hold {documents} signatures.",
            where=str(path),
            remedy="Run the check of that part again.",
        )
    shape = (documents, parameters.permutations)
    if not documents:
        return np.zeros(shape, dtype=np.uint32)
    return np.memmap(path, dtype="<u4", mode="r", offset=_HEADER_BYTES, shape=shape)


def _read_header(head: bytes, path: Path) -> dict[str, object]:
    try:
        header = json.loads(head)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise InvalidInput("is no signature file of a dataset.", where=str(path), remedy="Name another file.")
    return header


def _describe(parameters: Parameters) -> dict[str, object]:
    """What two files must share; bands, rows and threshold are chosen when they are compared."""
    return {
        "format": _FORMAT,
        "hash": ALGORITHM,
        "permutations": parameters.permutations,
        "seed": parameters.seed,
        "shingle_words": parameters.shingle_words,
    }
