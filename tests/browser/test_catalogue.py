"""The pages of catalogue and exchange in a real browser, and the try-it box with its stream."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.browser.test_frame import look_at
from tests.portal.catalogue.factories import NOW, SERIOUS, finish, make_candidate, make_place, make_version, start
from tests.portal.catalogue.serving import serving

from kifabrik.portal.catalogue.services import publication
from kifabrik.portal.exchange import services as exchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _own_home(home):
    return home


@pytest.fixture
def place():
    return make_place()


def published(place, **candidate):
    release = make_candidate(place, name="letters", **candidate)
    return publication.publish(by=place.manager, release=release, is_public=True, now=NOW)


def test_dataset_pages_are_accessible_and_whole(browser, client, place) -> None:
    version = make_version(place, findings=(SERIOUS,))
    start(place, make_version(place, name="mails"))
    browser.sign_in(place.manager, client)

    look_at(browser, "/datasets/", name="datasets")
    look_at(browser, f"/datasets/{version.dataset_id}/", name="dataset")


def test_the_start_of_a_training_is_accessible_and_shows_its_estimate(browser, client, place) -> None:
    make_version(place)
    browser.sign_in(place.manager, client)
    look_at(browser, f"/runs/new/?allocation={place.allocation.pk}", name="training")
    browser.open(f"/runs/new/?allocation={place.allocation.pk}")
    browser.driver.find_element(By.CSS_SELECTOR, "button[value=estimate]").click()

    browser.wait_for("#estimate-title")

    assert browser.driver.find_elements(By.CSS_SELECTOR, "button[value=start]")


def test_model_and_release_pages_are_accessible_and_whole(browser, client, place) -> None:
    release = published(place)
    red = make_candidate(place, red=("usefulness",), missing=("extraction",))
    run = finish(place, start(place))
    browser.sign_in(place.manager, client)

    look_at(browser, "/models/", name="models")
    look_at(browser, f"/models/{release.model_id}/", name="model")
    look_at(browser, f"/releases/{release.pk}/", name="release")
    look_at(browser, f"/releases/{red.pk}/", name="candidate")
    look_at(browser, f"/releases/{release.pk}/passport/", name="passport")
    look_at(browser, f"/releases/new/?run={run.pk}", name="propose")


def test_support_pages_are_accessible_and_whole(browser, client, place) -> None:
    asked = exchange.ask(
        by=place.manager, organisation=place.organisation, subject="Loss is NaN", text="After step 3.", now=NOW
    )
    browser.sign_in(place.manager, client)

    look_at(browser, "/support/", name="support")
    look_at(browser, "/support/new/", name="ask")
    look_at(browser, f"/support/{asked.pk}/", name="support-request")


def test_the_try_it_box_streams_into_the_page(browser, place, settings) -> None:
    release = published(place)
    browser.open(f"/releases/{release.pk}/")
    address = browser.driver.current_url
    browser.driver.find_element(By.NAME, "prompt").send_keys("Hello ")

    with serving(settings, models=["letters:1"], pieces=["Dear ", "customer", "."]):
        browser.driver.find_element(By.CSS_SELECTOR, "form[data-trial] button").click()
        answer = browser.driver.find_element(By.CSS_SELECTOR, "[data-trial-answer]")
        status = browser.driver.find_element(By.CSS_SELECTOR, "[data-trial-status]")
        WebDriverWait(browser.driver, 20).until(lambda _: status.text == "The model has finished.")

    assert answer.text == "Hello Dear customer."
    assert browser.driver.current_url == address  # the page stayed where it was
    assert browser.complaints() == []


def test_the_try_it_box_says_when_nobody_serves(browser, place, settings) -> None:
    settings.SERVING_URL = "http://127.0.0.1:9"
    release = published(place)
    browser.open(f"/releases/{release.pk}/")
    browser.driver.find_element(By.NAME, "prompt").send_keys("Hello")

    browser.driver.find_element(By.CSS_SELECTOR, "form[data-trial] button").click()

    status = browser.driver.find_element(By.CSS_SELECTOR, "[data-trial-status]")
    WebDriverWait(browser.driver, 20).until(lambda _: "does not answer" in status.text)
