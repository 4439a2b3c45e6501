"""How the check and its limited process speak: a kind, a header in JSON, and bytes. Knows sockets, not formats."""

import socket
import struct
from collections.abc import Sequence

from kifabrik.datasets.readers.blocks import Buffer

_ROOM_BYTES = 1024**2
_HEAD = struct.Struct("<cIQ")
JOB, BEGUN = b"J", b"B"
PASSAGES, MEMBER, SKIPPED, GROUPS = b"P", b"M", b"S", b"G"
DONE, UNREADABLE, INVALID, LAST = b"D", b"U", b"I", b"L"  # after LAST the process has ended itself


def send(line: socket.socket, kind: bytes, header: bytes = b"", blobs: Sequence[Buffer] = ()) -> None:
    """Send one frame whole."""
    size = sum(memoryview(blob).nbytes for blob in blobs)
    line.sendall(_HEAD.pack(kind, len(header), size) + header)
    if size < 64 * 1024:
        line.sendall(b"".join(blobs))
        return
    for blob in blobs:
        line.sendall(blob)


class Receiver:
    """Receives frames from a line; the bytes of one stay where they are until the next is asked for."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._room = line, bytearray(_ROOM_BYTES)

    def receive(self) -> tuple[bytes, bytes, memoryview]:
        """Receive one frame; raises EOFError when the other side is gone, TimeoutError when it is silent."""
        kind, header_bytes, blob_bytes = _HEAD.unpack(self._fill(_HEAD.size))
        return kind, bytes(self._fill(header_bytes)), self._fill(blob_bytes)

    def _fill(self, size: int) -> memoryview:
        if size > len(self._room):
            self._room = bytearray(size)
        data = memoryview(self._room)[:size]
        place = 0
        while place < size:
            count = self._line.recv_into(data[place:])
            if not count:
                raise EOFError
            place += count
        return data
