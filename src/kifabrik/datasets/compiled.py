"""Compiles loops over bytes and numbers to machine code, once on a machine. Knows numba, not what a loop is for.

What was compiled is kept in the user's cache folder, apart for each state of the sources, because functions are put
into one another; where that folder cannot be written, each process compiles anew. Loops that decide what is written use
whole numbers, which give the same bytes on every machine.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from kifabrik.core.files import cache_folder
from kifabrik.core.imports import hiding

# For products of matrices, which no loop has, numba would import scipy.linalg: a quarter of a second. And coverage, if
# it is there, to be measured by it.
with hiding("scipy.linalg", "coverage"):
    import numba
    import numba.np.arraymath

_SOURCES = Path(__file__).parent


def _make_cache() -> Path | None:
    """Give the folder for what is compiled from these very sources; None if it cannot be written."""
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.rglob("*.py")):
        digest.update(source.read_bytes())
    folder = cache_folder() / "compiled" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


_CACHE = _make_cache()
numba.config.CACHE_DIR = str(_CACHE or "")  # type: ignore[attr-defined]  # numba makes its settings when imported
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def compiled(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Compile a function for the types with which it is called first."""
    return cast("Callable[_Given, _Answer]", numba.njit(cache=_CACHE is not None)(function))
