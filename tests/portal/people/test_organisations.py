"""Organisations: made by anybody, looked after by their managers, never without one."""

import pytest
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.people.models import AuditEvent, Membership, Organisation
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries import organisations as rows
from kifabrik.portal.people.services import organisations

pytestmark = pytest.mark.django_db


def test_the_maker_becomes_the_first_manager(now) -> None:
    user = make_user()

    made = organisations.create(by=user, legal_name=" Ada   GmbH ", country="de", kind="start-up", now=now)

    assert (made.legal_name, made.country) == ("Ada GmbH", "DE")
    assert [(m.user, m.is_manager) for m in rows.members_of(made)] == [(user, True)]
    assert AuditEvent.objects.get().verb == "organisation.created"


@pytest.mark.parametrize(
    ("field", "value"), [("legal_name", "  "), ("country", "Germany"), ("country", "1!"), ("kind", "club")]
)
def test_a_wrong_field_is_named_and_nothing_is_kept(now, field, value) -> None:
    fields = {"legal_name": "Ada GmbH", "country": "DE", "kind": "sme", field: value}

    with pytest.raises(InvalidInput) as caught:
        organisations.create(by=make_user(), **fields, now=now)

    assert caught.value.where == field
    assert Organisation.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_a_name_is_taken_whatever_its_capitals(now) -> None:
    make_organisation("Ada GmbH")

    with pytest.raises(Conflict):
        organisations.create(by=make_user(), legal_name="ADA gmbh", country="DE", kind="sme", now=now)


def test_a_manager_adds_a_member_once(now) -> None:
    own = make_organisation()
    manager, ben = make_user(manages=[own]), make_user()

    organisations.add_member(by=manager, organisation=own, user=ben, now=now)
    organisations.add_member(by=manager, organisation=own, user=ben, now=now)

    assert Membership.objects.filter(user=ben).count() == 1
    assert [event.verb for event in AuditEvent.objects.all()] == ["organisation.member-added"]


@pytest.mark.parametrize("kind", ["member", "stranger", "manager elsewhere", "auditor"])
def test_nobody_else_adds_members(now, kind) -> None:
    own, other = make_organisation(), make_organisation()
    by = {
        "member": lambda: make_user(organisations=[own]),
        "stranger": make_user,
        "manager elsewhere": lambda: make_user(manages=[other]),
        "auditor": lambda: make_user(roles=[Role.AUDITOR]),
    }[kind]()

    with pytest.raises(Refused):
        organisations.add_member(by=by, organisation=own, user=make_user(), now=now)

    assert AuditEvent.objects.count() == 0


def test_an_officer_and_the_factory_itself_may_add_members(now) -> None:
    own = make_organisation()
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])

    organisations.add_member(by=officer, organisation=own, user=make_user(), is_manager=True, now=now)
    organisations.add_member(by=None, organisation=own, user=make_user(), now=now)

    assert own.memberships.count() == 2


def test_the_last_manager_stays(now) -> None:
    own = make_organisation()
    manager, ben = make_user(manages=[own]), make_user(organisations=[own])

    with pytest.raises(Conflict):
        organisations.remove_member(by=manager, organisation=own, user_id=manager.pk, now=now)
    with pytest.raises(Conflict):
        organisations.add_member(by=manager, organisation=own, user=manager, is_manager=False, now=now)
    organisations.add_member(by=manager, organisation=own, user=ben, is_manager=True, now=now)
    organisations.remove_member(by=manager, organisation=own, user_id=manager.pk, now=now)

    assert [m.user for m in rows.members_of(own)] == [ben]


def test_a_member_may_leave_but_not_remove_others(now) -> None:
    own = make_organisation()
    manager, ben = make_user(manages=[own]), make_user(organisations=[own])

    with pytest.raises(Refused):
        organisations.remove_member(by=ben, organisation=own, user_id=manager.pk, now=now)
    organisations.remove_member(by=ben, organisation=own, user_id=ben.pk, now=now)
    with pytest.raises(NotFound):
        organisations.remove_member(by=ben, organisation=own, user_id=ben.pk, now=now)

    assert own.memberships.count() == 1


def test_people_see_their_own_and_officers_all() -> None:
    own, other = make_organisation("A"), make_organisation("B")
    member, officer = make_user(organisations=[own]), make_user(roles=[Role.PROGRAMME_OFFICER])

    assert list(rows.visible_to(member)) == [own]
    assert list(rows.visible_to(officer)) == [own, other]
    assert list(rows.visible_to(make_user())) == []
    with pytest.raises(NotFound):
        rows.read(member, other.pk)
