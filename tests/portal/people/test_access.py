"""Who may do what: roles, memberships and sites together."""

import pytest
from django.contrib.auth.models import AnonymousUser
from tests.portal.people.factories import SINCE, make_organisation, make_user

from kifabrik.core.errors import Refused
from kifabrik.portal.people.models import Membership
from kifabrik.portal.people.permissions import Permission, Role
from kifabrik.portal.people.queries import access

pytestmark = pytest.mark.django_db


def test_an_applicant_writes_for_their_own_organisation_only() -> None:
    own, other = make_organisation(), make_organisation()
    user = make_user(roles=[Role.APPLICANT], organisations=[own])

    assert access.may(user, Permission.PROPOSAL_WRITE, organisation=own)
    assert access.may(user, Permission.PROPOSAL_WRITE)
    assert not access.may(user, Permission.PROPOSAL_WRITE, organisation=other)
    assert not access.may(user, Permission.PROPOSAL_DECIDE)


def test_membership_without_the_role_is_not_enough() -> None:
    own = make_organisation()
    user = make_user(organisations=[own])

    assert not access.may(user, Permission.RUN_WRITE, organisation=own)


def test_the_role_without_membership_is_not_enough() -> None:
    user = make_user(roles=[Role.APPLICANT])

    assert not access.may(user, Permission.RUN_WRITE)


def test_an_operator_is_limited_to_their_site() -> None:
    user = make_user(roles=[Role.OPERATOR], site_code="laptop")

    assert access.may(user, Permission.SITE_MANAGE)
    assert access.may(user, Permission.SITE_MANAGE, site_code="laptop")
    assert not access.may(user, Permission.SITE_MANAGE, site_code="jupiter")
    assert access.sites_of(user, Permission.SITE_MANAGE) == frozenset({"laptop"})


def test_an_operator_of_all_sites_has_no_limit() -> None:
    user = make_user(roles=[Role.OPERATOR])

    assert access.may(user, Permission.SITE_MANAGE, site_code="jupiter")
    assert access.sites_of(user, Permission.SITE_MANAGE) is None


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_a_stranger_may_nothing(user) -> None:
    assert not any(access.may(user, permission) for permission in Permission)
    assert list(access.organisations_of(user)) == []
    with pytest.raises(Refused, match="your roles"):
        access.require(user, Permission.PROPOSAL_DECIDE)


def test_a_closed_account_may_nothing() -> None:
    user = make_user(roles=[Role.PROGRAMME_OFFICER], is_active=False)

    assert not access.may(user, Permission.PROPOSAL_DECIDE)


def test_questions_of_one_request_cost_two_reads(django_assert_num_queries) -> None:
    own = make_organisation()
    user = access.remember(make_user(roles=[Role.APPLICANT], organisations=[own]))

    with django_assert_num_queries(2):
        access.may(user, Permission.PROPOSAL_WRITE, organisation=own)
        access.may(user, Permission.PROPOSAL_DECIDE)
        access.is_manager(user, own)


def test_without_a_request_nothing_is_kept() -> None:
    own = make_organisation()
    user = make_user(roles=[Role.APPLICANT])
    assert not access.is_member(user, own)

    Membership.objects.create(user=user, organisation=own, since_at=SINCE)

    assert access.is_member(user, own)
    assert list(access.organisations_of(user)) == [own]
