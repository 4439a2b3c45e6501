"""Writing that never leaves half a file, and the one sentence for a disk that is full. Knows no format."""

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from kifabrik.core.errors import Unavailable

_FREE = "Free some space and start again; finished steps are kept."
_CHOOSE = "Choose a folder that you may write."
_DISK_ERRORS: Mapping[int | None, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", _FREE),
    errno.EDQUOT: ("the disk quota is used up", _FREE),
    errno.EFBIG: ("the limit on file sizes is reached", "Raise the limit and start again; finished steps are kept."),
    errno.EIO: ("the disk reports an error", "Check the disk, or choose a folder on another one."),
    errno.EROFS: ("the disk is read-only", "Choose a folder that can be written."),
    errno.EACCES: ("permission denied", _CHOOSE),
    errno.EPERM: ("permission denied", _CHOOSE),
    errno.ENOTDIR: ("a part of this path is a file and no folder", "Choose a folder elsewhere."),
    errno.EEXIST: ("a part of this path is a file and no folder", "Choose a folder elsewhere."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
}


@contextmanager
def explain_disk_errors(path: Path) -> Iterator[None]:
    """Turn a full, read-only, forbidden or misnamed place into one sentence that names the path."""
    try:
        yield
    except OSError as error:
        explained = describe_disk_error(error, path)
        if explained is None:
            raise
        raise explained from error


def describe_disk_error(error: OSError, path: Path) -> Unavailable | None:
    """Say why a path could not be written and what to do; None for an error that says nothing about the disk."""
    if error.errno not in _DISK_ERRORS:
        return None
    what, remedy = _DISK_ERRORS[error.errno]
    return Unavailable(f"cannot write: {what}.", where=str(path), remedy=remedy, code="disk")


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all: temporary name, fsync, rename, fsync of the folder."""
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        fsync_folder(path.parent)


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write UTF-8 text whole or not at all."""
    write_bytes(path, text.encode(), mode=mode)


def fsync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_line(path: Path, line: bytes) -> None:
    """Append one line in one write, so that readers see whole lines and a kill tears at most the last one."""
    with explain_disk_errors(path), path.open("ab") as stream:
        stream.write(line.rstrip(b"\n") + b"\n")
        stream.flush()


def read_whole_lines(path: Path, *, offset_bytes: int = 0) -> tuple[list[bytes], int]:
    """Read the complete lines after an offset; a torn last line is left for the next call. Returns lines and offset."""
    if not path.exists():
        return [], offset_bytes
    with path.open("rb") as stream:
        stream.seek(offset_bytes)
        data = stream.read()
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), offset_bytes + end


def cache_folder() -> Path:
    """Name the user's folder for what can be made again; it need not be there, nor writable."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  # no error without a home
    return Path(base) / "kifabrik"
