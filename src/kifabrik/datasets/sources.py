"""Finds the files of a dataset below the paths a person names. Knows names and sizes, not what is inside a file.

Links inside a folder are never followed: what they point to inside the folder is read in its own place, and what lies
outside does not belong to the dataset.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets.documents import Limits, SourceFile
from kifabrik.datasets.folder import CARD_NAME, read_card
from kifabrik.datasets.formats import FORMATS, READABLE, find_suffix
from kifabrik.records.dataset_card import SkippedFile

__all__ = ["READABLE", "Selection", "SourceFile", "find_files"]

_BESIDE = "it belongs to a dataset folder, of which only the shards are read"


@dataclass(frozen=True, slots=True)
class Selection:
    """The files to read, in the order of their names, and those that will not be read."""

    files: tuple[SourceFile, ...]
    skipped: tuple[SkippedFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def find_files(paths: Sequence[Path], *, limits: Limits) -> Selection:
    """List what can be read below files and folders; raises NotFound for a path that is not there, InvalidInput for
    nothing to read or more than `limits.files_max` files."""
    base = _find_base(paths)
    files: dict[str, SourceFile] = {}
    skipped: dict[str, SkippedFile] = {}
    for path in paths:
        for found, beside in _list_files(path):
            name = _show(found, base)
            reason, size_bytes = (beside, 0) if beside else _judge(found, is_named=found is path)
            if reason:
                skipped[name] = SkippedFile(path=name, reason=reason)
            else:
                files[name] = SourceFile(found, name, size_bytes, FORMATS[find_suffix(found.name)])
            if len(files) + len(skipped) > limits.files_max:
                raise InvalidInput(
                    f"holds more than {limits.files_max} files.",
                    where=str(path),
                    remedy="Put the texts into JSONL or Parquet files, many to a file.",
                )
    ordered = tuple(sorted(files.values(), key=lambda file: file.name))
    return Selection(ordered, tuple(sorted(skipped.values(), key=lambda file: file.path)))


def _find_base(paths: Sequence[Path]) -> Path:
    if not paths:
        raise InvalidInput("no file or folder was named.", remedy="Name at least one. " + READABLE)
    for path in paths:
        if not path.exists():
            raise NotFound("there is no such file or folder.", where=str(path), remedy="Check the path.")
    absolute = [path.absolute() for path in paths]
    base = Path(os.path.commonpath(absolute))
    return base.parent if base in absolute and base.is_file() else base


def _list_files(path: Path) -> Iterator[tuple[Path, str]]:
    """Give the files below a path, and why one is no text: a dataset folder holds papers beside its shards."""
    if not path.is_dir():
        yield path, ""
        return
    for folder, folders, names in os.walk(path, onerror=_explain_listing):
        inside = Path(folder)
        left_out = [name for name in folders if name.startswith(".") or (inside / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in left_out and name != "__pycache__")
        shards = _list_shards(inside) if CARD_NAME in names else None
        for name in sorted([*names, *left_out]):
            yield inside / name, _BESIDE if shards is not None and name not in shards else ""


def _list_shards(folder: Path) -> frozenset[str] | None:
    """Name the shards of a dataset folder; None for a folder whose card is none of ours."""
    try:
        return frozenset(shard.path for shard in read_card(folder).shards)
    except InvalidInput:
        return None


def _explain_listing(error: OSError) -> None:
    raise InvalidInput(
        "the folder cannot be listed.", where=str(error.filename), remedy="Give yourself the right to read it."
    ) from error


def _judge(path: Path, *, is_named: bool) -> tuple[str, int]:
    """Say why a file is not read, or an empty reason and its size."""
    status = path.stat() if is_named else path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "a link; links are not followed", 0
    if path.name.startswith(".") and not is_named:
        return "hidden", 0
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file", 0
    suffix = find_suffix(path.name)
    if suffix not in FORMATS:
        return f"format {suffix or 'without suffix'} is not read", 0
    if status.st_size == 0:
        return "empty", 0
    return "", status.st_size


def _show(path: Path, base: Path) -> str:
    name = path.absolute().relative_to(base).as_posix()
    return name.encode("utf-8", "backslashreplace").decode()  # a file name need not be UTF-8; a record must
