"""Three engines for one table of anchors: hyperscan, RE2 and `re`. Each says which anchors match where in UTF-8 bytes.

hyperscan runs its anchors in one walk, and a compiled loop takes those of numbers from it; the others need one walk an
anchor and are there for machines without its wheel. What hyperscan compiled is kept in the cache folder of the user,
because each process needs it. Knows bytes and patterns, not what they mean.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol

import numpy as np

from kifabrik.core.errors import Unavailable
from kifabrik.core.files import cache_folder, write_bytes
from kifabrik.datasets.detectors.automaton import Numbers, walk
from kifabrik.datasets.detectors.notation import compile_anchors

EngineName = Literal["hyperscan", "re2", "re"]
_Compile = Callable[[bytes], re.Pattern[bytes]]
_NEVER = b"\\0never\\0"  # hyperscan compiles no empty list
ENGINES: tuple[EngineName, ...] = ("hyperscan", "re2", "re")  # the fastest first


class Engine(Protocol):
    """Finds where anchors match."""

    name: EngineName

    def places(self, data: bytes) -> Numbers:
        """Give index of the anchor, start and end of every match, a row for each, in no promised order.

        A byte that belongs to no text stands at both ends of `data`.
        """


class HyperscanEngine:
    """Anchors of numbers in a compiled loop, the others in one walk; of matches with one end the longest counts."""

    name: EngineName = "hyperscan"

    def __init__(self, anchors: Sequence[bytes]) -> None:
        hyperscan = import_module("hyperscan")
        self._table, walked = compile_anchors(anchors)
        self._others = np.array([number for number in range(len(anchors)) if number not in walked], np.int64)
        self._database = _compile_once(hyperscan, [anchors[number] for number in self._others] or [_NEVER])

    def places(self, data: bytes) -> Numbers:
        """Give the places of both walks."""
        found: list[int] = []
        extend = found.extend

        def note(number: int, start: int, end: int, flags: int, context: object) -> None:  # noqa: ARG001 - its shape
            extend((number, start, end))

        self._database.scan(data, match_event_handler=note)
        others = np.array(found, np.int64).reshape(-1, 3)
        others[:, 0] = self._others[others[:, 0]]
        return np.concatenate([walk(self._table, data), others])


def _compile_once(hyperscan: Any, anchors: Sequence[bytes]) -> Any:
    """Give the compiled anchors from the cache, or compile them; a cache that cannot be used is no error."""
    path = cache_folder() / f"{_name_of(hyperscan, anchors)}.hyperscan"
    try:
        database = hyperscan.loadb(path.read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except (OSError, hyperscan.error):  # not there, damaged, or of a machine with another processor
        flags = [hyperscan.HS_FLAG_SOM_LEFTMOST] * len(anchors)
        database = hyperscan.Database()
        database.compile(expressions=list(anchors), ids=list(range(len(anchors))), flags=flags)
        with suppress(OSError, Unavailable):
            write_bytes(path, hyperscan.dumpb(database), mode=0o600)
    return database


def _name_of(hyperscan: Any, anchors: Sequence[bytes]) -> str:
    digest = sha256(f"{hyperscan.__version__}, starts known".encode())
    for anchor in anchors:
        digest.update(len(anchor).to_bytes(8, "big") + anchor)
    return digest.hexdigest()[:32]


class WalkingEngine:
    """One walk an anchor, with any module that compiles patterns as `re` does."""

    def __init__(
        self, name: EngineName, anchors: Sequence[bytes], compile_one: Callable[[bytes], re.Pattern[bytes]]
    ) -> None:
        self.name: EngineName = name
        self._patterns = [compile_one(anchor) for anchor in anchors]

    def places(self, data: bytes) -> Numbers:
        """Give the places of one walk after the other."""
        found = [
            (number, *match.span()) for number, pattern in enumerate(self._patterns) for match in pattern.finditer(data)
        ]
        return np.array(found, np.int64).reshape(-1, 3)


def choose_engine(name: EngineName | Literal["auto"]) -> EngineName:
    """Give the engine of that name, or for `auto` the fastest one this machine has; raises Unavailable."""
    chosen = next(each for each in ENGINES if find_spec(each) is not None) if name == "auto" else name
    if find_spec(chosen) is None:
        raise Unavailable(f"the engine {chosen} is not installed.", remedy="Install it, or leave the choice to auto.")
    return chosen


def make_engine(name: EngineName | Literal["auto"], anchors: Sequence[bytes]) -> Engine:
    """Compile anchors for a named engine, or for the fastest one this machine has; raises Unavailable."""
    chosen = choose_engine(name)
    if chosen == "hyperscan":
        return HyperscanEngine(anchors)
    return WalkingEngine(chosen, anchors, _compile_for_re2() if chosen == "re2" else re.compile)


def _compile_for_re2() -> _Compile:
    re2 = import_module("re2")
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are, like the two others
    options.log_errors = False

    def compile_one(anchor: bytes) -> re.Pattern[bytes]:
        pattern: re.Pattern[bytes] = re2.compile(anchor, options)
        return pattern

    return compile_one
