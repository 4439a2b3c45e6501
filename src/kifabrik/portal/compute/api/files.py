"""Files by content for programs: bring one, ask whether it is there, fetch it. Bytes are streamed both ways."""

import re

from django.http import FileResponse, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.portal.compute.api.doors import PersonOrSite, is_site, principal_of
from kifabrik.portal.compute.api.schemas.files import FileOut
from kifabrik.portal.compute.models import StoredFile
from kifabrik.portal.compute.queries.files import get_for_person, get_for_site
from kifabrik.portal.compute.queries.sites import get_agent_site
from kifabrik.portal.compute.services import files as services
from kifabrik.portal.people.authentication import Principal
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.permissions import Scope
from kifabrik.portal.people.queries.access import organisations_of

router = Router()
_RANGE = re.compile(r"^bytes=(\d+)-$")


@router.put("/files/{digest}", response=FileOut, auth=PersonOrSite(Scope.WRITE))
def bring(request: HttpRequest, digest: str, organisation: str = "") -> FileOut:
    """Keep the bytes of the request under their digest; `organisation` may be left out by members of just one."""
    principal, now = principal_of(request), timezone.now()
    announced = request.headers.get("Content-Length", "")
    size_bytes = int(announced) if announced.isdigit() else None
    source = _Body(request)
    if is_site(principal):
        file = services.store_for_site(
            site=get_agent_site(principal.site_code), digest=digest, source=source, size_bytes=size_bytes, now=now
        )
    else:
        file = services.store_for_organisation(
            by=principal.user,
            organisation=_choose_organisation(principal, organisation),
            digest=digest,
            source=source,
            size_bytes=size_bytes,
            now=now,
        )
    return FileOut(digest=file.digest, size_bytes=file.size_bytes)


@router.api_operation(["GET", "HEAD"], "/files/{digest}", auth=PersonOrSite(Scope.READ), url_name="stored-file")
def fetch(request: HttpRequest, digest: str, organisation: str = "") -> HttpResponseBase:
    """Send the bytes of a digest, from a byte on if asked with `Range: bytes=N-`; HEAD sends none."""
    try:
        file = _find(principal_of(request), digest, organisation)
    except NotFound:
        if request.method == "HEAD":  # an answer to HEAD has no body, not even problem details
            return HttpResponse(status=404)
        raise
    wished = _RANGE.match(request.headers.get("Range", ""))
    offset_bytes = int(wished[1]) if wished else 0
    if wished and offset_bytes >= file.size_bytes:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size_bytes}"})
    headers = {
        "ETag": f'"{digest}"',
        "Content-Length": str(file.size_bytes - offset_bytes),
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment",
        "Accept-Ranges": "bytes",
    }
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    if wished:
        headers["Content-Range"] = f"bytes {offset_bytes}-{file.size_bytes - 1}/{file.size_bytes}"
    stream = services.open_stored(digest)
    stream.seek(offset_bytes)
    response = FileResponse(stream, as_attachment=True, status=206 if wished else 200, headers=headers)
    response.block_size = services.PIECE_BYTES
    return response


class _Body:
    """The body of a request as bytes that arrive piece by piece."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def read(self, size: int, /) -> bytes:
        try:
            return self._request.read(size)
        except UnreadablePostError as error:
            raise InvalidInput(_("The transfer broke off."), remedy=_("Send the file again.")) from error


def _find(principal: Principal, digest: str, organisation: str) -> StoredFile:
    if is_site(principal):
        return get_for_site(principal.site_code, digest)
    return get_for_person(principal.user, digest, organisation_id=organisation)


def _choose_organisation(principal: Principal, wished: str) -> Organisation:
    own = organisations_of(principal.user)
    if wished:
        chosen = own.filter(pk=wished).first()
        if chosen is None:
            raise NotFound(_("There is no such organisation."), where=wished)
        return chosen
    several = list(own[:2])
    if len(several) != 1:
        raise InvalidInput(
            _("Say for which organisation the file is kept."),
            where="organisation",
            remedy=_("Add ?organisation= and its identifier to the address."),
        )
    return several[0]
