"""Reads stored files on the way into a dataset or a release, and trusts no byte without its digest."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from kifabrik.core.errors import InvalidInput
from kifabrik.core.files import explain_disk_errors
from kifabrik.portal.compute.services.files import PIECE_BYTES, FileEntry, open_stored

SMALL_BYTES_MAX = 32 * 1024 * 1024


def require_unchanged(file: FileEntry) -> None:
    """Read the stored bytes once more; raises InvalidInput that names the file if they are not what they were."""
    with open_stored(file.digest) as stream:
        _require_digest(file, _pump(stream, None))


def copy_out(file: FileEntry, target: Path) -> None:
    """Copy stored bytes to a new file; raises InvalidInput that names the file if they are not what they were."""
    with explain_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_stored(file.digest) as stream, target.open("xb") as copy:
            measured = _pump(stream, copy)
            copy.flush()
            os.fsync(copy.fileno())
    _require_digest(file, measured)


def read_small(digest: str) -> bytes:
    """Read a small stored file, such as a card; raises InvalidInput above 32 MiB."""
    with open_stored(digest) as stream:
        data = stream.read(SMALL_BYTES_MAX + 1)
    if len(data) > SMALL_BYTES_MAX:
        raise InvalidInput(_("The file is larger than 32 MiB."), where=digest)
    return data


def _pump(stream: BinaryIO, copy: BinaryIO | None) -> tuple[str, int]:
    sha, size_bytes = hashlib.sha256(), 0
    while piece := stream.read(PIECE_BYTES):
        sha.update(piece)
        size_bytes += len(piece)
        if copy is not None:
            copy.write(piece)
    return "sha256:" + sha.hexdigest(), size_bytes


def _require_digest(file: FileEntry, measured: tuple[str, int]) -> None:
    if measured != (file.digest, file.size_bytes):
        raise InvalidInput(
            _("The stored file has changed on the disk of the portal."),
            where=file.path,
            remedy=_("Send the file again: its right bytes replace the wrong ones."),
            code="changed-byte",
        )
