"""Compiles loops over bytes and numbers to machine code, once on a machine. Knows numba, not what a loop is for.

What was compiled is kept beside the module, or in the user's cache folder where the installation cannot be written;
where neither can, it is compiled anew in each process. Loops that decide what is written use whole numbers, which give
the same bytes on every machine.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def compiled(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Compile a function for the types with which it is called first."""
    try:
        return cast("Callable[_Given, _Answer]", numba.njit(cache=True)(function))
    except RuntimeError:  # numba finds no folder that it can write
        return cast("Callable[_Given, _Answer]", numba.njit(function))
