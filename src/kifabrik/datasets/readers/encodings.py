"""Turns bytes into text: UTF-8, or UTF-16 that says so in its first bytes. Nothing is guessed. Knows no format."""

import codecs
import io
from typing import BinaryIO, cast

from kifabrik.datasets.readers.reading import BrokenStream, Unreadable

_CHUNK_BYTES = 1024**2
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
HINT = "; convert it first, for example with: iconv -f WINDOWS-1252 -t UTF-8"


def decode(data: bytes) -> str:
    """Decode a whole text; raises Unreadable with the place of the first byte that is none."""
    if data.startswith(_UTF_16) and not data.startswith(_UTF_32):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Unreadable(f"not UTF-16 text: byte {error.start}") from error
    place = data.find(b"\0")
    if place >= 0:
        raise Unreadable(f"binary: a zero byte at byte {place}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf_8(data, error.start) from error


def not_utf_8(data: bytes, place: int, *, before: int = 0) -> Unreadable:
    """Give the error for a byte that is no UTF-8; `before` bytes of the file came before `data`."""
    return Unreadable(f"not UTF-8 text: byte {before + place} is 0x{data[place]:02X}{HINT}")


def as_utf_8(stream: BinaryIO) -> BinaryIO:
    """Give a stream of UTF-8 for one that may begin as UTF-16 does; needs a stream that can look ahead."""
    try:
        head = stream.peek(4)[:4] if isinstance(stream, io.BufferedReader) else b""
    except BrokenStream:
        return stream  # its reader meets it again, and knows where
    if head[:2] in _UTF_16 and head not in _UTF_32:
        return cast(BinaryIO, io.BufferedReader(_Recoded(stream), _CHUNK_BYTES))
    return stream


class _Recoded(io.RawIOBase):
    """UTF-16 read as UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._decoder = stream, codecs.getincrementaldecoder("utf-16")()
        self._ready, self._read_bytes = b"", 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the beginning; no other place can be gone to."""
        if offset or whence:
            raise io.UnsupportedOperation("recoded text can only be read again from its beginning")
        self._stream.seek(0)
        self._decoder.reset()
        self._ready, self._read_bytes = b"", 0
        return 0

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        while not self._ready:
            data = self._stream.read(_CHUNK_BYTES)
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise Unreadable(f"not UTF-16 text: near byte {self._read_bytes + error.start}") from error
            self._read_bytes += len(data)
            self._ready = text.encode()
            if not data:
                break
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
