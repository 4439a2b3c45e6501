"""The whole passport as a page and as a file, and the files of a release."""

import json

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kifabrik.portal.catalogue.queries import chain, downloads, releases
from kifabrik.portal.catalogue.queries.figures import scientific


@require_GET
def show_passport(request: HttpRequest, release_id: str) -> HttpResponse:
    """Show every field of the signed passport."""
    release = releases.get_release(request.user, release_id)
    passport = releases.read_passport(release)
    context = {
        "release": release,
        "passport": passport,
        "flop": scientific(passport.run.compute.flop) if passport.run.compute else "",
        "recipe": json.dumps(passport.run.recipe.model_dump(mode="json"), indent=2, ensure_ascii=False),
        "steps": chain.strip(
            viewer=request.user,
            here="release",
            run=release.run,
            dataset=release.dataset_version.dataset,
            release=release,
        ),
    }
    return render(request, "catalogue/passport_detail.html", context)


@require_GET
def download_passport(request: HttpRequest, release_id: str) -> HttpResponse:
    """Send the passport as JSON."""
    release = releases.get_release(request.user, release_id)
    passport = releases.read_passport(release)
    answer = HttpResponse(passport.as_json(), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{release.model.name}-{release.number}-passport.json"'
    return answer


@require_GET
def download_file(request: HttpRequest, release_id: str, path: str) -> FileResponse:
    """Stream one file of a published release."""
    release = releases.get_release(request.user, release_id)
    file = downloads.find_file(release, path)
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=file.name, content_type="application/octet-stream"
    )


@require_GET
def download_public_key(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # the same for everybody
    """Send the public half of the factory's key, which people need to verify a release."""
    answer = HttpResponse(downloads.read_public_key(), content_type="application/x-pem-file")
    answer["Content-Disposition"] = 'attachment; filename="passport-key.pub"'
    return answer
