"""The hidden work folder beside a dataset folder: one owner at a time, parts whole or not at all. Knows no content.

`.OUT.parts/` holds `plan.json`, `tasks.jsonl`, `parts/NNNNN/` and, near the end, `folder/`, which becomes OUT.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.files import explain_disk_errors, fsync_folder

_TRIES_MAX = 10
_DONE = "done"
_SUFFIX = ".parts"


def place_beside(out: Path) -> Path:
    """Name the work folder of a dataset folder."""
    return out.parent / f".{out.name}{_SUFFIX}"


def out_of(place: Path) -> Path:
    """Name the dataset folder of a work folder; raises InvalidInput for a folder that is none."""
    name = place.absolute().name
    if not name.startswith(".") or not name.endswith(_SUFFIX):
        raise InvalidInput(
            "is no work folder of a check.", where=str(place), remedy=f"Name the folder .NAME{_SUFFIX} beside it."
        )
    return place.absolute().parent / name[1 : -len(_SUFFIX)]


def part_folder(place: Path, number: int) -> Path:
    """Name the folder of a part."""
    return place / "parts" / f"{number:05d}"


@contextmanager
def owning(out: Path) -> Iterator[Path]:
    """Make the work folder and hold it alone; raises Conflict while another check of the same folder works.

    The folder stays afterwards: whoever holds it decides when it goes.
    """
    place = place_beside(out)
    with explain_disk_errors(out):
        place.mkdir(parents=True, exist_ok=True)
        handle = _lock(place)
    try:
        yield place
    finally:
        os.close(handle)


def _lock(place: Path) -> int:
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Conflict(
            "another check makes this dataset folder now.",
            where=str(place),
            remedy="Wait until it ends, or choose another folder.",
        ) from None
    return handle


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Give a folder to write in that gets its name at the end, or goes away; an older one of that name is replaced."""
    with explain_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield draft
            _sync_files(draft)
            _put(draft, target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        fsync_folder(target.parent)


def _put(draft: Path, target: Path) -> None:
    """Rename over an older folder; a worker whose keeper was killed may put the same part there at this moment."""
    for _ in range(_TRIES_MAX):
        shutil.rmtree(target, ignore_errors=True)
        try:
            draft.rename(target)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        else:
            return
    raise Conflict("another process writes the same part again and again.", where=str(target))


def _sync_files(folder: Path) -> None:
    for path in folder.iterdir():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    fsync_folder(folder)


def clear_drafts(place: Path, *, parts: int) -> None:
    """Remove what killed workers left half written, and parts of a longer plan; only the owner may do this."""
    for draft in place.glob("parts/.*"):
        shutil.rmtree(draft, ignore_errors=True)
    for folder in place.glob("parts/[0-9]*"):
        if int(folder.name) >= parts:
            shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, out: Path, *, place: Path) -> None:
    """Give a folder inside the work folder its final place, in one step."""
    with explain_disk_errors(out):
        _sync_files(folder)
        folder.chmod(0o755)
        (place / _DONE).touch()
        folder.rename(out)
        fsync_folder(out.parent)


def clear_finished(out: Path) -> None:
    """Remove the work folder of a check that was killed after its dataset folder stood in its place."""
    place = place_beside(out)
    if (place / _DONE).exists() and out.exists():
        with owning(out):
            shutil.rmtree(place, ignore_errors=True)


def count_parts(place: Path) -> int:
    """Count the parts that are finished."""
    return sum(1 for _ in place.glob("parts/[0-9]*"))


def remove(place: Path) -> None:
    """Remove the work folder and all in it."""
    shutil.rmtree(place, ignore_errors=True)
