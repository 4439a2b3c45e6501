"""Accepting awards, pausing, closing, expiring; what the books say afterwards."""

from datetime import date, timedelta

import pytest
from tests.portal.compute.factories import (
    HOUR,
    NOW,
    make_award,
    make_place,
    make_site,
    reserve,
    say,
    start_run,
    use,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Refused
from kifabrik.ledger.books import check_invariants
from kifabrik.portal.compute.models import Allocation, LedgerTransfer
from kifabrik.portal.compute.queries.budgets import (
    balance_of,
    list_transfers,
    outlook,
    read_transfers,
    spendable,
    statement,
)
from kifabrik.portal.compute.services import allocations
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db


def test_accepting_an_award_opens_the_allocation_and_books_the_grant() -> None:
    place = make_place(gpu_seconds=10 * HOUR)

    assert place.allocation.site == place.site
    assert place.allocation.state == "open"
    assert balance_of(place.allocation.pk).available == 10 * HOUR
    assert place.allocation.award.accepted_by == place.manager
    assert set(AuditEvent.objects.values_list("verb", flat=True)) >= {"award.accepted", "allocation.opened"}


def test_accepting_twice_is_accepting_once() -> None:
    place = make_place()

    again = allocations.accept_award(by=place.manager, award=place.allocation.award, now=NOW)

    assert again == place.allocation
    assert LedgerTransfer.objects.count() == 1


def test_a_member_who_is_no_manager_may_not_accept() -> None:
    award = make_award()
    make_site()
    member = make_user(roles=[Role.APPLICANT], organisations=[award.organisation])

    with pytest.raises(Refused, match="manager"):
        allocations.accept_award(by=member, award=award, now=NOW)


@pytest.mark.parametrize("role", [Role.PROGRAMME_OFFICER, Role.OPERATOR, Role.AUDITOR])
def test_people_outside_the_organisation_may_not_even_see_the_award(role) -> None:
    award = make_award()
    make_site()
    stranger = make_user(roles=[role], manages=[make_organisation()])

    with pytest.raises(NotFound):
        allocations.accept_award(by=stranger, award=award, now=NOW)
    assert not Allocation.objects.exists()


def test_without_a_site_the_award_waits() -> None:
    award = make_award()
    manager = make_user(manages=[award.organisation])

    with pytest.raises(Conflict, match="No site"):
        allocations.accept_award(by=manager, award=award, now=NOW)

    make_site()
    assert allocations.accept_award(by=manager, award=award, now=NOW).site_id == "laptop"


def test_an_award_whose_period_is_over_cannot_be_accepted() -> None:
    award = make_award(starts_on=date(2026, 9, 1), ends_on=date(2026, 9, 30))
    make_site()

    with pytest.raises(Conflict, match="over"):
        allocations.accept_award(by=make_user(manages=[award.organisation]), award=award, now=NOW)


def test_pausing_stops_new_runs_and_resuming_lets_them_start_again() -> None:
    place = make_place()
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])

    allocations.pause(by=officer, allocation=place.allocation, reason="a question about the data", now=NOW)
    with pytest.raises(Conflict, match="question about the data"):
        start_run(place)

    allocations.resume(by=officer, allocation=place.allocation, now=NOW)
    assert start_run(place).state == "requested"


@pytest.mark.parametrize("role", [Role.APPLICANT, Role.OPERATOR, Role.AUDITOR, Role.REVIEWER, Role.SUPPORT_EXPERT])
def test_only_an_officer_may_pause_and_close(role) -> None:
    place = make_place()
    person = make_user(roles=[role], manages=[place.organisation])

    for act in (allocations.pause, allocations.close):
        with pytest.raises(Refused):
            act(by=person, allocation=place.allocation, reason="because I want to", now=NOW)


def test_a_reason_must_be_a_sentence() -> None:
    place = make_place()

    with pytest.raises(InvalidInput):
        allocations.close(
            by=make_user(roles=[Role.PROGRAMME_OFFICER]), allocation=place.allocation, reason="no", now=NOW
        )


def test_closing_expires_what_is_left_and_ends_waiting_runs() -> None:
    place = make_place(gpu_seconds=10 * HOUR)
    waiting, going = start_run(place), start_run(place)
    reserve(place, going)
    say(place, going, "submitted")
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])

    closed = allocations.close(by=officer, allocation=place.allocation, reason="the project has ended", now=NOW)
    waiting.refresh_from_db()
    going.refresh_from_db()

    assert (closed.state, waiting.state, going.state, going.wanted) == ("closed", "cancelled", "submitted", "stop")
    booked = balance_of(place.allocation.pk)
    assert (booked.expired, booked.reserved, booked.available) == (10 * HOUR - 900, 900, 0)


def test_usage_after_the_closing_is_booked_and_the_rest_expires_too() -> None:
    place = make_place(gpu_seconds=10 * HOUR)
    run = start_run(place)
    reserve(place, run)
    allocations.close(
        by=make_user(roles=[Role.PROGRAMME_OFFICER]), allocation=place.allocation, reason="the end of it", now=NOW
    )

    use(place, run, 100)

    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.reserved, booked.expired, booked.available) == (100, 0, 10 * HOUR - 100, 0)
    assert check_invariants(read_transfers(place.allocation.pk)) == ()


def test_an_allocation_is_closed_when_its_last_day_is_over_and_not_before() -> None:
    place = make_place(ends_on=date(2026, 11, 24))

    assert allocations.expire_ended(site=place.site, now=NOW) == 0
    assert allocations.expire_ended(site=place.site, now=NOW + timedelta(days=1)) == 1
    assert allocations.expire_ended(site=place.site, now=NOW + timedelta(days=2)) == 0
    assert balance_of(place.allocation.pk).expired == 10 * HOUR


def test_the_statement_runs_and_its_second_page_goes_on_where_the_first_ended() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=400)
    reserve(place, run)
    use(place, run, 150)
    rows = list(list_transfers(place.allocation))

    whole = [(line.row.kind, line.change, line.left) for line in statement(place.allocation, rows)]
    second_page = [line.left for line in statement(place.allocation, rows[2:])]

    assert whole == [("grant", 1000, 1000), ("reserve", -400, 600), ("post", 0, 600), ("void", 250, 850)]
    assert second_page == [600, 850]


def test_waiting_runs_are_promised_their_time() -> None:
    place = make_place(gpu_seconds=1000)
    start_run(place, seconds=400)

    assert balance_of(place.allocation.pk).available == 1000
    assert spendable(place.allocation.pk) == 600


def test_the_outlook_foretells_the_day_on_which_the_budget_ends() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=400)
    reserve(place, run)
    use(place, run, 200)

    view = outlook(place.allocation, now=NOW + timedelta(days=10))

    assert view.forecast.per_day == pytest.approx(20)
    assert view.forecast.lasts_until == date(2027, 1, 13)


def test_a_budget_that_outlasts_its_period_has_no_such_day() -> None:
    place = make_place(gpu_seconds=1000 * HOUR)

    assert outlook(place.allocation, now=NOW).forecast.lasts_until is None
