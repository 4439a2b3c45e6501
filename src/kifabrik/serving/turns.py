"""One generation at a time for each model, and a short queue before it. Knows waiting, not work."""

import asyncio
from collections.abc import Awaitable, Callable

from kifabrik.core.errors import KifabrikError

LOOK_SECONDS = 0.25


class QueueFull(KifabrikError):
    """Too many requests wait for this model already."""

    code = "rate_limit_exceeded"


class ClientGone(Exception):
    """Whoever asked has hung up; nobody reads an answer."""


class Turns:
    """The queue of one model; all calls come from one event loop."""

    def __init__(self, *, waiting_max: int) -> None:
        self._waiting_max = waiting_max
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def take(self, is_gone: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a turn; `give_back` must follow. Raises QueueFull, or ClientGone if the client leaves meanwhile."""
        if self._turn.locked() and self._waiting >= self._waiting_max:
            raise QueueFull(
                f"{self._waiting} requests wait for this model already.", remedy="Ask again in a few seconds."
            )
        self._waiting += 1
        try:
            while True:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._turn.acquire()
                except TimeoutError:
                    if await is_gone():
                        raise ClientGone from None
                else:
                    return
        finally:
            self._waiting -= 1

    def give_back(self) -> None:
        """Let the next one begin."""
        self._turn.release()
