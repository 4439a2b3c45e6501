"""Errors as problem details (RFC 9457): one table from error to status, for the API and for pages."""

from django.http import JsonResponse

from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError, NotFound, Refused, Unavailable

STATUS: dict[type[KifabrikError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Refused: 403,
    Conflict: 409,
    Unavailable: 503,
}


def status_of(error: KifabrikError) -> int:
    """Find the HTTP status of an error; an unlisted kind is a bad request."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400)


def problem(*, status: int, code: str, title: str, detail: str = "", where: str = "") -> JsonResponse:
    """Answer with problem details; `code` is stable, the words are for people."""
    body = {"type": f"urn:kifabrik:{code}", "code": code, "status": status, "title": title, "detail": detail}
    if where:
        body["where"] = where
    return JsonResponse(body, status=status, content_type="application/problem+json")


def answer_error(error: KifabrikError) -> JsonResponse:
    """Turn an error of the house into problem details."""
    return problem(
        status=status_of(error), code=error.code, title=error.message, detail=error.remedy, where=error.where
    )
