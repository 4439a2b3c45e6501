"""Downloads that are written from a dataset card: Croissant, the card for the Hub, the EU public summary."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from kifabrik.portal.catalogue.queries import datasets, exports


@require_GET
def download_export(request: HttpRequest, version_id: str, form: str) -> HttpResponse:
    """Send one paper as a file to everybody who may read the card."""
    version = datasets.get_version(request.user, version_id)
    paper = exports.write(version, form)
    answer = HttpResponse(paper.text, content_type=f"{paper.media_type}; charset=utf-8")
    name = f"{version.dataset.name}-{version.number}-{paper.file_name}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
