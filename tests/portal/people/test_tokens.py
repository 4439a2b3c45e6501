"""Access tokens: shown once, kept as a digest, and worth nothing once revoked, expired or ownerless."""

from datetime import timedelta

import pytest
from tests.portal.people.factories import make_user

from kifabrik.core.errors import InvalidInput, NotFound, Refused
from kifabrik.portal.people.models import AccessToken, AuditEvent
from kifabrik.portal.people.permissions import Role, Scope
from kifabrik.portal.people.services import tokens

pytestmark = pytest.mark.django_db


def make(by, now, **fields):
    return tokens.create(by=by, name="laptop", scopes=[Scope.READ], now=now, **fields)


def test_the_secret_is_stored_nowhere(now) -> None:
    new = make(make_user(), now)

    row = AccessToken.objects.values().get()
    assert new.secret.startswith("kf_")
    assert new.secret not in str(row)
    assert new.secret not in str(list(AuditEvent.objects.values()))
    assert tokens.find_valid(new.secret, now=now) == new.token


def test_use_is_noted_at_most_once_a_minute(now, django_assert_num_queries) -> None:
    new = make(make_user(), now)

    with django_assert_num_queries(2):
        tokens.find_valid(new.secret, now=now)
    with django_assert_num_queries(1):
        tokens.find_valid(new.secret, now=now + timedelta(seconds=59))
    tokens.find_valid(new.secret, now=now + timedelta(seconds=60))

    assert AccessToken.objects.get().last_used_at == now + timedelta(seconds=60)


def test_a_token_ends_at_its_moment(now) -> None:
    new = make(make_user(), now, expires_at=now + timedelta(hours=1))

    assert tokens.find_valid(new.secret, now=now + timedelta(minutes=59))
    assert tokens.find_valid(new.secret, now=now + timedelta(hours=1)) is None


def test_a_revoked_token_is_worth_nothing(now) -> None:
    user = make_user()
    new = make(user, now)

    tokens.revoke(by=user, token_id=new.token.pk, now=now)
    tokens.revoke(by=user, token_id=new.token.pk, now=now)

    assert tokens.find_valid(new.secret, now=now) is None
    assert [event.verb for event in AuditEvent.objects.all()] == ["token.created", "token.revoked"]


def test_the_tokens_of_others_do_not_exist(now) -> None:
    new = make(make_user(), now)

    with pytest.raises(NotFound):
        tokens.revoke(by=make_user(), token_id=new.token.pk, now=now)

    assert tokens.find_valid(new.secret, now=now)


def test_a_closed_account_takes_its_tokens_with_it(now) -> None:
    user = make_user()
    new = make(user, now)
    user.is_active = False
    user.save()

    assert tokens.find_valid(new.secret, now=now) is None


@pytest.mark.parametrize("secret", ["", "kf_", "kf_wrong", "sha256:abc", "x" * 10_000])
def test_a_wrong_secret_finds_nothing(now, secret) -> None:
    make(make_user(), now)

    assert tokens.find_valid(secret, now=now) is None


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": " ", "scopes": [Scope.READ]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": [Scope.SITE]}, "site_code"),
        ({"name": "x", "scopes": [Scope.READ], "site_code": "laptop"}, "site_code"),
    ],
)
def test_a_wrong_token_names_its_field(now, fields, where) -> None:
    with pytest.raises(InvalidInput) as caught:
        tokens.create(by=make_user(), now=now, **fields)

    assert caught.value.where == where


def test_the_past_is_no_end(now) -> None:
    with pytest.raises(InvalidInput):
        make(make_user(), now, expires_at=now)


def test_a_site_token_is_for_operators_of_that_site(now) -> None:
    operator = make_user(roles=[Role.OPERATOR], site_code="laptop")

    with pytest.raises(Refused, match="jupiter"):
        tokens.create(by=operator, name="agent", scopes=[Scope.SITE], site_code="jupiter", now=now)
    with pytest.raises(Refused):
        tokens.create(by=make_user(), name="agent", scopes=[Scope.SITE], site_code="laptop", now=now)
    new = tokens.create(by=operator, name="agent", scopes=[Scope.SITE], site_code="laptop", now=now)

    assert (new.token.site_code, new.token.scopes) == ("laptop", ["site"])
