"""Where release folders stand: built aside, put in place by one rename, taken away by one rename. Knows no table rule.

Below the folder of releases stand `<model>/<number>`; names with a leading dot are ours and never served.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict
from kifabrik.core.files import explain_disk_errors, fsync_folder
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.catalogue.queries.downloads import folder_of


@contextmanager
def exclusive(release: Release) -> Iterator[None]:
    """Hold the release for one publisher; the kernel lets go when the process dies. Raises Conflict for the second."""
    path = Path(settings.RELEASES) / ".locks" / release.pk
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                _("This release is being published right now."), remedy=_("Wait until that has ended.")
            ) from error
        yield
    finally:
        os.close(handle)


def clear_workplace(release: Release) -> Path:
    """Give an empty folder to build in, on the same disk; what a killed publisher left there is removed."""
    workplace = Path(settings.RELEASES) / ".staging" / release.pk
    with explain_disk_errors(workplace):
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir(parents=True)
    return workplace


def remove_workplace(release: Release) -> None:
    """Remove the folder in which a release was built."""
    shutil.rmtree(Path(settings.RELEASES) / ".staging" / release.pk, ignore_errors=True)


def put_in_place(built: Path, release: Release) -> Path:
    """Move a whole, signed folder to its place in one step that survives a power cut."""
    target = folder_of(release)
    with explain_disk_errors(target):
        _fsync_tree(built)
        target.parent.mkdir(parents=True, exist_ok=True)
        built.rename(target)
        fsync_folder(target.parent)
    return target


def discard(release: Release) -> None:
    """Remove a folder in place that no committed release stands for; one rename first, so that no half is served."""
    workplace = clear_workplace(release)
    folder_of(release).rename(workplace / "discarded")
    remove_workplace(release)


def withdraw(release: Release) -> None:
    """Take a revoked release away from where it is served and downloaded; kept aside as evidence."""
    source = folder_of(release)
    target = Path(settings.RELEASES) / ".revoked" / release.model.name / str(release.number)
    if source.exists() and not target.exists():
        with explain_disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)


def _fsync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            fsync_folder(path)
            continue
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    fsync_folder(folder)
