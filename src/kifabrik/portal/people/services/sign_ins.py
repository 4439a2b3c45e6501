"""Signing in with a local account, and the brake against guessing: counted for an address and for a network.

Failures live in the database, so that all web processes count together. Only a sign-in adds to what is kept here, so
each one takes out what is over: no clock is needed, and neither failures nor sessions pile up.
"""

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import Refused
from kifabrik.portal.people.models import SignInFailure, User

WINDOW = timedelta(minutes=15)
FAILURES_OF_ADDRESS_MAX = 5
FAILURES_OF_NETWORK_MAX = 50  # many people share one network address


def sign_in(*, request: HttpRequest | None, email: str, password: str, network: str, now: datetime) -> User:
    """Check e-mail and password; raises Refused with the same words whether the account exists or not.

    After 5 failures for an address (or 50 from a network) in 15 minutes nobody gets in that way until they are over.
    """
    keys = {
        _key("email", email.strip().lower()): FAILURES_OF_ADDRESS_MAX,
        _key("network", network): FAILURES_OF_NETWORK_MAX,
    }
    _require_patience(keys, now=now)
    user = authenticate(request, username=email.strip().lower(), password=password)
    if isinstance(user, User):
        SignInFailure.objects.filter(key=_key("email", email.strip().lower())).delete()
        _forget_what_is_over(now=now)
        return user
    _note_failure(keys, now=now)
    raise Refused(_("e-mail address and password do not fit."), where="email", remedy=_("Check both and try again."))


def _require_patience(keys: dict[str, int], *, now: datetime) -> None:
    for key, limit in keys.items():
        if SignInFailure.objects.filter(key=key, at__gt=now - WINDOW).count() >= limit:
            raise Refused(
                _("there were too many failed attempts to sign in."),
                where="email",
                remedy=_("Wait a quarter of an hour, then try again."),
                code="too-many-attempts",
            )


@transaction.atomic
def _note_failure(keys: dict[str, int], *, now: datetime) -> None:
    _forget_what_is_over(now=now)
    SignInFailure.objects.bulk_create(SignInFailure(key=key, at=now) for key in keys)


def _forget_what_is_over(*, now: datetime) -> None:
    SignInFailure.objects.filter(at__lt=now - 2 * WINDOW).delete()
    Session.objects.filter(expire_date__lt=now).delete()


def _key(kind: str, value: str) -> str:
    return digest_bytes(f"{kind}:{value}".encode())
