"""Datasets for programs: list and read cards, register a version, accept a finding."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import ValidationError

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.portal.catalogue.api.doors import person, viewer, visitors_too
from kifabrik.portal.catalogue.models import Dataset, DatasetVersion
from kifabrik.portal.catalogue.queries import datasets
from kifabrik.portal.catalogue.queries.viewers import is_inside
from kifabrik.portal.catalogue.services import datasets as services
from kifabrik.portal.compute.services.files import read_entries
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope
from kifabrik.portal.people.queries.access import organisations_of
from kifabrik.records import DatasetCard
from kifabrik.records.base import first_fault

router = Router()


class DatasetOut(Schema):
    """A dataset with its newest version in short."""

    id: str
    organisation: str
    organisation_name: str
    name: str
    is_public: bool
    versions: int
    newest_version: str | None
    newest_digest: str | None
    open_findings: int


class AcceptanceOut(Schema):
    """A finding that a named person answers for."""

    code: str
    where: str
    reason: str
    by: str
    at: datetime


class VersionOut(Schema):
    """One version of a dataset with its card; the files are named to people inside the organisation only."""

    id: str
    dataset: str
    number: int
    digest: str
    registered_at: datetime
    card: dict[str, Any]
    files: list[dict[str, Any]]
    acceptances: list[AcceptanceOut]
    open_findings: list[dict[str, str]]


class DatasetPage(Schema):
    """A dataset with all its versions, newest first."""

    id: str
    organisation: str
    organisation_name: str
    name: str
    is_public: bool
    versions: list[VersionOut]


class DatasetIn(Schema):
    """A checked dataset folder whose files are in the store already."""

    organisation: str
    name: str
    card: dict[str, Any]
    files: list[dict[str, Any]]


class AcceptIn(Schema):
    """Which finding is accepted, and why."""

    code: str
    where: str = ""
    reason: str


@router.get("/datasets", response=listing(DatasetOut), auth=visitors_too)
def list_all(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the datasets whose cards the caller may read; visitors see public cards."""
    return answer_page(cut_page(datasets.list_datasets(viewer(request)), number=page, size=size), _row)


@router.get("/datasets/{dataset_id}", response=DatasetPage, auth=visitors_too)
def read(request: HttpRequest, dataset_id: str) -> object:
    """Read a dataset with the cards of its versions."""
    dataset = datasets.get_dataset(viewer(request), dataset_id)
    inside = is_inside(viewer(request), dataset.organisation)
    return {
        "id": dataset.pk,
        "organisation": dataset.organisation_id,
        "organisation_name": dataset.organisation.legal_name,
        "name": dataset.name,
        "is_public": dataset.is_public,
        "versions": [_version(version, inside=inside) for version in datasets.list_versions(dataset)],
    }


@router.post("/datasets", response={201: VersionOut}, auth=signed_in(Scope.WRITE))
def register(request: HttpRequest, body: DatasetIn) -> object:
    """Register a dataset folder; the same digest again answers with the version that is there."""
    by = person(request)
    organisation = organisations_of(by).filter(pk=body.organisation).first()
    if organisation is None:
        raise NotFound(_("There is no such organisation among yours."), where="organisation")
    version = services.register(
        by=by,
        organisation=organisation,
        name=body.name,
        card=_read_card(body.card),
        files=read_entries(body.files),
        now=timezone.now(),
    )
    return Status(201, _version(version, inside=True))


@router.post("/dataset-versions/{version_id}/accept", response={201: AcceptanceOut}, auth=signed_in(Scope.WRITE))
def accept_finding(request: HttpRequest, version_id: str, body: AcceptIn) -> object:
    """Answer for a serious finding with a reason."""
    version = datasets.get_version(person(request), version_id)
    acceptance = services.accept_finding(
        by=person(request), version=version, code=body.code, where=body.where, reason=body.reason, now=timezone.now()
    )
    return Status(201, _acceptance(acceptance))


def _read_card(value: dict[str, Any]) -> DatasetCard:
    try:
        return DatasetCard.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(first_fault(error), where="card") from error


def _row(dataset: Dataset) -> dict[str, object]:
    summary = datasets.summarise(dataset)
    return {
        "id": dataset.pk,
        "organisation": dataset.organisation_id,
        "organisation_name": dataset.organisation.legal_name,
        "name": dataset.name,
        "is_public": dataset.is_public,
        "versions": dataset.version_count,  # type: ignore[attr-defined]  # annotated by list_datasets
        "newest_version": summary.version.pk if summary else None,
        "newest_digest": summary.version.digest if summary else None,
        "open_findings": summary.open_findings if summary else 0,
    }


def _version(version: DatasetVersion, *, inside: bool) -> dict[str, object]:
    return {
        "id": version.pk,
        "dataset": version.dataset_id,
        "number": version.number,
        "digest": version.digest,
        "registered_at": version.registered_at,
        "card": version.card,
        "files": version.files if inside else [],
        "acceptances": [_acceptance(row) for row in version.acceptances.all()] if inside else [],
        "open_findings": [finding.as_dict() for finding in datasets.open_findings(version)],
    }


def _acceptance(row: Any) -> dict[str, object]:
    return {"code": row.code, "where": row.where, "reason": row.reason, "by": row.by.name, "at": row.at}
