"""Where a request comes from. Knows no table."""

from django.http import HttpRequest


def network_of(request: HttpRequest) -> str:
    """Name the network address that connected to us; what a client claims in headers is not believed."""
    return str(request.META.get("REMOTE_ADDR", ""))
