"""Reads the header of a safetensors file within limits, before any library parses it. Knows no tensor's meaning.

Format: eight bytes little-endian header length, a JSON object (name -> dtype, shape, data_offsets), then the bytes.
The reference parser opens duplicate names, path-like names and headers of hundreds of thousands of empty tensors; this
one refuses them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from kifabrik.core.errors import InvalidInput

HEADER_BYTES_MAX = 8 * 1024 * 1024
TENSORS_MAX = 100_000
DIMENSIONS_MAX = 8
NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_:-]|\.(?!\.)){0,254}")
DTYPE_BYTES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
}
_LENGTH_BYTES = 8
_METADATA = "__metadata__"


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as the header declares it; offsets count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read(path: Path) -> tuple[TensorEntry, ...]:
    """Read and check a header; raises InvalidInput that names the file and the first thing wrong with it."""
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        first = stream.read(_LENGTH_BYTES)
        if len(first) < _LENGTH_BYTES:
            raise _refuse(path, "it is shorter than eight bytes")
        length = int.from_bytes(first, "little")
        if length > HEADER_BYTES_MAX:
            raise _refuse(path, f"its header claims {length} bytes; at most {HEADER_BYTES_MAX} are read")
        if _LENGTH_BYTES + length > size_bytes:
            raise _refuse(path, f"its header claims {length} bytes; the file has {size_bytes}")
        text = stream.read(length)
    return parse(text, data_bytes=size_bytes - _LENGTH_BYTES - length, path=path)


def parse(text: bytes, *, data_bytes: int, path: Path) -> tuple[TensorEntry, ...]:
    """Check the JSON of a header against the number of bytes that follow it; raises InvalidInput."""
    try:
        pairs = json.loads(text.decode(), object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _refuse(path, "its header is not UTF-8") from error
    except RecursionError as error:
        raise _refuse(path, "its header is nested too deeply") from error
    except ValueError as error:
        raise _refuse(path, f"its header is not JSON ({str(error)[:80]})") from error
    if not isinstance(pairs, _Pairs):
        raise _refuse(path, "its header is not a JSON object")
    if len(pairs.rows) > TENSORS_MAX:
        raise _refuse(path, f"it declares {len(pairs.rows)} tensors; at most {TENSORS_MAX} are read")
    _require_unique([name for name, _ in pairs.rows], path)
    entries = tuple(_read_entry(name, value, path) for name, value in pairs.rows if name != _METADATA)
    _require_metadata(dict(pairs.rows).get(_METADATA), path)
    _require_gapless(entries, data_bytes, path)
    return entries


class _Pairs:
    """A JSON object with every key it was written with, so that duplicates are seen."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[tuple[str, Any]]) -> None:
        self.rows = list(rows)


def _refuse(path: Path, what: str) -> InvalidInput:
    return InvalidInput(
        f"is not a safetensors file that may be opened: {what}.",
        where=str(path),
        remedy="Get the file again from its source, or write it anew from the run.",
        code="safetensors-header",
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _require_unique(names: Sequence[str], path: Path) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _refuse(path, f"it declares the name {name[:80]!r} twice")
        seen.add(name)


def _read_entry(name: str, value: Any, path: Path) -> TensorEntry:
    if not NAME.fullmatch(name):
        raise _refuse(path, f"{name[:80]!r} is no tensor name")
    if not isinstance(value, _Pairs):
        raise _refuse(path, f"the entry of {name} is not an object")
    _require_unique([key for key, _ in value.rows], path)
    fields = dict(value.rows)
    if set(fields) != {"dtype", "shape", "data_offsets"}:
        raise _refuse(path, f"the entry of {name} does not hold exactly dtype, shape and data_offsets")
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise _refuse(path, f"{name} has the unknown type {str(dtype)[:20]!r}")
    if not _is_sizes(shape) or len(shape) > DIMENSIONS_MAX:
        raise _refuse(path, f"{name} has no proper shape")
    if not _is_sizes(offsets) or len(offsets) != 2:
        raise _refuse(path, f"{name} has no proper data_offsets")
    if offsets[1] - offsets[0] != prod(shape) * DTYPE_BYTES[dtype]:
        raise _refuse(path, f"{name} holds {offsets[1] - offsets[0]} bytes, its shape needs another number")
    return TensorEntry(name=name, dtype=dtype, shape=tuple(shape), begin=offsets[0], end=offsets[1])


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and 0 <= each < 2**48 for each in value)


def _require_metadata(value: Any, path: Path) -> None:
    if value is None:
        return
    if not isinstance(value, _Pairs) or not all(isinstance(text, str) for _, text in value.rows):
        raise _refuse(path, "its metadata is not a table of texts")
    _require_unique([key for key, _ in value.rows], path)


def _require_gapless(entries: Sequence[TensorEntry], data_bytes: int, path: Path) -> None:
    """Require that the tensors fill the rest of the file, one after the other: no hole, overlap or trailing bytes."""
    at = 0
    for entry in sorted(entries, key=lambda each: (each.begin, each.end)):
        if entry.begin != at:
            raise _refuse(path, f"{entry.name} begins at byte {entry.begin}, not at {at}: a hole or an overlap")
        at = entry.end
    if at != data_bytes:
        raise _refuse(path, f"its tensors hold {at} bytes, {data_bytes} follow the header")
