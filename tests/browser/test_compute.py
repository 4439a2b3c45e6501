"""The pages of compute in a real browser: accessible, curves drawn, and the run page follows a run by itself."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.browser.test_frame import look_at
from tests.portal.compute.factories import make_events, make_place, reserve, say, start_run, tell, use

from kifabrik.records.run_state import RunState

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]

LOSSES = [
    {
        "kind": "metric",
        "step": "pretraining",
        "metrics": [{"name": "train_loss", "value": 7.0 - step / 10, "step": step}],
    }
    for step in range(1, 30)
]


def make_running_run(place):
    run = say(place, reserve(place, start_run(place)), RunState.RUNNING)
    rows = [{"kind": "step-started", "step": "pretraining"}, *LOSSES]
    tell(place, run, make_events(*rows, {"kind": "progress", "step": "pretraining", "done": 0.5, "seconds_left": 40}))
    return run


def test_the_pages_of_an_applicant_are_accessible_and_whole(browser, client) -> None:
    place = make_place()
    run = make_running_run(place)
    browser.sign_in(place.manager, client)

    look_at(browser, "/allocations/", name="allocations")
    look_at(browser, f"/allocations/{place.allocation.pk}/", name="allocation")
    look_at(browser, "/runs/", name="runs")
    look_at(browser, f"/runs/{run.pk}/", name="run-running")


def test_a_running_run_shows_its_end_without_a_reload(browser, client) -> None:
    place = make_place()
    run = make_running_run(place)
    browser.sign_in(place.manager, client).open(f"/runs/{run.pk}/")
    browser.wait_for("[data-curve-url] canvas")
    assert "40 s" in browser.driver.find_element(By.TAG_NAME, "main").text

    use(place, run, 300)
    say(place, run, RunState.FAILED, reason="The disk of the node is full.")

    WebDriverWait(browser.driver, 20).until(
        lambda driver: "The disk of the node is full." in driver.find_element(By.TAG_NAME, "main").text
    )
    assert browser.complaints() == []


def test_the_pages_of_an_operator_are_accessible_and_whole(browser, client) -> None:
    place = make_place()
    browser.sign_in(place.operator, client)

    look_at(browser, "/sites/", name="sites")
    look_at(browser, f"/sites/{place.site.pk}/", name="site")
