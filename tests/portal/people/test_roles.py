"""Roles and accounts: given by programme officers only, and never so that nobody is left to give them."""

import pytest
from tests.portal.people.factories import PASSWORD, make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.people.models import AuditEvent, RoleAssignment, User
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.access import has_role
from kifabrik.portal.people.services import accounts, roles

pytestmark = pytest.mark.django_db


def test_an_officer_gives_a_role_once(now) -> None:
    officer, ben = make_user(roles=[Role.PROGRAMME_OFFICER]), make_user()

    roles.assign(by=officer, user=ben, role=Role.OPERATOR, site_code="laptop", now=now)
    roles.assign(by=officer, user=ben, role=Role.OPERATOR, site_code="laptop", now=now)

    assert has_role(ben, Role.OPERATOR)
    assert [(e.verb, e.object_id, e.details) for e in AuditEvent.objects.all()] == [
        ("role.assigned", ben.pk, {"role": "operator", "site_code": "laptop"})
    ]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PROGRAMME_OFFICER])
def test_no_other_role_gives_roles(now, role) -> None:
    by, ben = make_user(roles=[role]), make_user()

    with pytest.raises(Refused):
        roles.assign(by=by, user=ben, role=Role.AUDITOR, now=now)
    with pytest.raises(Refused):
        roles.withdraw(by=by, assignment_id=RoleAssignment.objects.get().pk, now=now)

    assert not has_role(ben, Role.AUDITOR)


def test_only_an_operator_is_limited_to_a_site(now) -> None:
    with pytest.raises(InvalidInput, match="limited to a site"):
        roles.assign(by=None, user=make_user(), role=Role.AUDITOR, site_code="laptop", now=now)


def test_nobody_is_made_a_visitor(now) -> None:
    with pytest.raises(InvalidInput):
        roles.assign(by=None, user=make_user(), role=Role.VISITOR, now=now)


def test_the_last_officer_keeps_the_role(now) -> None:
    officer = make_user(roles=[Role.PROGRAMME_OFFICER, Role.AUDITOR])
    make_user(roles=[Role.PROGRAMME_OFFICER], is_active=False)
    held = {row.role: row.pk for row in officer.role_assignments.all()}

    with pytest.raises(Conflict):
        roles.withdraw(by=officer, assignment_id=held[Role.PROGRAMME_OFFICER], now=now)
    roles.withdraw(by=officer, assignment_id=held[Role.AUDITOR], now=now)
    with pytest.raises(NotFound):
        roles.withdraw(by=officer, assignment_id=held[Role.AUDITOR], now=now)

    assert not has_role(officer, Role.AUDITOR)


def test_an_account_is_made_with_a_password_that_is_not_easy(now) -> None:
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])

    with pytest.raises(InvalidInput) as caught:
        accounts.create(by=officer, email="x@example.eu", name="X", password="short", now=now)
    user = accounts.create(by=officer, email="Ben@Example.EU", name="Ben", password=PASSWORD, now=now)

    assert caught.value.where == "password"
    assert user.email == "ben@example.eu"
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("email", "name", "where"), [("no address", "X", "email"), ("x@example.eu", " ", "name"), ("", "X", "email")]
)
def test_a_wrong_account_names_its_field(now, email, name, where) -> None:
    with pytest.raises(InvalidInput) as caught:
        accounts.create(by=None, email=email, name=name, now=now)

    assert caught.value.where == where
    assert User.objects.count() == 0


def test_an_address_has_one_account(now) -> None:
    make_user("ben@example.eu")

    with pytest.raises(Conflict):
        accounts.create(by=None, email="BEN@example.eu", name="Ben", now=now)


def test_a_member_without_a_part_makes_no_accounts(now) -> None:
    with pytest.raises(Refused):
        accounts.create(by=make_user(organisations=[make_organisation()]), email="x@example.eu", name="X", now=now)


def test_a_welcome_link_works_once(now) -> None:
    manager = make_user(manages=[make_organisation()])

    welcome = accounts.invite(by=manager, email="new@example.eu", name="New", now=now)
    assert not welcome.user.has_usable_password()
    user = accounts.find_welcomed(key=welcome.key, token=welcome.token)
    accounts.set_password(by=user, password=PASSWORD, now=now)

    with pytest.raises(Refused):
        accounts.find_welcomed(key=welcome.key, token=welcome.token)


@pytest.mark.parametrize(("key", "token"), [("", ""), ("AAAA", "x-y"), ("ÿ", "x"), ("dXNlcg", "c0-1")])
def test_a_made_up_welcome_link_is_refused(key, token) -> None:
    make_user()

    with pytest.raises(Refused):
        accounts.find_welcomed(key=key, token=token)


def test_closing_an_account_is_for_officers_and_for_others(now) -> None:
    officer, ben = make_user(roles=[Role.PROGRAMME_OFFICER]), make_user(roles=[Role.APPLICANT])

    with pytest.raises(Refused):
        accounts.set_active(by=ben, user=officer, is_active=False, now=now)
    with pytest.raises(Conflict):
        accounts.set_active(by=officer, user=officer, is_active=False, now=now)
    accounts.set_active(by=officer, user=ben, is_active=False, now=now)

    assert not User.objects.get(pk=ben.pk).is_active
    assert AuditEvent.objects.get().verb == "account.closed"
