"""Releases for programs: propose, read, judge, waive, publish, revoke, download."""

from datetime import date, datetime
from typing import Any

from django.http import FileResponse, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status

from kifabrik.portal.catalogue.api.doors import person, viewer, visitors_too
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.catalogue.queries import downloads, gates, releases
from kifabrik.portal.catalogue.services import publication
from kifabrik.portal.catalogue.services import releases as services
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope

router = Router()
_write = signed_in(Scope.WRITE)


class ReleaseOut(Schema):
    """A release in a list."""

    id: str
    model: str
    number: int
    organisation: str
    state: str
    is_public: bool
    run: str
    created_at: datetime
    released_at: datetime | None
    revoked_at: datetime | None
    revoked_reason: str
    key_id: str


class GateTestOut(Schema):
    """One test of the gate; `state` is green, red, not-run or waived."""

    test: str
    title: str
    state: str
    reason: str
    may_be_waived: bool
    waived_by: str
    waived_until: date | None


class ReleasePage(ReleaseOut):
    """A release with its gate as it stands today."""

    gate: str
    tests: list[GateTestOut]


class FileOut(Schema):
    """One file of a release; an empty digest means that the signature, not the passport, covers it."""

    path: str
    size_bytes: int
    digest: str


class FilesOut(Schema):
    """The files of a release; a release has few, so they come on one page."""

    items: list[FileOut]
    total: int
    page: int = 1
    pages: int = 1


class CandidateIn(Schema):
    """From which run, under which name."""

    run: str
    model_name: str
    summary: str = ""


class WaiveIn(Schema):
    """Which test, why, and until when."""

    test: str
    reason: str
    expires_on: date


class PublishIn(Schema):
    """Who may see the release."""

    is_public: bool = False


class RevokeIn(Schema):
    """What people who use the model must know."""

    reason: str


@router.get("/releases", response=listing(ReleaseOut), auth=visitors_too)
def list_all(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the releases the caller may see, newest first; visitors see public ones."""
    return answer_page(cut_page(releases.list_releases(viewer(request)), number=page, size=size), _row)


@router.post("/releases", response={201: ReleasePage}, auth=_write)
def propose(request: HttpRequest, body: CandidateIn) -> object:
    """Make a candidate from a succeeded run; the same run again answers with its release."""
    run = releases.get_run(person(request), body.run)
    release = services.create_candidate(
        by=person(request), run=run, model_name=body.model_name, summary=body.summary, now=timezone.now()
    )
    return Status(201, _whole(request, release.pk))


@router.get("/releases/{release_id}", response=ReleasePage, auth=visitors_too)
def read(request: HttpRequest, release_id: str) -> object:
    """Read a release with its gate."""
    return _whole(request, release_id)


@router.get("/releases/{release_id}/passport", response=dict[str, Any], auth=visitors_too)
def read_passport(request: HttpRequest, release_id: str) -> object:
    """Read the signed passport."""
    return releases.read_passport(releases.get_release(viewer(request), release_id)).model_dump(mode="json")


@router.get("/releases/{release_id}/files", response=FilesOut, auth=visitors_too)
def list_files(request: HttpRequest, release_id: str) -> object:
    """List the files of a published release."""
    files = downloads.list_files(releases.get_release(viewer(request), release_id))
    rows = [{"path": file.path, "size_bytes": file.size_bytes, "digest": file.digest} for file in files]
    return {"items": rows, "total": len(rows)}


@router.get("/releases/{release_id}/files/{path:path}", auth=visitors_too)
def download(request: HttpRequest, release_id: str, path: str) -> FileResponse:
    """Stream one file of a published release."""
    file = downloads.find_file(releases.get_release(viewer(request), release_id), path)
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=file.name, content_type="application/octet-stream"
    )


@router.post("/releases/{release_id}/waive", response={201: ReleasePage}, auth=_write)
def waive(request: HttpRequest, release_id: str, body: WaiveIn) -> object:
    """Answer for a red or missing test."""
    release = releases.get_release(person(request), release_id)
    services.waive(
        by=person(request),
        release=release,
        test=body.test,
        reason=body.reason,
        expires_on=body.expires_on,
        now=timezone.now(),
    )
    return Status(201, _whole(request, release_id))


@router.post("/releases/{release_id}/publish", response=ReleasePage, auth=_write)
def publish(request: HttpRequest, release_id: str, body: PublishIn) -> object:
    """Assemble the passport, sign and publish; calling it again after a broken connection is safe."""
    release = releases.get_release(person(request), release_id)
    publication.publish(by=person(request), release=release, is_public=body.is_public, now=timezone.now())
    return _whole(request, release_id)


@router.post("/releases/{release_id}/revoke", response=ReleasePage, auth=_write)
def revoke(request: HttpRequest, release_id: str, body: RevokeIn) -> object:
    """Withdraw a release."""
    release = releases.get_release(person(request), release_id)
    services.revoke(by=person(request), release=release, reason=body.reason, now=timezone.now())
    return _whole(request, release_id)


def _whole(request: HttpRequest, release_id: str) -> dict[str, object]:
    release = releases.get_release(viewer(request), release_id)
    gate = gates.read_gate(release, today=timezone.now().date())
    return {**_row(release), "gate": str(gate.record.verdict), "tests": [_test(row) for row in gate.rows]}


def _row(release: Release) -> dict[str, object]:
    return {
        "id": release.pk,
        "model": release.model.name,
        "number": release.number,
        "organisation": release.model.organisation.legal_name,
        "state": release.state,
        "is_public": release.is_public,
        "run": release.run_id,
        "created_at": release.created_at,
        "released_at": release.released_at,
        "revoked_at": release.revoked_at,
        "revoked_reason": release.revoked_reason,
        "key_id": release.key_id,
    }


def _test(row: gates.GateRow) -> dict[str, object]:
    return {
        "test": row.test,
        "title": row.title,
        "state": row.state,
        "reason": row.result.reason if row.result else "",
        "may_be_waived": row.may_be_waived,
        "waived_by": row.waiver.by.name if row.waiver else "",
        "waived_until": row.waiver.expires_on if row.waiver else None,
    }
