"""Reads anchors that begin a word with a digit or a capital into a table of steps: an automaton of states and bytes.

A small letter must not follow the capital, because too many words begin so. Understands as much of the notation of
regular expressions as those anchors use. Knows no rule, and walks no text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kifabrik.core.errors import KifabrikError

_DIGITS, _CAPITALS = frozenset(b"0123456789"), frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SMALL = frozenset(b"abcdefghijklmnopqrstuvwxyz")
WORD = _DIGITS | _CAPITALS | _SMALL | frozenset(b"_")
_BORDER = rb"\b"
_MEANS_MORE = frozenset(b"\\[](){}?*+|.^$")
_START = 1
_Lay = Callable[[int], int]  # lays a piece of an anchor from a point; gives the point where it ends


class NotUnderstood(KifabrikError):
    """An anchor is of another kind or uses more of the notation."""


@dataclass(frozen=True, slots=True)
class Table:
    """An automaton: `steps[state * width + classes[byte]]` is the next state times the width.

    State 0 is the end of all hope, state 1 the start. A step below 0 leads to a state s in which the anchors
    `named[firsts[s] : middles[s]]` match, and those from there to `firsts[s + 1]` if no letter, digit or underscore
    follows.
    """

    width: int
    classes: npt.NDArray[np.uint8]
    steps: npt.NDArray[np.int32]
    firsts: npt.NDArray[np.int64]
    middles: npt.NDArray[np.int64]
    named: npt.NDArray[np.int64]


@dataclass(slots=True)
class _Net:
    """Points with the sets of bytes that lead on, and with those that are reached for nothing."""

    over: list[list[tuple[frozenset[int], int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)

    def add(self) -> int:
        self.over.append([])
        self.free.append([])
        return len(self.over) - 1

    def reach(self, points: set[int]) -> frozenset[int]:
        """Add the points that are reached for nothing."""
        waiting = list(points)
        while waiting:
            fresh = set(self.free[waiting.pop()]) - points
            points |= fresh
            waiting += fresh
        return frozenset(points)

    def leave(self, points: set[int]) -> list[tuple[frozenset[int], int]]:
        """Give the sets of bytes that lead on, with the next point of each."""
        return [each for point in self.reach(points) for each in self.over[point]]


class _Reader:
    """Reads one anchor from left to right."""

    def __init__(self, anchor: bytes, net: _Net) -> None:
        self._rest, self._net = anchor, net

    def read(self) -> _Lay:
        lay = self._read_choice()
        if self._rest:
            raise NotUnderstood(f"cannot read {self._rest!r} in an anchor.")
        return lay

    def _take(self, sign: bytes) -> bool:
        found = self._rest.startswith(sign)
        if found:
            self._rest = self._rest[len(sign) :]
        return found

    def _read_choice(self) -> _Lay:
        choices = [self._read_row()]
        while self._take(b"|"):
            choices.append(self._read_row())
        return choices[0] if len(choices) == 1 else self._join(choices)

    def _join(self, choices: Sequence[_Lay]) -> _Lay:
        def lay(start: int) -> int:
            end = self._net.add()
            for each in choices:
                self._net.free[each(start)].append(end)
            return end

        return lay

    def _read_row(self) -> _Lay:
        row: list[_Lay] = []
        while self._rest and self._rest[:1] not in b"|)":
            piece = self._read_piece()
            least, most = self._read_count()
            row += [piece] * least + [self._join([piece, lambda start: start])] * (most - least)

        def lay(start: int) -> int:
            for each in row:
                start = each(start)
            return start

        return lay

    def _read_count(self) -> tuple[int, int]:
        if self._take(b"?"):
            return 0, 1
        if not self._take(b"{"):
            return 1, 1
        inside, _, self._rest = self._rest.partition(b"}")
        least, _, most = inside.partition(b",")
        return int(least), int(most or least)

    def _read_piece(self) -> _Lay:
        if self._take(b"(?:"):
            lay = self._read_choice()
            if not self._take(b")"):
                raise NotUnderstood("a bracket in an anchor is not closed.")
            return lay
        signs = self._read_class() if self._take(b"[") else frozenset({self._read_sign(_MEANS_MORE)})

        def lay_signs(start: int) -> int:
            end = self._net.add()
            self._net.over[start].append((signs, end))
            return end

        return lay_signs

    def _read_class(self) -> frozenset[int]:
        signs: set[int] = set()
        while not self._take(b"]"):
            first = self._read_sign(frozenset(b"[^"))
            is_range = self._rest[:1] == b"-" and self._rest[1:2] != b"]"
            last = self._read_sign(frozenset()) if is_range and self._take(b"-") else first
            signs.update(range(first, last + 1))
        return frozenset(signs)

    def _read_sign(self, refused: frozenset[int]) -> int:
        if self._take(rb"\x"):
            sign, self._rest = int(self._rest[:2], 16), self._rest[2:]
            return sign
        if self._take(b"\\"):
            if self._rest[:1].isalnum():
                raise NotUnderstood(f"cannot read {self._rest!r} in an anchor.")
        elif not self._rest or self._rest[0] in refused:
            raise NotUnderstood(f"cannot read {self._rest!r} in an anchor.")
        sign, self._rest = self._rest[0], self._rest[1:]
        return sign


def compile_anchors(anchors: Sequence[bytes]) -> tuple[Table, list[int]]:
    """Make one automaton of all anchors that are understood; gives it with their numbers."""
    net, starts, ends = _Net(), set(), {}
    for number, anchor in enumerate(anchors):
        try:
            start, end, has_border = _lay(anchor, net)
        except NotUnderstood:
            continue
        starts.add(start)
        ends[end] = number, has_border
    return _Automaton(net, ends).tabulate(starts), sorted(number for number, _ in ends.values())


def _lay(anchor: bytes, net: _Net) -> tuple[int, int, bool]:
    """Lay the points of one anchor; say where it starts and ends, and whether a border of a word must follow."""
    if not anchor.startswith(_BORDER):
        raise NotUnderstood("an anchor does not begin at the border of a word.")
    has_border, others = anchor.endswith(_BORDER), len(net.over)
    lay = _Reader(anchor[len(_BORDER) : -len(_BORDER) if has_border else None], net).read()
    start = net.add()
    end = lay(start)
    for signs, after in net.leave({start}):
        if signs & _CAPITALS and any(each & _SMALL for each, _ in net.leave({after})):
            raise NotUnderstood("an anchor begins as many words do.")
        if not signs <= _DIGITS | _CAPITALS:
            raise NotUnderstood("an anchor begins with another sign.")
    lasts = (signs for row in net.over[others:] for signs, after in row if end in net.reach({after}))
    if has_border and not all(signs <= WORD for signs in lasts):
        raise NotUnderstood("an anchor ends with another sign.")
    return start, end, has_border


class _Automaton:
    """Turns sets of points that are reached together into states."""

    def __init__(self, net: _Net, ends: dict[int, tuple[int, bool]]) -> None:
        self._net, self._ends = net, ends
        sets = {signs for row in net.over for signs, _ in row}
        kinds: dict[tuple[bool, ...], int] = {}
        self._classes = [kinds.setdefault(tuple(byte in each for each in sets), len(kinds)) for byte in range(256)]
        self._width = len(kinds)
        self._reach = [net.reach({point}) for point in range(len(net.over))]
        self._classes_of = {signs: {self._classes[byte] for byte in signs} for signs in sets}

    def tabulate(self, starts: set[int]) -> Table:
        queue = [frozenset[int](), self._net.reach(set(starts))]
        states = {queue[1]: _START, queue[0]: 0}  # without anchors the start is the end, too
        steps: list[list[int]] = []
        firsts, middles, named = [0], list[int](), list[int]()
        for points in queue:  # grows while it is read
            row = self._follow(points)
            for each in row:
                if each not in states:
                    states[each] = len(queue)
                    queue.append(each)
            steps.append([states[each] for each in row])
            met = [self._ends[point] for point in sorted(points) if point in self._ends]
            named += [number for number, has_border in met if not has_border]
            middles.append(len(named))
            named += [number for number, has_border in met if has_border]
            firsts.append(len(named))
        width, has_names = self._width, np.diff(firsts) > 0
        where = np.array(steps, np.int32)
        where = np.where(has_names[where], -width * where, width * where).ravel()
        places = (np.array(each, np.int64) for each in (firsts, middles, named))
        return Table(width, np.array(self._classes, np.uint8), where, *places)

    def _follow(self, points: frozenset[int]) -> list[frozenset[int]]:
        """Give for each class of bytes the points that are reached next."""
        row: list[set[int]] = [set() for _ in range(self._width)]
        for point in points:
            for signs, after in self._net.over[point]:
                for number in self._classes_of[signs]:
                    row[number] |= self._reach[after]
        return list(map(frozenset, row))
