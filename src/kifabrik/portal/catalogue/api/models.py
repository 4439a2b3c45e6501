"""Registered models for programs."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema

from kifabrik.portal.catalogue.api.doors import viewer, visitors_too
from kifabrik.portal.catalogue.models import RegisteredModel
from kifabrik.portal.catalogue.queries import releases
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page

router = Router()


class ModelOut(Schema):
    """A model with its newest release."""

    id: str
    name: str
    organisation: str
    summary: str
    newest_release: str
    newest_number: int
    released_at: datetime
    is_public: bool


@router.get("/models", response=listing(ModelOut), auth=visitors_too)
def list_all(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the released models the caller may see; visitors see public ones."""
    return answer_page(cut_page(releases.list_models(viewer(request)), number=page, size=size), _row)


def _row(model: RegisteredModel) -> dict[str, object]:
    newest = model.shown[0]  # type: ignore[attr-defined]  # prefetched by list_models
    return {
        "id": model.pk,
        "name": model.name,
        "organisation": model.organisation.legal_name,
        "summary": model.summary,
        "newest_release": newest.pk,
        "newest_number": newest.number,
        "released_at": newest.released_at,
        "is_public": newest.is_public,
    }
