"""Moves files in pieces: what was received stays after a break, and nothing counts before its digest is right.

Knows bytes and digests, not where they come from.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from kifabrik.core import digests, files
from kifabrik.core.errors import InvalidInput, Unavailable

PIECE_BYTES = 1 << 20
Progress = Callable[[int], None]


def read_pieces(path: Path, *, size_bytes: int, progress: Progress | None = None) -> Iterator[bytes]:
    """Read exactly the announced bytes of a file; raises InvalidInput if it shrank meanwhile."""
    left = size_bytes
    with path.open("rb") as stream:
        while left:
            piece = stream.read(min(PIECE_BYTES, left))
            if not piece:
                raise InvalidInput("became shorter while it was sent.", where=str(path))
            left -= len(piece)
            yield piece
            if progress:
                progress(len(piece))


def receive(
    fetch: Callable[[int], httpx.Response],
    *,
    digest: str,
    to: Path,
    tries: int,
    pause: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
) -> None:
    """Receive a file into its place; `fetch(offset)` opens the stream from a byte on, or from the start if it cannot.

    Raises Unavailable if it keeps breaking off or arrives with another digest.
    """
    if to.is_file() and digests.digest_file(to) == digest:
        return
    part = to.with_name(f".{to.name}.part")
    for number in range(1, tries + 1):
        with files.explain_disk_errors(to):
            to.parent.mkdir(parents=True, exist_ok=True)
            is_whole = _receive_once(fetch, part, progress=progress)
        if is_whole:
            if digests.digest_file(part) == digest:
                _settle(part, to)
                return
            part.unlink()  # a mixture of two states, or damage: nothing of it can be kept
        if number < tries:
            pause(0.25 * 2**number)
    raise Unavailable("the file keeps arriving broken.", where=digest, remedy="Try again later.", code="damaged")


def _receive_once(fetch: Callable[[int], httpx.Response], part: Path, *, progress: Progress | None) -> bool:
    offset_bytes = part.stat().st_size if part.exists() else 0
    try:
        response = fetch(offset_bytes)
    except InvalidInput:  # 416: there is nothing behind that byte
        if not offset_bytes:
            raise
        return True
    with_rest = response.status_code == httpx.codes.PARTIAL_CONTENT
    try:
        with part.open("ab" if with_rest else "wb") as stream:
            for piece in response.iter_bytes():  # as it comes: what is waited for is lost when it breaks
                stream.write(piece)
                if progress:
                    progress(len(piece))
    except httpx.TransportError:
        return False
    finally:
        response.close()
    return True


def _settle(part: Path, to: Path) -> None:
    with files.explain_disk_errors(to), part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(to)
    files.fsync_folder(to.parent)
