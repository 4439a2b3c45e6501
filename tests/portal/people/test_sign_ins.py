"""Signing in: the same words for every failure, and a brake that all processes share."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from tests.portal.people.factories import PASSWORD, make_user

from kifabrik.core.errors import Refused
from kifabrik.portal.people.models import SignInFailure
from kifabrik.portal.people.services import sign_ins

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_hash(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def attempt(now, *, email="ada@example.eu", password="wrong", network="192.0.2.1"):
    return sign_ins.sign_in(request=None, email=email, password=password, network=network, now=now)


def fail(now, times: int, **fields) -> str:
    for _ in range(times):
        with pytest.raises(Refused) as caught:
            attempt(now, **fields)
    return caught.value.code


def test_the_right_password_opens_whatever_the_capitals_of_the_address(now) -> None:
    user = make_user("ada@example.eu", password=PASSWORD)

    assert attempt(now, email=" Ada@Example.EU ", password=PASSWORD) == user


def test_an_unknown_address_and_a_wrong_password_answer_alike(now) -> None:
    make_user("ada@example.eu", password=PASSWORD)

    with pytest.raises(Refused) as wrong:
        attempt(now)
    with pytest.raises(Refused) as unknown:
        attempt(now, email="nobody@example.eu")

    assert str(wrong.value) == str(unknown.value)


def test_a_closed_account_does_not_open(now) -> None:
    make_user("ada@example.eu", password=PASSWORD, is_active=False)

    assert fail(now, 1, password=PASSWORD) == "refused"


def test_after_five_failures_even_the_right_password_waits(now) -> None:
    user = make_user("ada@example.eu", password=PASSWORD)
    fail(now, 5)

    assert fail(now, 1, password=PASSWORD, network="198.51.100.7") == "too-many-attempts"
    assert attempt(now + sign_ins.WINDOW, password=PASSWORD) == user


def test_a_success_forgets_the_failures_of_that_address(now) -> None:
    make_user("ada@example.eu", password=PASSWORD)
    fail(now, 4)
    attempt(now, password=PASSWORD)

    assert fail(now, 4) == "refused"


def test_a_network_that_tries_many_addresses_waits_too(now) -> None:
    for number in range(sign_ins.FAILURES_OF_NETWORK_MAX):
        fail(now, 1, email=f"person-{number}@example.eu")

    assert fail(now, 1, email="another@example.eu") == "too-many-attempts"
    assert fail(now, 1, email="another@example.eu", network="198.51.100.7") == "refused"


def test_failures_name_nobody_and_are_forgotten(now) -> None:
    fail(now, 1)
    assert all("ada" not in row.key and "192" not in row.key for row in SignInFailure.objects.all())

    fail(now + timedelta(hours=1), 1)

    assert SignInFailure.objects.count() == 2


def keep_session(key, *, expires_at) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=expires_at)


def test_a_sign_in_takes_out_sessions_and_failures_that_are_over(now) -> None:
    make_user("ada@example.eu", password=PASSWORD)
    fail(now, 1, email="nobody@example.eu")
    keep_session("over", expires_at=now + timedelta(hours=1))
    keep_session("going", expires_at=now + timedelta(hours=12))

    attempt(now + timedelta(hours=2), password=PASSWORD)

    assert list(Session.objects.values_list("session_key", flat=True)) == ["going"]
    assert not SignInFailure.objects.exists()


def test_a_failed_sign_in_takes_out_sessions_that_are_over_and_no_other(now) -> None:
    keep_session("over", expires_at=now - timedelta(seconds=1))
    keep_session("going", expires_at=now + timedelta(seconds=1))

    fail(now, 1)

    assert list(Session.objects.values_list("session_key", flat=True)) == ["going"]
