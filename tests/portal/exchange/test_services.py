"""Asking, taking, answering and closing: who may, and in which state."""

import pytest
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.portal.exchange import queries, services
from kifabrik.portal.exchange.models import SupportRequest
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.queries.audit import events_about

pytestmark = pytest.mark.django_db


@pytest.fixture
def own():
    return make_organisation()


@pytest.fixture
def asker(own):
    return make_user(roles=[Role.APPLICANT], organisations=[own])


@pytest.fixture
def expert():
    return make_user(roles=[Role.SUPPORT_EXPERT])


@pytest.fixture
def asked(asker, own, now):
    return services.ask(by=asker, organisation=own, subject="Loss is NaN", text="After step 3.", now=now)


def test_a_member_asks(asked, asker) -> None:
    assert asked.state == "open"
    assert [message.text for message in queries.list_messages(asked)] == ["After step 3."]
    assert [event.verb for event in events_about("supportrequest", asked.pk)] == ["support-request.asked"]


def test_nobody_asks_for_an_organisation_of_others(asker, now) -> None:
    with pytest.raises(Refused, match="belong"):
        services.ask(by=asker, organisation=make_organisation(), subject="Loss", text="?", now=now)


def test_a_visitor_may_not_ask(own, now) -> None:
    with pytest.raises(Refused):
        services.ask(by=make_user(organisations=[own]), organisation=own, subject="Loss", text="?", now=now)


@pytest.mark.parametrize(
    ("subject", "text", "where"), [(" a ", "x", "subject"), ("Loss", "  ", "text"), ("Loss", "x" * 10_001, "text")]
)
def test_empty_or_endless_words_are_refused(asker, own, now, subject, text, where) -> None:
    with pytest.raises(InvalidInput) as error:
        services.ask(by=asker, organisation=own, subject=subject, text=text, now=now)

    assert error.value.where == where
    assert SupportRequest.objects.count() == 0


@pytest.mark.parametrize("about", [queries.Subject("run", "run-of-others"), queries.Subject("planet", "mars")])
def test_a_question_is_about_a_thing_of_the_own_organisation(asker, own, now, about) -> None:
    with pytest.raises(InvalidInput) as error:
        services.ask(by=asker, organisation=own, subject="Loss", text="?", about=about, now=now)

    assert error.value.where == "about_id"


def test_an_expert_answers_and_thereby_takes_the_question(asked, expert, asker, now) -> None:
    services.answer(by=expert, request=asked, text="Lower the learning rate.", now=now)

    asked.refresh_from_db()
    assert (asked.state, asked.expert) == ("answered", expert)


def test_the_asking_side_opens_it_again(asked, expert, asker, now) -> None:
    services.answer(by=expert, request=asked, text="Lower it.", now=now)

    services.answer(by=asker, request=asked, text="By how much?", now=now)

    asked.refresh_from_db()
    assert (asked.state, asked.expert) == ("open", expert)


def test_a_stranger_may_neither_answer_nor_close(asked, now) -> None:
    stranger = make_user(roles=[Role.APPLICANT, Role.AUDITOR], organisations=[make_organisation()])

    with pytest.raises(Refused):
        services.answer(by=stranger, request=asked, text="Hello", now=now)
    with pytest.raises(Refused):
        services.close(by=stranger, request=asked, now=now)


def test_only_one_expert_takes_a_question(asked, expert, asker, now) -> None:
    services.take(by=expert, request=asked, now=now)
    services.take(by=expert, request=asked, now=now)

    with pytest.raises(Conflict, match="Another expert"):
        services.take(by=make_user(roles=[Role.SUPPORT_EXPERT]), request=asked, now=now)
    with pytest.raises(Refused):
        services.take(by=asker, request=asked, now=now)


def test_a_closed_request_takes_no_more_words(asked, asker, expert, now) -> None:
    services.close(by=asker, request=asked, now=now)
    services.close(by=asker, request=asked, now=now)

    with pytest.raises(Conflict, match="closed"):
        services.answer(by=expert, request=asked, text="Late", now=now)
    assert [event.verb for event in events_about("supportrequest", asked.pk)][-1] == "support-request.closed"


def test_other_organisations_do_not_see_it(asked) -> None:
    stranger = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])

    assert list(queries.list_requests(stranger)) == []
    with pytest.raises(NotFound):
        queries.get_request(stranger, asked.pk)


def test_needs_tell_experts_of_questions_and_askers_of_answers(asked, asker, expert, now) -> None:
    assert [need.url for need in queries.needs(expert, now=now)] == [f"/support/{asked.pk}/"]
    assert queries.needs(asker, now=now) == []

    services.answer(by=expert, request=asked, text="Lower it.", now=now)

    assert queries.needs(expert, now=now) == []
    assert [need.url for need in queries.needs(asker, now=now)] == [f"/support/{asked.pk}/"]
