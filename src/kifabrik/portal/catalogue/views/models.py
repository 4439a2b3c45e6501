"""The catalogue of models: what everybody sees, and the page of one model with its releases."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kifabrik.portal.catalogue.queries import releases
from kifabrik.portal.catalogue.queries.viewers import is_inside
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access


@require_GET
def list_models(request: HttpRequest) -> HttpResponse:
    """Show the released models the viewer may see; members see their candidates and finished runs below."""
    viewer = request.user
    context = {
        "page": cut_page(releases.list_models(viewer), number=request.GET.get("page")),
        "candidates": releases.list_candidates(viewer)[:20] if access.is_person(viewer) else (),
        "runs": releases.releasable_runs(viewer)[:20] if access.may(viewer, Permission.RELEASE_WRITE) else (),
    }
    return render(request, "catalogue/model_list.html", context)


@require_GET
def show_model(request: HttpRequest, model_id: str) -> HttpResponse:
    """Show a model with its releases."""
    model = releases.get_model(request.user, model_id)
    rows = releases.releases_of(request.user, model)
    current = next((row for row in rows if row.state == "released"), None)
    context = {
        "model": model,
        "releases": rows,
        "current": current,
        "inside": is_inside(request.user, model.organisation),
    }
    return render(request, "catalogue/model_detail.html", context)
