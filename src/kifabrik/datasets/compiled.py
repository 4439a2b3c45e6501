"""Compiles loops over bytes and numbers to machine code, once on a machine. Knows numba, not what a loop is for.

What was compiled is kept in the user's cache folder, apart for each state of the sources, because functions are put
into one another; where that folder cannot be written, each process compiles anew. Loops that decide what is written use
whole numbers, which give the same bytes on every machine.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
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
_KEPT_SECONDS = 30 * 86_400  # for who goes back to the version before


def _make_cache() -> Path | None:
    """Give the folder for what is compiled from these very sources; None if it cannot be written."""
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.rglob("*.py")):
        digest.update(source.read_bytes())
    folder = cache_folder() / "compiled" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    _remove_unused(folder.parent)
    return folder


def _remove_unused(folder: Path) -> None:
    """Remove what was compiled from other states of the sources and that no process has used for a month."""
    oldest = time.time() - _KEPT_SECONDS
    with suppress(OSError):  # another process may do the same
        for other in folder.iterdir():
            if other.stat().st_mtime < oldest:
                shutil.rmtree(other, ignore_errors=True)


_CACHE = _make_cache()
numba.config.CACHE_DIR = str(_CACHE or "")  # type: ignore[attr-defined]  # numba makes its settings when imported
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def compiled(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Compile a function for the types with which it is called first."""
    return cast("Callable[_Given, _Answer]", numba.njit(cache=_CACHE is not None)(function))
