"""Local accounts: made by those who look after people, welcomed by a link that works once."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries.access import may, read_access
from kifabrik.portal.people.services import audit


@dataclass(frozen=True, slots=True)
class Welcome:
    """A new account and the two parts of the link by which its owner sets a first password."""

    user: User
    key: str
    token: str


@transaction.atomic
def create(
    *, by: User | None, email: str, name: str, password: str | None = None, language: str = "en", now: datetime
) -> User:
    """Make a local account; without a password nobody can sign in with it until a welcome link is used.

    `by=None` is the factory itself. Raises Refused unless a programme officer or somebody who manages an organisation
    does it, InvalidInput for a bad address or a weak password, Conflict for an address that is taken.
    """
    if by is not None and not (may(by, Permission.PEOPLE_MANAGE) or read_access(by).managed):
        raise Refused(_("you may not make accounts."), remedy=_("Ask a programme officer."))
    email, name = email.strip().lower(), " ".join(name.split())
    _check(email=email, name=name)
    if password is not None:
        check_password(password, user=User(email=email, name=name))
    user = User.objects.create_user(email=email, password=password, name=name, language=language, joined_at=now)
    audit.append(by=by, verb="account.created", what=user, now=now)
    return user


def invite(*, by: User, email: str, name: str, language: str = "en", now: datetime) -> Welcome:
    """Make an account without a password and the link by which its owner sets one; the link works for three days."""
    user = create(by=by, email=email, name=name, language=language, now=now)
    return Welcome(user, urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user))


def find_welcomed(*, key: str, token: str) -> User:
    """Find whose link this is; raises Refused for one that was used, is too old or was never made."""
    try:
        user_id = urlsafe_base64_decode(key).decode("ascii")
    except ValueError:
        user_id = ""
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id.isprintable() else None
    if user is None or not default_token_generator.check_token(user, token):
        raise Refused(
            _("this link does not work any more."), remedy=_("Ask for a new account or for help at the factory.")
        )
    return user


@transaction.atomic
def set_password(*, by: User, password: str, now: datetime) -> User:
    """Change one's own password, which ends every other session; raises InvalidInput for a weak one."""
    check_password(password, user=by)
    by.set_password(password)
    by.save(update_fields=["password"])
    audit.append(by=by, verb="account.password-set", what=by, now=now)
    return by


@transaction.atomic
def set_active(*, by: User, user: User, is_active: bool, now: datetime) -> User:
    """Close an account or open it again; its tokens stop with it. Raises Refused, or Conflict for one's own."""
    if not may(by, Permission.PEOPLE_MANAGE):
        raise Refused(_("you may not close accounts."), remedy=_("Ask a programme officer."))
    if by.pk == user.pk:
        raise Conflict(_("you cannot close your own account."), remedy=_("Ask another programme officer."))
    if user.is_active != is_active:
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        verb = "account.opened" if is_active else "account.closed"
        audit.append(by=by, verb=verb, what=user, now=now)
    return user


def check_password(password: str, *, user: User) -> None:
    """Raise InvalidInput, in Django's own words, for a password that is easy to guess."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), where="password") from error


def _check(*, email: str, name: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput(_("this is not an e-mail address."), where="email", remedy=_("Check it.")) from error
    if not name:
        raise InvalidInput(_("a name is needed."), where="name", remedy=_("Write the name that others should see."))
    if User.objects.filter(email=email).exists():
        raise Conflict(
            _("there is already an account with this address."), where="email", remedy=_("Use that account.")
        )
