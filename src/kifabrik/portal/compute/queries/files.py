"""Who may read which stored file, and where its bytes lie. Knows holdings and runs, not how bytes come in."""

from collections.abc import Collection
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.digests import PATTERN
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.portal.compute.models import Run, StoredFile
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.queries.access import Viewer, organisations_of
from kifabrik.records.run_state import FINAL


def path_of(digest: str) -> Path:
    """Say where the bytes of a digest lie, or would lie; raises InvalidInput for anything but a digest."""
    if not PATTERN.match(digest):
        raise InvalidInput(
            _("“%(digest)s” is no digest.") % {"digest": digest[:80]},
            where="digest",
            remedy=_("Write sha256: and 64 small hexadecimal digits."),
        )
    name = digest.removeprefix("sha256:")
    return Path(settings.STORE) / "sha256" / name[:2] / name


def held_by(organisation: Organisation | str, digests: Collection[str]) -> dict[str, int]:
    """Of these digests, name those that the organisation holds, each with its size in bytes."""
    rows = StoredFile.objects.filter(digest__in=digests, holdings__organisation=organisation)
    return dict(rows.values_list("digest", "size_bytes"))


def held_by_site(site_code: str, digests: Collection[str]) -> dict[str, int]:
    """Of these digests, name those that a site has brought, each with its size in bytes."""
    rows = StoredFile.objects.filter(digest__in=digests, holdings__site=site_code)
    return dict(rows.values_list("digest", "size_bytes"))


def get_for_person(viewer: Viewer, digest: str, *, organisation_id: str = "") -> StoredFile:
    """Read a file that an organisation of the viewer holds, or that very one; raises NotFound for every other."""
    path_of(digest)
    own = organisations_of(viewer)
    holders = own.filter(pk=organisation_id) if organisation_id else own
    held = StoredFile.objects.filter(digest=digest, holdings__organisation__in=holders).distinct()
    return _found(held.first(), digest)


def get_for_site(site_code: str, digest: str) -> StoredFile:
    """Read a file that a site has brought itself or that an unfinished run of it reads; raises NotFound otherwise."""
    path_of(digest)
    file = StoredFile.objects.filter(digest=digest).first()
    if file is not None and not file.holdings.filter(site=site_code).exists():
        inputs = _unfinished(site_code).values_list("inputs", flat=True)
        if not any(entry["digest"] == digest for listing in inputs for entry in listing):
            file = None
    return _found(file, digest)


def _unfinished(site_code: str) -> QuerySet[Run]:
    return Run.objects.filter(allocation__site=site_code).exclude(state__in=[str(state) for state in FINAL])


def _found(file: StoredFile | None, digest: str) -> StoredFile:
    if file is None or not path_of(digest).is_file():
        raise NotFound(_("There is no such file."), where=digest)
    return file
