"""The REST API: one root, one router from each chapter, problem details for every error."""

import logging
from http import HTTPStatus

from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Swagger
from ninja.errors import AuthenticationError, HttpError, ValidationError

from kifabrik import __version__
from kifabrik.core.errors import KifabrikError, NotFound
from kifabrik.portal.calls.api import router as calls
from kifabrik.portal.catalogue.api import router as catalogue
from kifabrik.portal.compute.api import router as compute
from kifabrik.portal.doors.problems import answer_error, problem
from kifabrik.portal.exchange.api import router as exchange
from kifabrik.portal.people.api import router as people
from kifabrik.portal.web.data_errors import unstorable

logger = logging.getLogger(__name__)
DESCRIPTION = """
Everything the pages can do. Make a token on your profile page or with `POST /tokens`, and send it as
`Authorization: Bearer kf_...`. Lists are cut into pages (`?page=2`). Errors are problem details (RFC 9457) whose `code`
does not change.
"""


class ApiPage(Swagger):
    """The page of the API inside the portal's frame; its scripts are served from here."""

    template = "web/api.html"
    template_cdn = "web/api.html"


api = NinjaAPI(title="Kifabrik", version=__version__, description=DESCRIPTION, urls_namespace="api", docs=ApiPage())
for router in (people, calls, catalogue, compute, exchange):  # /runs/estimate comes before /runs/{run_id}
    api.add_router("", router)


@api.exception_handler(KifabrikError)
def answer_house_error(_request: HttpRequest, error: KifabrikError) -> HttpResponse:
    """Answer an error of the house."""
    if isinstance(error, NotFound) and not error.remedy:
        remedy = _("Check the identifier. What belongs to others is not shown either.")
        error = NotFound(error.message, where=error.where, remedy=remedy, code=error.code)
    return answer_error(error)


@api.exception_handler(DataError)
def answer_unstorable(_request: HttpRequest, _error: DataError) -> HttpResponse:
    """Answer a value that the database refuses."""
    return answer_error(unstorable())


@api.exception_handler(ValidationError)
def answer_invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer a request that does not fit its schema, naming the first place and listing all."""
    places = [(".".join(str(part) for part in row["loc"]), str(row["msg"])) for row in error.errors]
    return problem(
        status=422,
        code="invalid-input",
        title=_("The request does not fit its schema."),
        detail="; ".join(f"{place}: {message}" for place, message in places),
        where=places[0][0] if places else "",
    )


@api.exception_handler(AuthenticationError)
def answer_stranger(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    """Answer somebody who is not signed in and shows no valid token."""
    response = problem(
        status=401,
        code="not-signed-in",
        title=_("You are not signed in, or the token is wrong, revoked or expired."),
        detail=_("Send a valid token as “Authorization: Bearer”."),
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(HttpError)
def answer_http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer an error that ninja itself raised, such as a body that is not JSON."""
    is_unreadable = error.status_code == HTTPStatus.BAD_REQUEST
    title = _("The request cannot be read.") if is_unreadable else f"{str(error).rstrip('.')}."
    detail = _("Send one JSON document in UTF-8.") if is_unreadable else ""
    return problem(status=error.status_code, code=f"http-{error.status_code}", title=title, detail=detail)


@api.exception_handler(Http404)
def answer_not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    """Answer for something that does not exist."""
    return problem(status=404, code="not-found", title=_("There is no such thing."))


@api.exception_handler(Exception)
def answer_failure(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a fault of ours without telling its inside; the log has it."""
    logger.exception("the API failed at %s %s", request.method, request.path, exc_info=error)
    return problem(
        status=500,
        code="failure",
        title=_("Something broke on our side."),
        detail=_("Nothing was half saved. Try again in a minute."),
    )
