"""Forecast, marks, hand-back and extension of allocations: each rule of money kept and broken, each right asked."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.portal.compute.factories import HOUR, NOW, account, make_job, make_place, make_site, reserve, start_run
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.funding.reference import access_modes, freeze_mode, systems
from kifabrik.funding.units import billed_seconds, device_seconds, machine_amount
from kifabrik.ledger.books import check_invariants
from kifabrik.ledger.forecast import foretell
from kifabrik.portal.compute.models import AllocationAlert, ExtensionRequest, LedgerTransfer
from kifabrik.portal.compute.queries.budgets import balance_of, outlook, read_transfers
from kifabrik.portal.compute.queries.extensions import add_months, offer_of, waiting_for
from kifabrik.portal.compute.queries.needs import needs
from kifabrik.portal.compute.services import alerts, allocations, extensions
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db
REPORT = "We trained two models on the public corpus and need the time to compare a third one with them. " * 2
REASON = "the third model is not needed"


@pytest.fixture
def place():
    return make_place(gpu_seconds=1000)


@pytest.fixture
def officer():
    return make_user(roles=[Role.PROGRAMME_OFFICER])


def verbs(place) -> list[str]:
    events = AuditEvent.objects.filter(object_kind="allocation", object_id=place.allocation.pk)
    return list(events.order_by("sequence").values_list("verb", flat=True))


# The forecast


def test_a_budget_lasts_at_the_rate_of_the_last_days() -> None:
    found = foretell(available=1000, used_recently=700, days=7, days_left=30, today=date(2026, 11, 24))

    assert (found.per_day, found.lasts_until, found.unused_at_end) == (100, date(2026, 12, 4), 0)
    assert found.needed_per_day == pytest.approx(1000 / 30)


def test_what_the_period_is_too_short_for_stays_unused() -> None:
    found = foretell(available=1000, used_recently=70, days=7, days_left=30, today=date(2026, 11, 24))

    assert (found.lasts_until, found.unused_at_end) == (None, 700)


@given(
    available=st.integers(-1000, 10**9),
    used=st.integers(0, 10**9),
    days=st.floats(0, 400),
    days_left=st.integers(0, 400),
)
def test_a_forecast_is_never_absurd(available, used, days, days_left) -> None:
    found = foretell(available=available, used_recently=used, days=days, days_left=days_left, today=date(2026, 11, 24))

    assert 0 <= found.unused_at_end <= max(0, available)
    if found.lasts_until is not None:
        assert date(2026, 11, 24) <= found.lasts_until <= date(2026, 11, 24) + timedelta(days=days_left)


def test_only_the_use_of_the_last_days_counts(place) -> None:
    account(place, make_job(place, gpu_seconds=140))

    now, later = (outlook(place.allocation, now=NOW + timedelta(days=days)) for days in (1, 20))

    assert now.forecast.per_day == 140
    assert later.forecast.per_day == 0


# Marks and warnings


@pytest.mark.parametrize(
    ("used", "kinds"),
    [(499, []), (500, ["used-50"]), (800, ["used-50", "used-80"]), (1200, ["used-50", "used-80", "used-95"])],
)
def test_a_mark_is_told_when_it_is_passed(place, used, kinds) -> None:
    account(place, make_job(place, gpu_seconds=used))

    assert list(AllocationAlert.objects.values_list("kind", flat=True)) == kinds


def test_each_mark_is_told_once(place) -> None:
    for seconds in (500, 510, 800, 960, 990):
        account(place, make_job(place, gpu_seconds=seconds, ended=False))

    assert AllocationAlert.objects.count() == 3
    told = [verb for verb in verbs(place) if "used" in verb]
    assert told == ["allocation.half-used", "allocation.mostly-used", "allocation.nearly-used-up"]


def test_members_hear_of_a_mark_while_it_is_news(place) -> None:
    account(place, make_job(place, gpu_seconds=820))

    assert any("80 % of" in need.title for need in needs(place.manager, now=NOW))
    assert not any("80 % of" in need.title for need in needs(place.manager, now=NOW + timedelta(days=8)))
    assert needs(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]), now=NOW) == []


def test_time_that_will_stay_unused_is_warned_of_once_in_the_second_half() -> None:
    place = make_place(gpu_seconds=1000, starts_on=date(2026, 11, 24), ends_on=date(2026, 12, 23))

    assert alerts.warn_of_unused(site=place.site, now=NOW + timedelta(days=5)) == 0
    assert alerts.warn_of_unused(site=place.site, now=NOW + timedelta(days=20)) == 1
    assert alerts.warn_of_unused(site=place.site, now=NOW + timedelta(days=21)) == 0

    assert AllocationAlert.objects.get().gpu_seconds == 1000
    titles = [need.title for need in needs(place.manager, now=NOW + timedelta(days=20))]
    assert any("expire unused" in title for title in titles)


def test_a_budget_in_use_is_not_warned_of() -> None:
    place = make_place(gpu_seconds=1000, starts_on=date(2026, 11, 24), ends_on=date(2026, 12, 23))
    late = NOW + timedelta(days=20)
    account(place, make_job(place, gpu_seconds=800), now=late)

    assert alerts.warn_of_unused(site=place.site, now=late) == 0


# Hand-back


def hand_back(place, by, seconds=300, reason=REASON):
    return allocations.hand_back(by=by, allocation=place.allocation, gpu_seconds=seconds, reason=reason, now=NOW)


def test_a_manager_hands_time_back_for_good(place) -> None:
    hand_back(place, place.manager)
    hand_back(place, place.manager, 100)

    booked = balance_of(place.allocation.pk)
    assert (booked.granted, booked.returned, booked.available) == (1000, 400, 600)
    assert check_invariants(read_transfers(place.allocation.pk)) == ()
    assert verbs(place).count("allocation.handed-back") == 2
    assert LedgerTransfer.objects.filter(kind="return", credit="pool").count() == 2


@pytest.mark.parametrize("seconds", [0, -1, 101, 5000])
def test_what_is_promised_reserved_or_missing_cannot_be_handed_back(place, seconds) -> None:
    reserve(place, start_run(place, seconds=600))
    start_run(place, seconds=300)

    with pytest.raises(Conflict) as refusal:
        hand_back(place, place.manager, seconds)
    assert refusal.value.code == "budget-too-small"
    hand_back(place, place.manager, 100)


def test_a_hand_back_needs_a_reason_and_a_living_allocation(place, officer) -> None:
    with pytest.raises(InvalidInput):
        hand_back(place, place.manager, reason="why not")
    allocations.close(by=officer, allocation=place.allocation, reason="the project ended early", now=NOW)
    with pytest.raises(Conflict, match="closed"):
        hand_back(place, place.manager)


@pytest.mark.parametrize("role", list(Role))
def test_who_may_hand_time_back(place, role) -> None:
    person = make_user(roles=[role])
    member = make_user(roles=[role], organisations=[place.organisation])

    for someone in (person, member):
        if role is Role.PROGRAMME_OFFICER:
            hand_back(place, someone, 1)
        else:
            with pytest.raises(Refused):
                hand_back(place, someone, 1)


# Extension


def ask(place, by=None, kind="months", report=REPORT, now=NOW):
    return extensions.ask(by=by or place.manager, allocation=place.allocation, kind=kind, report=report, now=now)


def decide(place, by, *, grant=True, reasons="good progress so far", now=NOW):
    return extensions.decide(by=by, allocation=place.allocation, grant=grant, reasons=reasons, now=now)


def test_a_granted_period_is_three_months_longer(place, officer) -> None:
    ask(place)
    assert [row.allocation_id for row in waiting_for(officer)] == [place.allocation.pk]
    assert any("extension" in need.title for need in needs(officer, now=NOW))

    decide(place, officer)

    place.allocation.refresh_from_db()
    assert place.allocation.ends_on == date(2027, 4, 30)  # from the 31st of January
    assert balance_of(place.allocation.pk).granted == 1000
    assert verbs(place)[-2:] == ["allocation.extension-asked", "allocation.extension-granted"]
    assert not waiting_for(officer).exists()


def test_granted_time_is_a_tenth_more_and_booked_once(place, officer) -> None:
    ask(place, kind="percent")
    decide(place, officer)

    assert balance_of(place.allocation.pk).granted == 1100
    assert LedgerTransfer.objects.filter(kind="grant").count() == 2
    with pytest.raises(Conflict):
        decide(place, officer)


def test_a_refused_extension_changes_nothing_and_stays_refused(place, officer) -> None:
    ask(place)
    decide(place, officer, grant=False, reasons="the report names no result")

    place.allocation.refresh_from_db()
    assert place.allocation.ends_on == date(2027, 1, 31)
    assert ExtensionRequest.objects.get().reasons == "the report names no result"
    with pytest.raises(Conflict, match="once"):
        ask(place)


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"report": "short"}, InvalidInput), ({"report": "x" * 4001}, InvalidInput), ({"kind": "years"}, InvalidInput)],
)
def test_a_request_that_says_too_little_is_refused(place, changes, error) -> None:
    with pytest.raises(error):
        ask(place, **changes)


def test_an_allocation_that_is_over_is_not_extended(place, officer) -> None:
    with pytest.raises(Conflict, match="over"):
        ask(place, now=NOW + timedelta(days=90))
    ask(place)
    with pytest.raises(Conflict, match="over"):
        decide(place, officer, now=NOW + timedelta(days=90))
    decide(place, officer, grant=False, now=NOW + timedelta(days=90))


def test_a_decision_needs_a_request_and_reasons(place, officer) -> None:
    with pytest.raises(Conflict):
        decide(place, officer)
    ask(place)
    with pytest.raises(InvalidInput):
        decide(place, officer, reasons="no")


@pytest.mark.parametrize("role", list(Role))
def test_who_may_ask_and_who_may_decide(place, role) -> None:
    stranger, member = make_user(roles=[role]), make_user(roles=[role], organisations=[place.organisation])

    with pytest.raises(Refused):
        ask(place, by=stranger)
    if role is Role.APPLICANT:
        ask(place, by=member)
    else:
        with pytest.raises(Refused):
            ask(place, by=member)
        ask(place)
    if role is Role.PROGRAMME_OFFICER:
        decide(place, stranger)
    else:
        for someone in (stranger, member):
            with pytest.raises(Refused):
                decide(place, someone)


def test_the_rules_of_the_call_say_what_an_extension_gives(place) -> None:
    assert (offer_of(place.allocation).months, offer_of(place.allocation).gpu_seconds) == (3, 100)

    call = place.allocation.award.proposal.call
    call.mode_rules = freeze_mode(access_modes()["regular"])
    call.mode_rules["extension"] = {"times": 1, "months": 6, "percent": 20, "needs_interim_report": True}
    call.save()
    place.allocation.refresh_from_db()

    assert (offer_of(place.allocation).months, offer_of(place.allocation).gpu_seconds) == (6, 200)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 29), 3, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 10, 31), 2, date(2026, 12, 31)),
    ],
)
def test_months_are_calendar_months(day, months, expected) -> None:
    assert add_months(day, months) == expected


# Units of machines


@pytest.mark.parametrize(
    ("system", "amount", "unit"),
    [
        ("leonardo-booster", 25.0, "node-hour"),
        ("marenostrum5-acc", 2000.0, "core-hour"),
        ("karolina-gpu", 12.5, "node-hour"),
    ],
)
def test_hundred_gpu_hours_are_so_many_units_of_the_site(system, amount, unit) -> None:
    found = machine_amount(100 * HOUR, systems()[system])

    assert (found.amount, found.unit) == (amount, unit)


@pytest.mark.parametrize("system", ["laptop", "jupiter", "lumi-g"])
def test_a_site_that_counts_as_we_do_needs_no_other_words(system) -> None:
    assert machine_amount(100 * HOUR, systems()[system]) is None


@given(st.integers(0, 10**12), st.sampled_from(sorted(systems())))
def test_devices_and_billed_gpus_turn_into_each_other(seconds, code) -> None:
    system = systems()[code]

    assert billed_seconds(device_seconds(seconds, system), system) == seconds
    assert 0 <= device_seconds(billed_seconds(seconds, system), system) - seconds < system.scheduler_devices_per_gpu


def test_an_unknown_machine_counts_one_for_one() -> None:
    assert (billed_seconds(7, None), device_seconds(7, None), machine_amount(7, None)) == (7, 7, None)
    make_site("cluster", system_code="cluster")
