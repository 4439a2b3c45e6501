"""The try-it box: streaming, whole answers, limits, and a serving process that is down."""

from datetime import timedelta

import pytest
from tests.portal.catalogue.factories import NOW, make_candidate, make_place
from tests.portal.catalogue.serving import serving
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.core.errors import Conflict, Unavailable
from kifabrik.portal.catalogue.models import Release, TrialWindow
from kifabrik.portal.catalogue.services import trials
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db
FORM = {"prompt": "Hello ", "tokens_max": "20", "temperature": "0.5"}


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def release(place):
    """A release that counts as published; its folder does not matter here."""
    release = make_candidate(place, name="letters")
    Release.objects.filter(pk=release.pk).update(state="released", released_at=NOW, released_by=place.manager)
    return Release.objects.select_related("model__organisation").get(pk=release.pk)


def try_it(client, release, *, form=FORM, stream=True):
    headers = {"Accept": "text/event-stream"} if stream else {}
    return client.post(f"/releases/{release.pk}/try", form, headers=headers)


def test_the_answer_streams_piece_by_piece(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["letters:1"]) as server:
        answer = try_it(client, release)
        frames = b"".join(answer.streaming_content).decode().split("\n\n")

    assert answer["Content-Type"] == "text/event-stream"
    assert frames[:3] == ['data: {"text": "Dear "}', 'data: {"text": "customer"}', 'data: {"text": ","}']
    assert frames[3].startswith("event: end")
    path, asked = server.asked[0]
    assert path == "/v1/completions"
    assert asked == {"model": "letters:1", "prompt": "Hello ", "max_tokens": 20, "temperature": 0.5, "stream": True}


def test_without_javascript_the_page_comes_back_with_the_answer(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["letters:1"], pieces=["<b>", "bold"]):
        page = try_it(client, release, stream=False)

    assert page.status_code == 200
    assert b"Hello &lt;b&gt;bold" in page.content


def test_a_serving_process_that_is_down_is_said_clearly(client, settings, place, release) -> None:
    settings.SERVING_URL = "http://127.0.0.1:9"  # the discard port: nobody listens
    client.force_login(place.manager)

    answer = try_it(client, release)
    assert (answer.status_code, answer.json()["code"]) == (503, "not-served")
    page = try_it(client, release, stream=False)
    assert page.status_code == 503
    assert b"does not answer" in page.content


def test_a_text_that_is_too_long_for_the_model_is_said_clearly(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["letters:1"], refusal=(400, "The prompt has 900 tokens; the model reads 256.")):
        answer = try_it(client, release)

    assert answer.status_code == 422
    assert answer.json()["title"] == "The prompt has 900 tokens; the model reads 256."


def test_a_busy_serving_process_is_said_clearly(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["letters:1"], refusal=(429, "full")):
        answer = try_it(client, release)

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")


def test_a_release_that_is_not_served_yet_is_said_clearly(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["other:1"]):
        answer = try_it(client, release)

    assert answer.status_code == 503
    assert "does not know this release" in answer.json()["title"]


def test_a_break_in_the_middle_ends_the_stream_with_a_word(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["letters:1"], pieces=["Dear ", None]):
        frames = b"".join(try_it(client, release).streaming_content).decode()

    assert "event: problem" in frames
    assert "event: end" not in frames


def test_wrong_wishes_are_refused_before_anybody_is_asked(client, settings, place, release) -> None:
    client.force_login(place.manager)

    with serving(settings, models=["letters:1"]) as server:
        answer = try_it(client, release, form={**FORM, "tokens_max": "100000"})
        page = try_it(client, release, form={**FORM, "prompt": ""}, stream=False)

    assert (answer.status_code, answer.json()["where"]) == (422, "tokens_max")
    assert page.status_code == 422
    assert server.asked == []


def test_who_may_not_read_a_release_may_not_try_it(client, settings, release) -> None:
    with serving(settings, models=["letters:1"]) as server:
        assert try_it(client, release).status_code == 404
        client.force_login(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]))
        assert try_it(client, release).status_code == 404

    assert server.asked == []


def test_visitors_try_public_releases_and_no_address_is_kept(client, settings, release) -> None:
    Release.objects.filter(pk=release.pk).update(is_public=True)

    with serving(settings, models=["letters:1"]):
        assert try_it(client, release).status_code == 200

    assert "127" not in TrialWindow.objects.get().visitor


def test_a_candidate_and_a_revoked_release_cannot_be_tried(client, settings, place, release) -> None:
    client.force_login(place.manager)
    for state in ("candidate", "revoked"):
        Release.objects.filter(pk=release.pk).update(state=state)
        assert try_it(client, release).status_code == 409
    with pytest.raises(Conflict):
        trials.complete(make_candidate(place), trials.Question("x"))


def test_tries_are_limited_within_a_minute_for_each_visitor() -> None:
    for _ in range(trials.USES_PER_WINDOW_MAX):
        trials.count_use(visitor="one", now=NOW)

    with pytest.raises(Unavailable) as error:
        trials.count_use(visitor="one", now=NOW + timedelta(seconds=59))
    assert error.value.code == "too-many-tries"
    trials.count_use(visitor="two", now=NOW)
    trials.count_use(visitor="one", now=NOW + timedelta(seconds=60))


def test_windows_that_have_ended_are_forgotten() -> None:
    trials.count_use(visitor="one", now=NOW)

    trials.count_use(visitor="two", now=NOW + timedelta(minutes=3))

    assert list(TrialWindow.objects.values_list("visitor", flat=True)) == ["two"]
