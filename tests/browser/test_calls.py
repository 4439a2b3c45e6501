"""The pages of calls in a real browser: accessible, and the form saves itself and reckons while it is written."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.browser.test_frame import look_at
from tests.portal.calls.factories import check, make_award, make_call, make_cast, make_draft, make_submitted

from kifabrik.portal.calls.models import Proposal

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_pages_of_an_applicant_are_accessible_and_whole(browser, client) -> None:
    cast = make_cast(
        summary_en="Computing time for start-ups and SMEs.", summary_de="Rechenzeit für Start-ups und KMU."
    )
    draft, refused = make_draft(cast), make_submitted(cast, resources={"gpu_hours": 20_000})
    make_call(mode_code="fast-lane")
    award = make_award(cast)
    browser.sign_in(cast.applicant, client)

    look_at(browser, "/calls/", name="calls")
    look_at(browser, f"/calls/{cast.call.pk}/", name="call")
    look_at(browser, "/proposals/", name="proposals")
    look_at(browser, f"/proposals/new/?call={cast.call.pk}", name="proposal-new")
    look_at(browser, f"/proposals/{draft.pk}/edit/", name="proposal-form")
    look_at(browser, f"/proposals/{refused.pk}/", name="proposal-refused")
    look_at(browser, "/awards/", name="awards")
    look_at(browser, f"/awards/{award.pk}/", name="award")


def test_the_pages_of_operator_and_officer_are_accessible_and_whole(browser, client) -> None:
    cast = make_cast()
    unchecked, checked = make_submitted(cast), make_submitted(cast)
    check(cast, checked)

    browser.sign_in(cast.operator, client)
    look_at(browser, f"/proposals/{unchecked.pk}/", name="proposal-to-check")
    browser.sign_in(cast.officer, client)
    look_at(browser, f"/proposals/{checked.pk}/", name="proposal-to-decide")
    look_at(browser, "/calls/new/", name="call-form")


def test_the_form_saves_itself_and_reckons_while_it_is_written(browser, client) -> None:
    cast = make_cast()
    draft = make_draft(cast)
    browser.sign_in(cast.applicant, client).open(f"/proposals/{draft.pk}/edit/")
    driver = browser.driver

    def write(field, text):
        element = driver.find_element(By.ID, field)
        element.clear()
        element.send_keys(text)
        driver.execute_script("arguments[0].dispatchEvent(new Event('change', {bubbles: true}))", element)

    write("id_work__parameters", "7000000000")
    write("id_project__title", "Written in a browser")
    WebDriverWait(driver, 20).until(
        lambda _: (
            Proposal.objects.get(pk=draft.pk).title == "Written in a browser"
            and driver.find_element(By.ID, "id_version").get_attribute("value") != "1"
        )
    )
    WebDriverWait(driver, 20).until(lambda _: "CPU-hours" in driver.find_element(By.ID, "estimate").text)

    assert Proposal.objects.get(pk=draft.pk).answers["work"]["parameters"] == 7_000_000_000
    assert len(driver.find_elements(By.ID, "id_version")) == 1
    driver.find_element(By.CSS_SELECTOR, "#rows-related button").click()
    browser.wait_for("#id_related-0-name")
    assert browser.complaints() == []
