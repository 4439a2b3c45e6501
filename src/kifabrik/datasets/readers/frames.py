"""How the check and its limited process speak: a kind, a header in JSON, and bytes. Knows sockets, not formats."""

import socket
import struct
from collections.abc import Sequence

from kifabrik.datasets.readers.blocks import Buffer

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


def receive(line: socket.socket) -> tuple[bytes, bytes, memoryview]:
    """Receive one frame; raises EOFError when the other side is gone, TimeoutError when it is silent."""
    kind, header_bytes, blob_bytes = _HEAD.unpack(_receive_exactly(line, _HEAD.size))
    return kind, bytes(_receive_exactly(line, header_bytes)), _receive_exactly(line, blob_bytes)


def _receive_exactly(line: socket.socket, size: int) -> memoryview:
    data = memoryview(bytearray(size))
    place = 0
    while place < size:
        count = line.recv_into(data[place:])
        if not count:
            raise EOFError
        place += count
    return data
