"""Reads zip and tar archives member by member, without unpacking them to disk. Runs in the limited process.

Knows archives and their tricks (bombs, archives in archives, links, names that point elsewhere), not the files in them.
"""

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from kifabrik.core.errors import InvalidInput
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets.documents import Passage, SourceFile
from kifabrik.datasets.formats import ARCHIVE_FORMATS, FORMATS, find_suffix
from kifabrik.datasets.readers.packed import require_expansion
from kifabrik.datasets.readers.reading import BrokenStream, Reading, Unreadable, read_at_most

ReadMember = Callable[[Reading, BinaryIO], Iterator[Passage]]
_STREAMED = frozenset({"jsonl", "csv", "tsv", "tar"})  # all other members are held whole while they are read
_ROOM_BYTES = 1024**2
_UNPACK = "Unpack the archive and name the folder."
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class _Member:
    """One entry of an archive; `reason` says why it is not read."""

    number: int
    name: str
    size_bytes: int
    reason: str
    open: Callable[[], object]


@dataclass(slots=True)
class _Spent:
    """What was unpacked of an archive so far, against its size."""

    reading: Reading
    unpacked_bytes: int = 0
    is_over: bool = False

    def add(self, size_bytes: int) -> None:
        """Count unpacked bytes; raises BrokenStream when they are more than the archive can honestly hold."""
        self.unpacked_bytes += size_bytes
        try:
            require_expansion(self.unpacked_bytes, self.reading.file.size_bytes, self.reading.limits)
        except BrokenStream:
            self.is_over = True
            raise


def read_zip(reading: Reading, stream: BinaryIO, read_member: ReadMember) -> Iterator[Passage]:
    """Give the passages of the members of a zip file, in the order of its directory."""
    try:
        archive = zipfile.ZipFile(stream)
    except _DAMAGED as error:
        raise Unreadable("not a zip file, or its directory is damaged") from error
    with archive:
        yield from _read_members(reading, stream, _list_zip(archive), read_member)


def read_tar(reading: Reading, stream: BinaryIO, raw: BinaryIO, read_member: ReadMember) -> Iterator[Passage]:
    """Give the passages of the members of a tar file, packed or not, in one go from its beginning to its end."""
    try:
        archive = tarfile.open(fileobj=stream, mode="r|", errorlevel=2)  # noqa: SIM115 # closed below
    except _DAMAGED as error:
        raise Unreadable("not a tar file") from error
    except BrokenStream as error:
        raise Unreadable(error.problem) from error
    with archive:
        yield from _read_members(reading, raw, _list_tar(archive), read_member)


def _list_zip(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for number, each in enumerate(archive.infolist()):
        if not each.is_dir():
            yield _Member(number, each.filename, each.file_size, _judge_zip(each), partial(archive.open, each))


def _judge_zip(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a link; links are not followed"
    if kind not in (0, stat.S_IFREG):
        return "not a regular file"
    return "locked with a password" if info.flag_bits & 1 else ""


def _list_tar(archive: tarfile.TarFile) -> Iterator[_Member]:
    for number, each in enumerate(archive):
        if not each.isdir():
            yield _Member(number, each.name, each.size, _judge_tar(each), partial(archive.extractfile, each))


def _judge_tar(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "a link; links are not followed"
    if not info.isreg() or info.issparse():
        return "not a regular file"
    return ""


def _read_members(
    reading: Reading, raw: BinaryIO, members: Iterator[_Member], read_member: ReadMember
) -> Iterator[Passage]:
    spent, count = _Spent(reading), 0
    while True:
        try:
            member = next(members, None)
        except (*_DAMAGED, BrokenStream) as error:
            problem = error.problem if isinstance(error, BrokenStream) else "the archive is damaged or cut short"
            reading.stop(count + 1, problem, "Copy or pack the archive again.")
            return
        if member is None:
            return
        count += 1
        if count > reading.limits.members_max:
            reading.stop(count, f"it holds more than {reading.limits.members_max} files", _UNPACK)
            return
        if member.number < reading.first_member:
            continue
        inner_place, place = -1, 0
        for passage in _read_one(reading, member, read_member, spent):
            reading.use()
            if passage.bytes_read != inner_place:  # to ask for the place is slow, and a member gives many texts at once
                inner_place, place = passage.bytes_read, min(raw.tell(), reading.file.size_bytes)
            yield passage._replace(bytes_read=place)
        if spent.is_over:
            reading.stop(count, f"it unpacks to more than {reading.limits.expansion_max} times its size", _UNPACK)
            return


def _read_one(reading: Reading, member: _Member, read_member: ReadMember, spent: _Spent) -> Iterator[Passage]:
    name = clean_name(member.name)
    inside = f"{reading.file.name}!{name}"
    file_format = FORMATS.get(find_suffix(name), "")
    file = SourceFile(Path(name), inside, member.size_bytes, file_format)
    inner = Reading(file, reading.limits, reading.skip, reading.depth + 1)
    if reading.begin is not None:
        reading.begin(member.number, inside)
    try:
        _require_readable(member, name, file_format, inner)
        stream = _open_member(inner, member, spent)
        for passage in read_member(inner, stream):
            deeper = f"{name}!{passage.member}" if passage.member else name
            yield passage._replace(member=deeper, format=passage.format or file_format)
    except Unreadable as error:
        _leave_out(reading, inside, str(error))
    except BrokenStream as error:
        _leave_out(reading, inside, error.problem)
    except _DAMAGED as error:
        _leave_out(reading, inside, f"damaged in the archive ({type(error).__name__})")


def _leave_out(reading: Reading, inside: str, reason: str) -> None:
    if reading.skip is None:
        raise InvalidInput(f"{reason}.", where=inside, remedy="Take it out of the archive.")
    reading.skip(inside, reason)


def _require_readable(member: _Member, name: str, file_format: str, inner: Reading) -> None:
    reason = member.reason
    parts = name.split("/")
    if not reason and ("__MACOSX" in parts or any(part.startswith(".") for part in parts)):
        reason = "hidden"
    elif not reason and not file_format:
        reason = f"format {find_suffix(parts[-1]) or 'without suffix'} is not read"
    elif not reason and file_format in ARCHIVE_FORMATS and inner.depth > inner.limits.archive_depth_max:
        reason = f"an archive more than {inner.limits.archive_depth_max} archives deep"
    elif not reason and member.size_bytes == 0:
        reason = "empty"
    if reason:
        raise Unreadable(reason)


def _open_member(inner: Reading, member: _Member, spent: _Spent) -> BinaryIO:
    stream = member.open()
    if stream is None:
        raise Unreadable("not a regular file")
    counted = io.BufferedReader(_Counted(cast(BinaryIO, stream), spent), min(_ROOM_BYTES, member.size_bytes + 1))
    if inner.file.format in _STREAMED:
        return cast(BinaryIO, counted)
    limit = inner.limits.packed_file_bytes_max
    data = read_at_most(cast(BinaryIO, counted), limit, member.size_bytes)
    if len(data) > limit:
        raise Unreadable(f"larger than {format_bytes(limit)}; unpack the archive to have it read")
    inner.file = SourceFile(inner.file.path, inner.file.name, len(data), inner.file.format)
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, io.BytesIO(data))))


class _Counted(io.RawIOBase):
    """A member's bytes, counted as they come."""

    def __init__(self, stream: BinaryIO, spent: _Spent) -> None:
        self._stream, self._spent, self._place = stream, spent, 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        data = self._stream.read(len(view))
        self._spent.add(len(data))
        self._place += len(data)
        view[: len(data)] = data
        return len(data)


def clean_name(name: str) -> str:
    """Give a member's name as a path inside its archive: no drive, no root, no way up, nothing unprintable."""
    parts = name.replace("\\", "/").encode("utf-8", "backslashreplace").decode().split("/")
    kept = [part for part in parts if part not in ("", ".", "..")]
    shown = "/".join(kept) or "unnamed"
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in shown)
