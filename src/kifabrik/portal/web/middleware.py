"""What every page request passes: who it is and in which language, headers, and errors of the house as pages."""

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_cache_control

from kifabrik.core.errors import KifabrikError
from kifabrik.portal.doors.problems import status_of
from kifabrik.portal.people.queries.access import is_person, remember
from kifabrik.portal.web.data_errors import unstorable

Answer = Callable[[HttpRequest], HttpResponse]
_NOT_NEEDED = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"


class PermissionsPolicyMiddleware:
    """Tells the browser which of its abilities the portal never uses."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.answer(request)
        response.headers.setdefault("Permissions-Policy", _NOT_NEEDED)
        return response


class PersonMiddleware:
    """Speaks the language a signed-in person chose, and keeps what is known of them for this request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_person(request.user):
            return self.answer(request)
        remember(request.user)
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = translation.get_language()
        response = self.answer(request)
        if not response.has_header("Cache-Control"):  # the next person at this browser must not see it
            patch_cache_control(response, private=True, max_age=0, must_revalidate=True)
        return response


class HouseErrorMiddleware:
    """Shows an error of the house as a page: what is wrong, where, what to do. Views catch nothing themselves."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer with the error page and its status; any other exception goes on to Django."""
        if isinstance(error, DataError):
            error = unstorable()
        if not isinstance(error, KifabrikError):
            return None
        status = status_of(error)
        return render(request, "web/error.html", {"error": error, "status": status}, status=status)
