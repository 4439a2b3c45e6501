"""Makes people, organisations and tokens for tests, without surprises."""

from datetime import UTC, datetime
from importlib import import_module
from itertools import count

from django.db import connection

from kifabrik.core.digests import digest_bytes
from kifabrik.portal.people.models import AccessToken, Membership, Organisation, RoleAssignment, User
from kifabrik.portal.people.permissions import Role, Scope

SINCE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
_numbers = count(1)


def make_organisation(legal_name=None, *, country="DE", kind="start-up", **fields) -> Organisation:
    """Make an organisation; names are numbered."""
    name = legal_name or f"Example {next(_numbers)} GmbH"
    return Organisation.objects.create(legal_name=name, country=country, kind=kind, created_at=SINCE, **fields)


def make_user(email=None, *, roles=(), organisations=(), manages=(), site_code="", name="", password=None, **fields):
    """Make a person with roles (limited to `site_code` if given), memberships, and organisations they manage.

    The password is unusable unless one is given, because hashing is slow.
    """
    email = email or f"person-{next(_numbers)}@example.eu"
    name = name or email.partition("@")[0]
    user = User.objects.create_user(email=email, password=password, name=name, joined_at=SINCE, **fields)
    for role in roles:
        RoleAssignment.objects.create(user=user, role=Role(role), site_code=site_code, since_at=SINCE)
    for organisation in dict.fromkeys([*organisations, *manages]):
        managing = organisation in manages
        Membership.objects.create(user=user, organisation=organisation, is_manager=managing, since_at=SINCE)
    return user


def make_token(user, *, scopes=(Scope.READ, Scope.WRITE), site_code="", **fields) -> str:
    """Make an access token and return its secret, for `Authorization: Bearer`."""
    secret = f"kf_test-secret-{next(_numbers)}"
    AccessToken.objects.create(
        user=user,
        name="test",
        secret_digest=digest_bytes(secret.encode()),
        scopes=[str(scope) for scope in scopes],
        site_code=site_code,
        created_at=fields.pop("created_at", SINCE),
        **fields,
    )
    return secret


def bearer(secret: str) -> dict[str, str]:
    """The headers a program sends: `client.get(url, headers=bearer(secret))`."""
    return {"Authorization": f"Bearer {secret}"}


def tamper(statement: str, *values: object) -> None:
    """Change the audit log as somebody would who owns the database: its triggers are taken away first."""
    lifting = import_module("kifabrik.portal.people.migrations.0003_append_only_audit").LIFT[connection.vendor]
    with connection.cursor() as cursor:
        for each in lifting:
            cursor.execute(each)
        cursor.execute(statement, values)
