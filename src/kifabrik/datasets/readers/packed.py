"""Unpacks gzip, bzip2, xz and zstd while they are read, never more than a share of what was packed. Knows no text."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

import zstandard

from kifabrik.datasets.documents import Limits
from kifabrik.datasets.readers.reading import BrokenStream

EXPANSION_FREE_BYTES = 16 * 1024**2  # small files of one repeated line compress beyond any sensible ratio
_MEMORY_MAX = 256 * 1024**2  # of xz; its files may ask for 4 GB
_WINDOW_MAX = 128 * 1024**2  # of zstd
_CHUNK_BYTES = 128 * 1024
_ZSTD_CHUNK_BYTES = 2 * 1024  # one byte may become 32 kB, and the binding gives all it can unpack at once
_ERRORS = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError)


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def unpack(stream: BinaryIO, kind: str, limits: Limits) -> BinaryIO:
    """Give the unpacked bytes of a stream; reading raises BrokenStream for damage, a cut end, or a bomb."""
    return cast(BinaryIO, io.BufferedReader(Unpacked(stream, kind, limits), 1024**2))


def require_expansion(unpacked_bytes: int, packed_bytes: int, limits: Limits) -> None:
    """Raise BrokenStream when so few packed bytes cannot be so much text."""
    if unpacked_bytes > max(EXPANSION_FREE_BYTES, limits.expansion_max * packed_bytes):
        raise BrokenStream(
            f"unpacks to more than {limits.expansion_max} times its size",
            "This is no text. Unpack it yourself if you are sure that it is.",
        )


class Unpacked(io.RawIOBase):
    """A packed stream as its unpacked bytes; several packed streams one after the other count as one."""

    def __init__(self, stream: BinaryIO, kind: str, limits: Limits) -> None:
        self._stream, self._kind, self._limits = stream, kind, limits
        self._start = stream.tell() if stream.seekable() else 0
        self._reset()

    def _reset(self) -> None:
        self._unpacker: _Unpacker | None = None
        self._packed = self._ready = b""
        self._packed_bytes = self._unpacked_bytes = 0
        self._broken: BrokenStream | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def tell(self) -> int:
        return self._unpacked_bytes - len(self._ready)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the beginning; no other place can be gone to."""
        if offset or whence:
            raise io.UnsupportedOperation("a packed stream can only be read again from its beginning")
        self._stream.seek(self._start)
        self._reset()
        return 0

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        if self._broken is not None:
            raise self._broken
        while not self._ready:
            try:
                if not self._step(len(view)):
                    return 0
                require_expansion(self._unpacked_bytes, self._packed_bytes, self._limits)
            except BrokenStream as error:
                self._broken = error
                raise
            except _ERRORS as error:
                self._broken = self._damaged()
                raise self._broken from error
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _step(self, wanted: int) -> bool:
        """Unpack a little more; says whether there may be more to come."""
        if not self._packed and not self._holds_some():
            self._packed = self._stream.read(_ZSTD_CHUNK_BYTES if self._kind == "zstd" else _CHUNK_BYTES)
            self._packed_bytes += len(self._packed)
            if not self._packed:
                return self._end(wanted)
        if self._unpacker is None:
            if self._unpacked_bytes and not self._packed.strip(b"\0"):
                self._packed = b""  # padding after the last packed stream
                return True
            self._unpacker = _MAKERS[self._kind]()
        self._ready, self._packed = _unpack_some(self._kind, self._unpacker, self._packed, wanted)
        self._unpacked_bytes += len(self._ready)
        if self._unpacker.eof:
            self._packed, self._unpacker = self._unpacker.unused_data, None
        return True

    def _holds_some(self) -> bool:
        """Say whether the unpacker has packed bytes in hand that it did not come round to."""
        unpacker = self._unpacker
        return isinstance(unpacker, bz2.BZ2Decompressor | lzma.LZMADecompressor) and not unpacker.needs_input

    def _end(self, wanted: int) -> bool:
        if self._unpacker is None:
            return False
        self._ready, _ = _unpack_some(self._kind, self._unpacker, b"", wanted)  # what the unpacker held back
        self._unpacked_bytes += len(self._ready)
        if self._unpacker.eof:
            self._unpacker = None
        elif not self._ready:
            raise self._damaged()
        return bool(self._ready)

    def _damaged(self) -> BrokenStream:
        return BrokenStream(f"the {self._kind} data are damaged or cut short", "Copy or compress the file again.")


def _unpack_some(kind: str, unpacker: Any, packed: bytes, wanted: int) -> tuple[bytes, bytes]:
    """Unpack up to `wanted` bytes and give what of the packed bytes is left."""
    if kind == "zstd":
        return unpacker.decompress(packed), b""
    ready = unpacker.decompress(packed, wanted)
    return ready, unpacker.unconsumed_tail if kind == "gzip" else b""  # the others keep the rest until they need it


_MAKERS: dict[str, Callable[[], _Unpacker]] = {
    "gzip": lambda: cast(_Unpacker, zlib.decompressobj(wbits=31)),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_MEMORY_MAX),
    "zstd": lambda: cast(_Unpacker, zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX).decompressobj()),
}
