"""How far a whole check is, from how far its stages are, with the time left. Knows no work."""

import time
from collections.abc import Callable

from kifabrik.datasets.documents import ProgressNote

_NOTE_EVERY = 0.01
_GUESS_FROM = 0.02  # of the work; before, nobody can tell


class Progress:
    """Turns sizes of work into notes, one for each percent; never backwards."""

    def __init__(self, report: Callable[[ProgressNote], None] | None) -> None:
        self._report = report
        self._begun_at = time.monotonic()
        self._noted = -1.0

    def stage(self, begin: float, end: float, total: int) -> Callable[[int], None]:
        """Give what a stage calls with the amount of its work that is done."""

        def tell(done: int) -> None:
            self.note(begin + (end - begin) * min(1.0, done / max(1, total)))

        return tell

    def note(self, share: float, message: str = "") -> None:
        """Tell the share of the whole that is done."""
        if self._report is None or (share - self._noted < _NOTE_EVERY and share < 1.0) or share <= self._noted:
            return
        self._noted = share
        passed = time.monotonic() - self._begun_at
        left = passed / share * (1 - share) if share >= _GUESS_FROM else None
        self._report(ProgressNote("dataset", share, message, left))
