"""One way to write JSON, so that equal values have equal bytes and equal digests. Knows no record."""

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def encode(value: object) -> bytes:
    """Write a JSON value as UTF-8 with sorted keys and no spare blanks; NaN and infinity raise ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: object) -> str:
    """Name a JSON value by its content: `sha256:<hex>` of its canonical bytes."""
    return "sha256:" + hashlib.sha256(encode(value)).hexdigest()
