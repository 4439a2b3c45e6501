"""Compiles loops over bytes and numbers to machine code, once on a machine. Knows numba, not what a loop is for.

What was compiled is kept in the user's cache folder, apart for each state of the sources, because functions are put
into one another; where that folder cannot be written, each process compiles anew. Loops that decide what is written use
whole numbers, which give the same bytes on every machine.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

from kifabrik.core.files import cache_folder
from kifabrik.core.imports import hiding

with hiding(
    "scipy.linalg"
):  # numba would import a quarter of a second of it for products of matrices, which nobody wants
    import numba.np.arraymath

_SOURCES = Path(__file__).parent


def _name_cache() -> Path:
    """Give the folder for what is compiled from these very sources."""
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.rglob("*.py")):
        digest.update(source.read_bytes())
    return cache_folder() / "compiled" / digest.hexdigest()[:16]


numba.config.CACHE_DIR = str(_name_cache())  # type: ignore[attr-defined]  # numba makes its settings when imported
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def compiled(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Compile a function for the types with which it is called first."""
    try:
        return cast("Callable[_Given, _Answer]", numba.njit(cache=True)(function))
    except RuntimeError:  # numba finds no folder that it can write
        return cast("Callable[_Given, _Answer]", numba.njit(function))
