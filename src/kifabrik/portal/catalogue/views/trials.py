"""The try-it box: an answer that streams into the page, or the whole answer for browsers without JavaScript."""

import json
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_POST

from kifabrik.core.errors import InvalidInput, KifabrikError, Unavailable
from kifabrik.portal.catalogue.forms.releases import TrialForm
from kifabrik.portal.catalogue.queries import releases
from kifabrik.portal.catalogue.services import trials
from kifabrik.portal.catalogue.views.releases import render_release
from kifabrik.portal.doors.problems import answer_error
from kifabrik.portal.people.queries import access


@require_POST
def try_release(request: HttpRequest, release_id: str) -> HttpResponseBase:
    """Ask a published release; everybody who may read it may try it, so many times a minute."""
    release = releases.get_release(request.user, release_id)
    wants_stream = "text/event-stream" in request.headers.get("Accept", "")
    form = TrialForm(request.POST)
    if not form.is_valid():
        if wants_stream:
            field, words = next(iter(form.errors.items()))
            return answer_error(InvalidInput(str(words[0]), where=field))
        return render_release(request, release, form)
    question = trials.Question(**form.cleaned_data)
    try:
        trials.count_use(visitor=_visitor(request), now=timezone.now())
        pieces = trials.open_stream(release, question)
    except KifabrikError as error:
        if wants_stream:
            return answer_error(error)
        if not isinstance(error, Unavailable):
            raise
        form.add_error(None, f"{error.message} {error.remedy}")
        page = render_release(request, release, form)
        page.status_code = 503
        return page
    if wants_stream:
        return _stream(pieces)
    return _whole(request, release_id, form, pieces)


def _stream(pieces: Iterator[str]) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(_write_events(pieces), content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"  # a proxy in front must not collect the pieces
    return answer


def _write_events(pieces: Iterator[str]) -> Iterator[bytes]:
    try:
        for piece in pieces:
            if piece:
                yield f"data: {json.dumps({'text': piece})}\n\n".encode()
    except Unavailable as error:
        yield f"event: problem\ndata: {json.dumps({'text': str(error)})}\n\n".encode()
    else:
        yield b"event: end\ndata: {}\n\n"


def _whole(request: HttpRequest, release_id: str, form: TrialForm, pieces: Iterator[str]) -> HttpResponse:
    release = releases.get_release(request.user, release_id)
    try:
        answer = "".join(pieces)
    except Unavailable as error:
        form.add_error(None, f"{error.message} {error.remedy}")
        answer = ""
    return render_release(request, release, form, answer=answer)


def _visitor(request: HttpRequest) -> str:
    """Name who tries: the person, or a digest of the address, so that no address is stored."""
    if access.is_person(request.user):
        return request.user.pk
    return salted_hmac("kifabrik.trial", request.META.get("REMOTE_ADDR", "")).hexdigest()
