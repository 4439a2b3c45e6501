"""The store of files by content: bytes stream in with their digest checked and lie whole or not at all.

Knows holdings, not what a file means; `queries.files` says who may read one.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.digests import PATTERN
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.files import explain_disk_errors, fsync_folder
from kifabrik.core.quantities import format_bytes
from kifabrik.portal.compute.models import FileHolding, Site, StoredFile
from kifabrik.portal.compute.queries import files as reads
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access

PIECE_BYTES = 1 << 20
_ABANDONED_AFTER_SECONDS = 86_400


class ByteSource(Protocol):
    """What bytes come from: a request, a file."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, nothing at the end."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a folder, by content."""

    path: str
    digest: str
    size_bytes: int


def store_for_organisation(
    *,
    by: User,
    organisation: Organisation,
    digest: str,
    source: ByteSource,
    size_bytes: int | None = None,
    now: datetime,
) -> StoredFile:
    """Keep a file for an organisation; the same bytes again are the same file.

    Raises Refused without the right to bring data or start runs, InvalidInput for a wrong digest or size, Unavailable
    for a full disk. The bytes are read even if they are stored already: who sends them shows that they have them.
    """
    if not access.may(by, Permission.RUN_WRITE, organisation=organisation):
        access.require(by, Permission.DATASET_WRITE, organisation=organisation)
    size_bytes = _receive(digest=digest, source=source, announced_bytes=size_bytes)
    with transaction.atomic():
        file = _note(digest, size_bytes, now=now)
        FileHolding.objects.get_or_create(file=file, organisation=organisation, defaults={"since_at": now})
    return file


def store_for_site(
    *, site: Site, digest: str, source: ByteSource, size_bytes: int | None = None, now: datetime
) -> StoredFile:
    """Keep a file that the agent of a site brings; the run's organisation holds it once the agent reports outputs."""
    size_bytes = _receive(digest=digest, source=source, announced_bytes=size_bytes)
    with transaction.atomic():
        file = _note(digest, size_bytes, now=now)
        FileHolding.objects.get_or_create(file=file, site=site, defaults={"since_at": now})
    return file


def hand_over(*, site: Site, organisation: Organisation, entries: Sequence[FileEntry], now: datetime) -> None:
    """Let an organisation hold files that a site brought; call inside the transaction of the report.

    Raises InvalidInput that names the first file which neither of them holds, or whose size is another.
    """
    digests = [entry.digest for entry in entries]
    held = reads.held_by(organisation, digests)
    known = reads.held_by_site(site.pk, digests) | held
    for entry in entries:
        _require_same(entry, known)
    for digest in sorted(set(digests) - held.keys()):
        FileHolding.objects.get_or_create(file_id=digest, organisation=organisation, defaults={"since_at": now})


def require_held(*, organisation: Organisation, entries: Sequence[FileEntry]) -> None:
    """Raise InvalidInput that names the first file which the organisation does not hold, or whose size is another."""
    known = reads.held_by(organisation, [entry.digest for entry in entries])
    for entry in entries:
        _require_same(entry, known)


def open_stored(digest: str) -> BinaryIO:
    """Open stored bytes; the caller has checked who may read them. Raises NotFound."""
    try:
        return reads.path_of(digest).open("rb")
    except FileNotFoundError as error:
        raise NotFound(_("There is no such file."), where=digest) from error


def read_entries(rows: Sequence[object]) -> tuple[FileEntry, ...]:
    """Read a listing `[{path, digest, size_bytes}]`; raises InvalidInput for unsafe or doubled names."""
    entries = tuple(_read_entry(row) for row in rows)
    seen: set[str] = set()
    for entry in entries:
        if entry.path in seen:
            raise InvalidInput(_("The listing names a file twice."), where=entry.path[:200])
        seen.add(entry.path)
    return entries


def _read_entry(row: object) -> FileEntry:
    if not isinstance(row, dict):
        raise InvalidInput(_("The listing holds something that is no file."), where="files")
    path, digest, size_bytes = row.get("path"), row.get("digest"), row.get("size_bytes")
    if not isinstance(path, str) or not _is_safe(path):
        raise InvalidInput(
            _("The listing holds an unsafe name."),
            where=str(path)[:200],
            remedy=_("Names are relative, with /, without .. and at most 500 characters."),
        )
    if not isinstance(digest, str) or not PATTERN.match(digest):
        raise InvalidInput(_("The listing holds a file without a digest."), where=path)
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or size_bytes < 0:
        raise InvalidInput(_("The listing holds a file without a size."), where=path)
    return FileEntry(path, digest, size_bytes)


def _is_safe(path: str) -> bool:
    steps = PurePosixPath(path)
    plain = path == steps.as_posix() and not steps.is_absolute() and ".." not in steps.parts
    return plain and path.isprintable() and "\\" not in path and path != "." and len(path) <= 500


def _require_same(entry: FileEntry, known: dict[str, int]) -> None:
    if entry.digest not in known or not reads.path_of(entry.digest).is_file():
        raise InvalidInput(
            _("The file is not in the store."),
            where=entry.path,
            remedy=_("Send it first: PUT /api/v1/files/%(digest)s.") % {"digest": entry.digest},
        )
    if known[entry.digest] != entry.size_bytes:
        raise InvalidInput(_("The stored file has another size than the listing says."), where=entry.path)


def _receive(*, digest: str, source: ByteSource, announced_bytes: int | None) -> int:
    """Bring bytes into their place, whole or not at all; returns how many there were."""
    place = reads.path_of(digest)
    if announced_bytes is not None:
        _require_small(announced_bytes)
    with explain_disk_errors(place), _incoming() as stream:
        measured, size_bytes = _copy(source, stream)
        if measured != digest:
            raise InvalidInput(
                _("The bytes that arrived have the digest %(measured)s.") % {"measured": measured},
                where=digest,
                remedy=_("The file changed or the transfer broke off: send it again."),
                code="wrong-digest",
            )
        if announced_bytes is not None and announced_bytes != size_bytes:
            raise InvalidInput(_("The transfer broke off."), where=digest, remedy=_("Send the file again."))
        stream.flush()
        os.fsync(stream.fileno())
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(stream.name, f"{stream.name}.whole")
        Path(f"{stream.name}.whole").replace(place)
        fsync_folder(place.parent)
    return size_bytes


def _copy(source: ByteSource, stream: BinaryIO) -> tuple[str, int]:
    sha, size_bytes = hashlib.sha256(), 0
    while piece := source.read(PIECE_BYTES):
        size_bytes += len(piece)
        _require_small(size_bytes)
        sha.update(piece)
        stream.write(piece)
    return "sha256:" + sha.hexdigest(), size_bytes


@contextmanager
def _incoming() -> Iterator[BinaryIO]:
    """Open a file that vanishes with its block; what a killed server left is swept after a day."""
    folder = Path(settings.STORE) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                old.unlink()
    with tempfile.NamedTemporaryFile(dir=folder) as stream:
        yield stream  # type: ignore[misc]  # a named temporary file is a binary stream


def _require_small(size_bytes: int) -> None:
    limit: int = settings.FILE_BYTES_MAX
    if size_bytes > limit:
        raise InvalidInput(
            _("The file is larger than %(limit)s.") % {"limit": format_bytes(limit)},
            where="size",
            remedy=_("Split it, or ask the operator to raise KIFABRIK_FILE_BYTES_MAX."),
            code="too-large",
        )


def _note(digest: str, size_bytes: int, *, now: datetime) -> StoredFile:
    file, _made = StoredFile.objects.get_or_create(digest=digest, defaults={"size_bytes": size_bytes, "stored_at": now})
    return file
