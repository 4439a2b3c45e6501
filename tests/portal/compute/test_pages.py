"""The pages of compute: plain sentences, what each role sees, and as many queries for three rows as for one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.portal.compute.factories import (
    HOUR,
    NOW,
    make_award,
    make_evaluation,
    make_events,
    make_manifest,
    make_place,
    make_site,
    reserve,
    say,
    start_run,
    tell,
    use,
)
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.compute.queries.needs import needs
from kifabrik.portal.people.models import AccessToken
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db
EVENTS = (
    {"kind": "attempt", "message": "attempt 1"},
    {"kind": "step-started", "step": "dataset", "done": 0.0},
    {"kind": "step-ended", "step": "dataset", "done": 1.0},
    {"kind": "step-started", "step": "pretraining", "done": 0.0},
    {"kind": "metric", "step": "pretraining", "metrics": [{"name": "train_loss", "value": 7.5, "step": 1}]},
    {"kind": "sample", "step": "pretraining", "message": "def <b>words</b>"},
    {"kind": "progress", "step": "pretraining", "done": 0.42, "seconds_left": 75.0},
)


@pytest.fixture
def place():
    return make_place(gpu_seconds=10 * HOUR)


def go(place, **fields) -> Run:
    run = start_run(place, **fields)
    reserve(place, run)
    say(place, run, "running")
    tell(place, run, make_events(*EVENTS))
    return run


def read(client, user, path, status=200) -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:500]
    return " ".join(answer.content.decode().split())


def test_an_allocation_says_in_words_what_is_left(client, place) -> None:
    run = go(place, seconds=2 * HOUR)
    use(place, run, HOUR)

    page = read(client, place.manager, f"/allocations/{place.allocation.pk}/")

    assert "CPU-hours" in page
    assert "at this rate" in page
    assert "the books add up" in page
    for kind in ("granted by the award", "set aside for an attempt", "given back, not needed"):
        assert kind in page
    assert f"/runs/new/?allocation={place.allocation.pk}" in page


def test_a_gpu_site_counts_gpu_hours(client) -> None:
    make_site("cluster", system_code="cluster", unit="GPU", devices=4)
    place = make_place(code="cluster")

    assert "GPU-hours" in read(client, place.manager, f"/allocations/{place.allocation.pk}/")


def test_an_overdraft_is_stated(client, place) -> None:
    run = go(place)
    use(place, run, 11 * HOUR)

    page = read(client, place.manager, f"/allocations/{place.allocation.pk}/")

    assert "the overdraft is" in page
    assert "used beyond the reservation" in page


def test_an_allocation_without_runs_says_how_to_begin(client, place) -> None:
    page = read(client, place.manager, f"/allocations/{place.allocation.pk}/")

    assert f"kifabrik run start recipe.yaml --allocation {place.allocation.pk}" in page


def test_a_run_shows_where_it_stands(client, place) -> None:
    run = go(place)

    page = read(client, place.manager, f"/runs/{run.pk}/")

    assert "42 % done" in page
    assert "about 1 min 15 s left in this step" in page
    assert f'hx-get="/runs/{run.pk}/live/?state=running"' in page
    assert f"/api/v1/runs/{run.pk}/curve?step=pretraining&amp;group=loss" in page
    assert "def &lt;b&gt;words&lt;/b&gt;" in page  # what a model writes is text, never markup
    assert "Cancel the run" in page


def test_the_moving_part_asks_for_the_whole_page_once_the_state_changed(client, place) -> None:
    run = go(place)
    client.force_login(place.manager)

    same = client.get(f"/runs/{run.pk}/live/?state=running")
    say(place, run, "succeeded")
    changed = client.get(f"/runs/{run.pk}/live/?state=running")

    assert "HX-Refresh" not in same.headers
    assert changed.headers["HX-Refresh"] == "true"
    assert "hx-trigger" in same.content.decode()
    assert "hx-trigger" not in changed.content.decode()


def test_a_finished_run_compares_what_was_expected_and_what_it_took(client, place) -> None:
    run = go(place)
    use(place, run, 300)
    run.refresh_from_db()
    compute = {"flop": 2 * 10**12, "method": "closed formula", "train_tokens": 990, "wall_seconds": 61.0}
    energy = {"watt_hours": 1.25, "method_class": "modelled", "method": "constant power"}
    run.manifest = make_manifest(run, compute=compute, energy=energy).model_dump(mode="json")
    run.evaluation = make_evaluation(run).model_dump(mode="json")
    run.outputs = [{"path": "model/config.json", "digest": "sha256:" + "a" * 64, "size_bytes": 2048}]
    run.save()
    say(place, run, "succeeded")

    page = read(client, place.manager, f"/runs/{run.pk}/")

    for words in ("2.00 × 10¹²", "990", "modelled: constant power", "1.25 Wh", "1 min 1 s", "2.0 kB", "closed formula"):
        assert words in page
    assert f"/releases/new/?run={run.pk}" in page
    assert "Cancel the run" not in page


def test_a_failed_run_says_why(client, place) -> None:
    run = go(place)
    say(place, run, "failed", reason="the loss became nan at step 12")

    assert "the loss became nan at step 12" in read(client, place.manager, f"/runs/{run.pk}/")


def test_the_whole_log_is_paged(client, place) -> None:
    run = start_run(place)
    tell(place, run, make_events(*[{"kind": "progress", "step": "encoding", "done": 0.5}] * 60))

    page = read(client, place.manager, f"/runs/{run.pk}/log/")

    assert "Page 1 of 2" in page


def test_a_run_is_cancelled_from_its_page(client, place) -> None:
    run = start_run(place)
    client.force_login(place.manager)

    answer = client.post(f"/runs/{run.pk}/cancel/", follow=True)

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "It has used nothing" in answer.content.decode()


def test_an_officer_pauses_resumes_and_closes(client, place) -> None:
    client.force_login(make_user(roles=[Role.PROGRAMME_OFFICER]))
    where = f"/allocations/{place.allocation.pk}/"

    for act in ("pause", "close"):
        assert client.post(f"{where}{act}/", {"reason": "short"}).status_code == 422
    for act, state in (("pause", "paused"), ("resume", "open"), ("close", "closed")):
        client.post(f"{where}{act}/", {"reason": "the site is being moved"})
        place.allocation.refresh_from_db()
        assert place.allocation.state == state
    assert "expired" in client.get(where).content.decode()


def test_an_award_is_accepted_from_its_page(client) -> None:
    make_site()
    award = make_award()
    client.force_login(make_user(organisations=[award.organisation]))
    assert client.post(f"/awards/{award.pk}/accept/").status_code == 403

    client.force_login(make_user(manages=[award.organisation]))
    answer = client.post(f"/awards/{award.pk}/accept/", follow=True)

    assert answer.request["PATH_INFO"] == f"/allocations/{Allocation.objects.get().pk}/"
    assert "the allocation is open" in answer.content.decode()


def test_empty_lists_say_how_to_begin(client) -> None:
    person = make_user(roles=[Role.APPLICANT], organisations=[make_organisation()])

    assert "kifabrik run start" in read(client, person, "/runs/")
    assert "kifabrik call list" in read(client, person, "/allocations/")
    assert "kifabrik site agent" in read(client, make_user(roles=[Role.OPERATOR]), "/sites/")


def test_an_operator_registers_a_site_and_gets_a_token_shown_once(client) -> None:
    client.force_login(make_user(roles=[Role.OPERATOR]))
    facts = {"code": "lab", "name": "The lab", "system_code": "laptop", "unit": "CPU", "devices": "1"}

    assert client.post("/sites/", {**facts, "code": "No good"}).status_code == 422
    answer = client.post("/sites/", facts, follow=True)
    assert "kifabrik site agent --portal http://testserver" in answer.content.decode()
    shown = client.post("/sites/lab/token/").content.decode()

    assert AccessToken.objects.get().site_code == "lab"
    assert "kf_" in shown
    assert "kf_" not in client.get("/sites/lab/").content.decode()
    assert Site.objects.get().system_code == "laptop"


@pytest.mark.parametrize(
    ("silence", "words"), [(None, "No agent has spoken"), (10, "asks for work"), (600, "Nothing was heard")]
)
def test_a_site_says_how_its_agent_is(client, place, silence, words, time_machine_now) -> None:
    if silence is not None:
        Site.objects.update(last_seen_at=time_machine_now - timedelta(seconds=silence))

    assert words in read(client, place.operator, "/sites/laptop/")


@pytest.fixture
def time_machine_now():
    from django.utils import timezone

    return timezone.now()


@pytest.mark.parametrize(
    ("role", "at_site", "status"),
    [
        (Role.OPERATOR, "laptop", 200),
        (Role.OPERATOR, "cluster", 404),
        (Role.PROGRAMME_OFFICER, "", 200),
        (Role.AUDITOR, "", 200),
        (Role.APPLICANT, "", 404),
        (Role.REVIEWER, "", 404),
        (Role.SUPPORT_EXPERT, "", 404),
        (Role.VISITOR, "", 404),
    ],
)
def test_who_opens_the_pages_of_others(client, place, role, at_site, status) -> None:
    run = go(place)
    person = make_user(roles=[role], site_code=at_site, organisations=[make_organisation()])

    for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/live/", f"/runs/{run.pk}/log/"):
        read(client, person, path, status)
    read(client, person, f"/allocations/{place.allocation.pk}/", status)
    read(client, person, "/sites/laptop/", status)


def test_only_those_who_may_act_see_the_buttons(client, place) -> None:
    run = go(place)
    auditor = make_user(roles=[Role.AUDITOR])

    assert "Cancel the run" not in read(client, auditor, f"/runs/{run.pk}/")
    page = read(client, auditor, f"/allocations/{place.allocation.pk}/")
    assert "Start a run" not in page
    assert "Close for good" not in page
    assert place.manager.name not in page.split("Who may use it")[1].split("What happened")[0]


@pytest.mark.parametrize("path", ["/runs/", "/allocations/", "/sites/", "/runs/run-1/", "/allocations/a/"])
def test_strangers_are_asked_to_sign_in(client, path) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/sign-in/")


@pytest.mark.parametrize("method", ["pause", "resume", "close"])
def test_writes_are_not_made_by_reading(client, place, method) -> None:
    client.force_login(make_user(roles=[Role.PROGRAMME_OFFICER]))

    assert client.get(f"/allocations/{place.allocation.pk}/{method}/").status_code == 405


def test_german_is_complete_where_it_counts(client, place) -> None:
    place.manager.language = "de"
    place.manager.save()
    run = go(place)

    assert "Lauf abbrechen" in read(client, place.manager, f"/runs/{run.pk}/")
    assert "Kontoauszug" in read(client, place.manager, f"/allocations/{place.allocation.pk}/")


@pytest.mark.parametrize("path", ["/runs/", "/allocations/", "/sites/", "allocation", "run"])
def test_pages_ask_as_often_for_three_rows_as_for_one(client, path) -> None:
    auditor = make_user(roles=[Role.AUDITOR, Role.OPERATOR])

    def count(rows) -> int:
        places = [make_place(code=f"site-{rows}-{number}") for number in range(rows)]
        for place in places:
            go(place)
        chosen = places[0]
        runs = [go(chosen) for _ in range(rows)]
        use(chosen, runs[0], 5)
        where = {"allocation": f"/allocations/{chosen.allocation.pk}/", "run": f"/runs/{runs[0].pk}/"}.get(path, path)
        client.force_login(auditor)
        client.get(where)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(where).status_code == 200
        return len(queries)

    first = count(1)
    assert count(3) == first
    assert first <= 30


def test_the_home_page_hears_of_trouble(place) -> None:
    run = go(place)
    say(place, run, "failed", reason="the disk was full")
    use(place, run, 9.5 * HOUR)
    waiting = start_run(place, seconds=60)

    mine = {need.title: need for need in needs(place.manager, now=NOW)}
    operators = needs(place.operator, now=NOW)

    assert any("the disk was full" in need.text for need in mine.values())
    assert any("Little is left" in title for title in mine)
    assert [need.url for need in operators] == ["/sites/laptop/"]
    assert needs(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]), now=NOW) == []
    Site.objects.update(last_seen_at=NOW)
    assert needs(place.operator, now=NOW) == []
    assert waiting.state == "requested"


def test_old_trouble_is_no_news(place) -> None:
    run = go(place)
    say(place, run, "failed", reason="the disk was full")

    assert needs(place.manager, now=NOW + timedelta(days=4)) == []
