"""Who is let in at the doors of the API: people, their programs, and the agents of sites."""

import pytest
from django.test import RequestFactory
from tests.portal.people.factories import bearer, make_token, make_user

from kifabrik.core.errors import Refused
from kifabrik.portal.people.authentication import signed_in, site_agent
from kifabrik.portal.people.permissions import Role, Scope

pytestmark = pytest.mark.django_db


def request_with(secret: str):
    return RequestFactory().get("/api/v1/site/desired", headers=bearer(secret))


def test_the_agent_of_a_site_is_let_in_with_its_site() -> None:
    operator = make_user(roles=[Role.OPERATOR], site_code="laptop")
    secret = make_token(operator, scopes=[Scope.SITE], site_code="laptop")

    principal = site_agent(request_with(secret))

    assert (principal.user, principal.site_code) == (operator, "laptop")


def test_a_persons_token_is_no_agents() -> None:
    with pytest.raises(Refused, match="site"):
        site_agent(request_with(make_token(make_user(roles=[Role.OPERATOR]))))


def test_a_token_that_names_no_site_is_no_agents() -> None:
    with pytest.raises(Refused, match="names no site"):
        site_agent(request_with(make_token(make_user(roles=[Role.OPERATOR]), scopes=[Scope.SITE])))


def test_an_operator_who_left_the_site_takes_its_agent_along() -> None:
    operator = make_user(roles=[Role.OPERATOR], site_code="laptop")
    secret = make_token(operator, scopes=[Scope.SITE], site_code="laptop")

    operator.role_assignments.all().delete()

    with pytest.raises(Refused):
        site_agent(request_with(secret))


def test_an_agents_token_reads_nothing_of_people() -> None:
    operator = make_user(roles=[Role.OPERATOR], site_code="laptop")
    secret = make_token(operator, scopes=[Scope.SITE], site_code="laptop")

    with pytest.raises(Refused, match="read"):
        signed_in()(request_with(secret))


def test_all_scopes_that_are_asked_for_are_needed() -> None:
    secret = make_token(make_user(), scopes=[Scope.WRITE])

    with pytest.raises(Refused, match="read"):
        signed_in(Scope.READ, Scope.WRITE)(request_with(secret))
    assert signed_in(Scope.WRITE)(request_with(secret)).scopes == {Scope.WRITE}
