"""Where a request comes from. Knows no table."""

from django.conf import settings
from django.http import HttpRequest


def network_of(request: HttpRequest) -> str:
    """Name the network address of a client.

    Behind the https proxy that settings.HTTPS promises, it is what that proxy added last to `X-Forwarded-For`; what a
    client wrote before it, or without a proxy at all, is not believed.
    """
    added = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() if settings.HTTPS else ""
    return added or str(request.META.get("REMOTE_ADDR", ""))
