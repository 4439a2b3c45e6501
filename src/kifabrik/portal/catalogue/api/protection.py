"""Personal data in datasets for programs: declarations, the sample of findings, requests for erasure, exports."""

from datetime import date, datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from kifabrik.core.errors import NotFound
from kifabrik.passport.data_protection import Processing
from kifabrik.passport.export_format import ExportFormat
from kifabrik.portal.catalogue.api.doors import person, viewer, visitors_too
from kifabrik.portal.catalogue.models import ErasureRequest, ProcessingRecord
from kifabrik.portal.catalogue.queries import datasets, erasure, exports, processing, samples
from kifabrik.portal.catalogue.services import erasure as erasure_services
from kifabrik.portal.catalogue.services import processing as processing_services
from kifabrik.portal.catalogue.services import samples as sample_services
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Permission, Scope
from kifabrik.portal.people.queries import access

router = Router()


class ProcessingIn(Schema):
    """How the personal data in a dataset are processed."""

    role: Literal["none", "controller", "processor", "unknown"] = "unknown"
    legal_basis: str = ""
    purpose: str = ""
    retention_until: date | None = None
    special_categories: Literal["none", "present", "unknown"] = "unknown"
    circumstances: list[str] = []
    assessment: Literal["open", "done", "not-needed"] = "open"
    assessment_note: str = ""


class ProcessingOut(ProcessingIn):
    """A declaration with its author; `points` are what the law asks about it."""

    by: str
    at: datetime
    points: list[dict[str, str]]


class PrecisionOut(Schema):
    """How many sampled findings of a kind were judged, with Wilson's 95 % interval in percent."""

    kind: str
    drawn: int
    judged: int
    right: int
    percent: float | None
    interval: tuple[float, float] | None


class InContextOut(Schema):
    """A sampled finding with the words around it, or none if the stored text does not hold the place."""

    id: int
    document: str
    start: int
    end: int
    tier: int
    country: str
    before: str | None
    here: str | None
    after: str | None


class JudgementIn(Schema):
    """Whether a finding is what the check took it for."""

    is_true: bool


class SearchIn(Schema):
    """A person's values as keyed digests; never the values themselves."""

    organisation: str
    reference: str
    received_on: date
    key_id: str
    digests: list[str]


class DecisionIn(Schema):
    """What the organisation decided."""

    decision: str


class ErasureOut(Schema):
    """A search with what was found and decided."""

    id: str
    organisation: str
    reference: str
    received_on: date
    due_on: date
    key_id: str
    found: dict[str, object]
    decision: str
    decided_by: str
    decided_at: datetime | None


@router.get("/dataset-versions/{version_id}/exports/{form}", auth=visitors_too)
def read_export(request: HttpRequest, version_id: str, form: ExportFormat) -> HttpResponse:
    """Read the card written as Croissant, as a card for the Hub or as the EU public summary."""
    paper = exports.write(datasets.get_version(viewer(request), version_id), form)
    return HttpResponse(paper.text, content_type=f"{paper.media_type}; charset=utf-8")


@router.get("/datasets/{dataset_id}/processing", response=ProcessingOut, auth=signed_in(Scope.READ))
def read_processing(request: HttpRequest, dataset_id: str) -> object:
    """Read the newest declaration about personal data; members of the organisation only."""
    dataset = datasets.get_dataset(person(request), dataset_id)
    access.require(person(request), Permission.DATASET_WRITE, organisation=dataset.organisation)
    records = processing.list_records(dataset)
    if not records:
        raise NotFound(_("Nothing is declared yet."), where=dataset_id)
    return _processing(records[0])


@router.post("/datasets/{dataset_id}/processing", response={201: ProcessingOut}, auth=signed_in(Scope.WRITE))
def declare_processing(request: HttpRequest, dataset_id: str, body: ProcessingIn) -> object:
    """Declare how personal data in a dataset are processed; earlier declarations are kept."""
    dataset = datasets.get_dataset(person(request), dataset_id)
    declared = Processing(**{**body.dict(), "circumstances": frozenset(body.circumstances)})
    record = processing_services.declare(by=person(request), dataset=dataset, processing=declared, now=timezone.now())
    return Status(201, _processing(record))


@router.get("/dataset-versions/{version_id}/sample", response=list[PrecisionOut], auth=signed_in(Scope.READ))
def read_sample(request: HttpRequest, version_id: str) -> object:
    """Read how far the sample of findings is judged."""
    version = datasets.get_version(person(request), version_id)
    sample_services.require_right(person(request), version)
    return [
        {
            "kind": row.kind,
            "drawn": row.drawn,
            "judged": row.judged,
            "right": row.right,
            "percent": row.percent,
            "interval": row.interval,
        }
        for row in samples.precision_of(version)
    ]


@router.post(
    "/dataset-versions/{version_id}/sample/{kind}/look", response=list[InContextOut], auth=signed_in(Scope.WRITE)
)
def look_at_findings(request: HttpRequest, version_id: str, kind: str) -> object:
    """See the next findings of a kind in context; the look is written into the audit log."""
    version = datasets.get_version(person(request), version_id)
    shown = sample_services.look(by=person(request), version=version, kind=kind, now=timezone.now())
    return [
        {
            "id": row.finding.pk,
            "document": row.finding.document,
            "start": row.finding.start,
            "end": row.finding.end,
            "tier": row.finding.tier,
            "country": row.finding.country,
            "before": row.excerpt.before if row.excerpt else None,
            "here": row.excerpt.here if row.excerpt else None,
            "after": row.excerpt.after if row.excerpt else None,
        }
        for row in shown
    ]


@router.post(
    "/dataset-versions/{version_id}/sample/{int:number}/judge", response={204: None}, auth=signed_in(Scope.WRITE)
)
def judge_finding(request: HttpRequest, version_id: str, number: int, body: JudgementIn) -> object:
    """Keep whether a finding is right."""
    finding = samples.get_sampled(datasets.get_version(person(request), version_id), number)
    sample_services.judge(by=person(request), finding=finding, is_true=body.is_true, now=timezone.now())
    return Status(204, None)


@router.get("/erasure-requests", response=listing(ErasureOut), auth=signed_in(Scope.READ))
def list_erasures(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the searches of one's organisations, the newest first."""
    return answer_page(cut_page(erasure.list_requests(person(request)), number=page, size=size), _erasure)


@router.get("/erasure-requests/{request_id}", response=ErasureOut, auth=signed_in(Scope.READ))
def read_erasure(request: HttpRequest, request_id: str) -> object:
    """Read one search."""
    return _erasure(erasure.get_request(person(request), request_id))


@router.post("/erasure-requests", response={201: ErasureOut}, auth=signed_in(Scope.WRITE))
def search_person(request: HttpRequest, body: SearchIn) -> object:
    """Search all datasets of an organisation for a person's values by their keyed digests."""
    organisation = access.organisations_of(person(request)).filter(pk=body.organisation).first()
    if organisation is None:
        raise NotFound(_("There is no such organisation among yours."), where="organisation")
    made = erasure_services.search(
        by=person(request),
        organisation=organisation,
        reference=body.reference,
        received_on=body.received_on,
        key_id=body.key_id,
        digests=body.digests,
        now=timezone.now(),
    )
    return Status(201, _erasure(made))


@router.post("/erasure-requests/{request_id}/decide", response=ErasureOut, auth=signed_in(Scope.WRITE))
def decide_erasure(request: HttpRequest, request_id: str, body: DecisionIn) -> object:
    """Record what the organisation decided."""
    found = erasure.get_request(person(request), request_id)
    return _erasure(
        erasure_services.decide(by=person(request), request=found, decision=body.decision, now=timezone.now())
    )


def _processing(record: ProcessingRecord) -> dict[str, object]:
    newest = datasets.pick_version(datasets.list_versions(record.dataset, with_cards=False))
    card = datasets.read_card(newest)
    points = processing.open_points([record], card, today=timezone.now().date())
    names = (
        "role",
        "legal_basis",
        "purpose",
        "retention_until",
        "special_categories",
        "circumstances",
        "assessment",
        "assessment_note",
        "at",
    )
    return {
        **{name: getattr(record, name) for name in names},
        "by": record.by.name,
        "points": [point.as_dict() for point in points],
    }


def _erasure(row: ErasureRequest) -> dict[str, object]:
    names = ("reference", "received_on", "key_id", "found", "decision", "decided_at")
    return {
        **{name: getattr(row, name) for name in names},
        "id": row.pk,
        "organisation": row.organisation_id,
        "due_on": erasure.due_on(row),
        "decided_by": row.decided_by.name if row.decided_by else "",
    }
