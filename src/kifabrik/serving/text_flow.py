"""Turns tokens into text that may be sent: whole characters, and nothing that could be the start of a stop. Pure."""

from collections.abc import Callable, Sequence

_HALF_CHARACTER = "\ufffd"


class TextFlow:
    """Takes one token after the other and hands out text; `is_stopped` once a stop string has been reached."""

    def __init__(self, decode: Callable[[Sequence[int]], str], *, stops: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stops = tuple(stops)
        self._tokens: list[int] = []
        self._from = 0  # where the window of tokens begins that is decoded together
        self._to = 0  # up to which token the text has been handed out
        self._held = ""
        self.is_stopped = False

    def push(self, token: int) -> str:
        """Add a token; return the text that is certain now."""
        self._tokens.append(token)
        before = self._decode(self._tokens[self._from : self._to])
        after = self._decode(self._tokens[self._from :])
        if after.endswith(_HALF_CHARACTER):
            return ""
        self._from, self._to = self._to, len(self._tokens)
        return self._let_out(after[len(before) :])

    def end(self) -> str:
        """Return what was held back, once no more tokens come; half a character shows as the replacement sign."""
        before = self._decode(self._tokens[self._from : self._to])
        after = self._decode(self._tokens[self._from :])
        self._from = self._to = len(self._tokens)
        text = self._let_out(after[len(before) :])
        held, self._held = self._held, ""
        return text if self.is_stopped else text + held

    def _let_out(self, text: str) -> str:
        if self.is_stopped:
            return ""
        held = self._held + text
        found = [place for stop in self._stops if (place := held.find(stop)) >= 0]
        if found:
            self.is_stopped, self._held = True, ""
            return held[: min(found)]
        keep = max((_overlap(held, stop) for stop in self._stops), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]


def _overlap(text: str, stop: str) -> int:
    """Say how many last characters of the text are a beginning of the stop string."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
