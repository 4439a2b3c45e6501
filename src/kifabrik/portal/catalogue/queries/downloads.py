"""The files of a published release: which there are, and where each lies. Knows the shelf, no transport."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, NotFound
from kifabrik.passport.keys import PUBLIC_NAME
from kifabrik.portal.catalogue.models import Release


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release folder; the digest is empty for the passport's own files, which the signature covers."""

    path: str
    size_bytes: int
    digest: str


def folder_of(release: Release) -> Path:
    """Name the folder in which a published release stands."""
    return Path(settings.RELEASES) / release.model.name / str(release.number)


def read_public_key() -> bytes:
    """Read the public half of the factory's key in PEM; raises NotFound before the first release."""
    path = Path(settings.KEYS) / PUBLIC_NAME
    if not path.is_file():
        raise NotFound(_("This factory has signed nothing yet, so it has no key."))
    return path.read_bytes()


def list_files(release: Release) -> tuple[ReleaseFile, ...]:
    """List the files of a published release; a candidate has none, a revoked one offers none."""
    folder = folder_of(release)
    if release.state != "released" or not folder.is_dir():
        return ()
    digests: dict[str, str] = (release.passport or {}).get("files", {})
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return tuple(
        ReleaseFile(name, path.stat().st_size, digests.get(name, ""))
        for path in paths
        for name in (path.relative_to(folder).as_posix(),)
    )


def find_file(release: Release, path: str) -> Path:
    """Find one listed file of a published release; raises NotFound for any other name, Conflict for a revoked one."""
    if release.state == "revoked":
        raise Conflict(_("This release is revoked and can no longer be downloaded."), where=release.pk)
    if path not in {file.path for file in list_files(release)}:
        raise NotFound(_("The release has no such file."), where=path[:200])
    return folder_of(release) / path
