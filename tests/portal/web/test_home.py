"""The home page: what needs a person, what they own, and what a visitor is offered."""

from datetime import timedelta

import pytest
from django.utils import timezone
from tests.portal.calls.factories import make_call
from tests.portal.catalogue.factories import make_candidate
from tests.portal.compute.factories import make_place, start_run
from tests.portal.people.factories import SINCE, make_organisation, make_user

from kifabrik.portal.doors.needs import Need, sort_by_weight
from kifabrik.portal.web import home

pytestmark = pytest.mark.django_db


def test_the_heaviest_need_comes_first_then_the_earliest_then_the_dateless() -> None:
    needs = [
        Need("no date", "", "/", weight=50),
        Need("later", "", "/", due_at=SINCE + timedelta(days=2), weight=50),
        Need("light", "", "/", due_at=SINCE, weight=10),
        Need("sooner", "", "/", due_at=SINCE + timedelta(days=1), weight=50),
        Need("heavy", "", "/", weight=90),
    ]

    assert [need.title for need in sort_by_weight(needs)] == ["heavy", "sooner", "later", "no date", "light"]


def test_every_chapter_is_asked() -> None:
    chapters = {ask.__module__.split(".")[2] for ask in home.CHAPTERS}

    assert chapters == {"people", "calls", "compute", "catalogue", "exchange"}


def test_a_member_sees_their_own_and_nobody_elses(client, home_folder) -> None:
    mine, other = make_place(), make_place()
    start_run(mine)
    start_run(other)
    client.force_login(mine.manager)

    page = client.get("/").text

    assert mine.allocation.award.proposal.title in page
    assert other.allocation.award.proposal.title not in page
    assert page.count('href="/runs/run-') == 1
    assert "10.0 CPU-hours" in page


@pytest.fixture
def home_folder(home):
    return home


def belongings(count: int):
    place = make_place()
    for _ in range(count):
        run = start_run(place)
    return place, run


@pytest.mark.parametrize("count", [1, 3])
def test_home_costs_the_same_for_one_run_and_for_three(
    client, home_folder, count, django_assert_max_num_queries
) -> None:
    place, _ = belongings(count)
    client.force_login(place.manager)

    with django_assert_max_num_queries(24):
        client.get("/")


def test_a_visitor_sees_open_calls_and_public_models_only(client, home_folder) -> None:
    now = timezone.now()
    make_call("open-call", opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=30))
    make_call("closed-call", opens_at=now - timedelta(days=30), closes_at=now - timedelta(days=1))
    make_call("later-call", opens_at=now + timedelta(days=1), closes_at=now + timedelta(days=30))
    release = make_candidate()

    page = client.get("/").text

    assert "open-call" in page
    assert "closed-call" not in page
    assert "later-call" not in page
    assert release.model.name not in page


def test_an_account_without_an_organisation_is_told_how_to_begin() -> None:
    newcomer, member = make_user(), make_user(organisations=[make_organisation()])

    assert [need.url for need in home.needs_of(newcomer, now=SINCE)] == ["/organisations/"]
    assert home.needs_of(member, now=SINCE) == []
