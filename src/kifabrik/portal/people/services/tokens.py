"""Access tokens for programs: made once, shown once, kept as a digest. Knows no transport."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import InvalidInput, NotFound, Refused
from kifabrik.portal.people.models import AccessToken, User
from kifabrik.portal.people.permissions import Permission, Scope
from kifabrik.portal.people.queries.access import is_person, may
from kifabrik.portal.people.services import audit

PREFIX = "kf_"
_USE_IS_NOTED_EVERY = timedelta(minutes=1)  # so that a busy program does not write a row with each request


@dataclass(frozen=True, slots=True)
class NewToken:
    """A fresh token and its secret, which nobody can read again."""

    token: AccessToken
    secret: str


@transaction.atomic
def create(
    *,
    by: User,
    name: str,
    scopes: Collection[Scope],
    site_code: str = "",
    expires_at: datetime | None = None,
    now: datetime,
) -> NewToken:
    """Make a token for oneself; raises InvalidInput or, for a site one does not operate, Refused."""
    _check(by=by, name=name, scopes=scopes, site_code=site_code, expires_at=expires_at, now=now)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(
        user=by,
        name=name.strip(),
        secret_digest=digest_bytes(secret.encode()),
        scopes=sorted(str(scope) for scope in set(scopes)),
        site_code=site_code,
        created_at=now,
        expires_at=expires_at,
    )
    audit.append(by=by, verb="token.created", what=token, details={"name": token.name, "scopes": token.scopes}, now=now)
    return NewToken(token, secret)


@transaction.atomic
def revoke(*, by: User, token_id: str, now: datetime) -> AccessToken:
    """End a token of one's own; ending it twice is no error. Raises NotFound for the tokens of others."""
    token = AccessToken.objects.select_for_update().filter(user=by, pk=token_id).first()
    if token is None:
        raise NotFound(_("there is no such token."), remedy=_("Look at the list of tokens on your profile page."))
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        audit.append(by=by, verb="token.revoked", what=token, details={"name": token.name}, now=now)
    return token


def find_valid(secret: str, *, now: datetime) -> AccessToken | None:
    """Find the token of a secret, if it is not revoked, not expired and its owner is active; note its use."""
    if not secret.startswith(PREFIX):
        return None
    digest = digest_bytes(secret.encode())
    token = AccessToken.objects.select_related("user").filter(secret_digest=digest, revoked_at=None).first()
    if token is None or not is_person(token.user) or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at >= _USE_IS_NOTED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _check(
    *, by: User, name: str, scopes: Collection[Scope], site_code: str, expires_at: datetime | None, now: datetime
) -> None:
    if not name.strip():
        raise InvalidInput(
            _("a token needs a name."), where="name", remedy=_("Name the program or machine that uses it.")
        )
    if not scopes:
        raise InvalidInput(
            _("a token needs at least one scope."), where="scopes", remedy=_("Choose read, write or site.")
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(_("the end lies in the past."), where="expires_at", remedy=_("Choose a later day."))
    if (Scope.SITE in scopes) != bool(site_code):
        raise InvalidInput(
            _("the scope 'site' and a site code belong together."),
            where="site_code",
            remedy=_("Give both for a site agent, neither for anything else."),
        )
    if site_code and not may(by, Permission.SITE_MANAGE, site_code=site_code):
        raise Refused(
            _("you do not operate the site “%(site)s”.") % {"site": site_code},
            remedy=_("Ask a programme officer for the operator's role."),
        )
