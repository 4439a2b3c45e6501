"""The pages of people and of the portal itself in a real browser: accessible, whole at 390 px, light and dark.

With the environment name SCREENSHOTS set to a folder, every page that is looked at is kept there as an image.
"""

import os
from pathlib import Path

import pytest
from django.db import transaction
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests.browser.conftest import NARROW, WIDE, run_axe
from tests.portal.calls.factories import Cast, make_call, make_draft
from tests.portal.compute.factories import HOUR, make_place, reserve, say, start_run, use
from tests.portal.people.factories import make_organisation, make_token, make_user

from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.services import audit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look_at(browser, path: str, *, name: str = "") -> None:
    """See a page wide and light, narrow and dark (with SCREENSHOTS in all four ways), and find nothing wrong."""
    ways = [(WIDE, "light"), (NARROW, "dark")]
    if "SCREENSHOTS" in os.environ:
        ways += [(WIDE, "dark"), (NARROW, "light")]
    for width, theme in ways:
        browser.look(width=width, theme=theme).open(path)
        keep(browser, f"{name or path.strip('/').replace('/', '-') or 'home'}-{width}-{theme}")

        assert run_axe(browser.driver) == [], (path, width, theme)
        assert not browser.scrolls_sideways(), (path, width, theme)
    assert [line for line in browser.complaints() if "404" not in line] == []


def keep(browser, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.screenshot(Path(folder) / f"{name}.png")


@pytest.mark.parametrize("path", ["/", "/about/", "/reference/", "/sign-in/", "/nowhere/"])
def test_a_visitors_page_is_accessible_and_whole(browser, path) -> None:
    look_at(browser, path)


@pytest.fixture
def officer():
    own = make_organisation("Müller & Söhne Sprachmodelle GmbH", register_number="HRB 12345", vat_number="DE123456789")
    make_user("ben@example.eu", name="Ben Example", roles=[Role.APPLICANT], organisations=[own])
    make_user("eva@example.eu", name="Eva Closed", is_active=False)
    user = make_user(
        "ada@example.eu",
        name="Ada Example",
        roles=[Role.PROGRAMME_OFFICER, Role.AUDITOR, Role.APPLICANT],
        manages=[own],
    )
    make_token(user)
    return user


def test_the_pages_of_an_officer_are_accessible_and_whole(browser, client, officer, now) -> None:
    organisation = officer.memberships.get().organisation
    with transaction.atomic():
        for number in range(3):
            audit.append(by=officer, verb="organisation.created", what=organisation, details={"n": number}, now=now)
    browser.sign_in(officer, client)

    look_at(browser, "/", name="home-officer")
    look_at(browser, "/profile/")
    look_at(browser, "/profile/password/")
    look_at(browser, "/organisations/")
    look_at(browser, "/organisations/new/")
    look_at(browser, f"/organisations/{organisation.pk}/", name="organisation")
    look_at(browser, "/people/")
    look_at(browser, "/audit/?verify=yes", name="audit")


@pytest.fixture
def member(home):
    """Somebody with an allocation, runs in several states, a draft and an open call."""
    place = make_place(gpu_seconds=40 * HOUR)
    for seconds, state in ((900, "succeeded"), (900, "running"), (600, "requested")):
        run = start_run(place, seconds=seconds)
        if state != "requested":
            reserve(place, run)
            say(place, run, "running")
        if state == "succeeded":
            use(place, run, 5400)
            say(place, run, state)
    cast = Cast(place.organisation, place.manager, place.operator, place.operator, make_call("open-call"))
    make_draft(cast)
    return place.manager


def test_a_home_in_both_languages_shows_what_is_under_way(browser, client, member) -> None:
    browser.sign_in(member, client)

    look_at(browser, "/", name="home-member")
    member.language = "de"
    member.save()
    look_at(browser, "/", name="home-member-german")
    look_at(browser, "/profile/", name="profile-german")
    look_at(browser, "/reference/", name="reference-german")


def test_the_api_page_works_without_help_from_elsewhere(browser) -> None:
    browser.open("/api/v1/docs").wait_for(".opblock")
    keep(browser, "api")

    assert [line for line in browser.complaints() if "favicon" not in line] == []


def test_every_component_is_accessible_and_the_curve_is_drawn_in_both_themes(browser, settings) -> None:
    settings.ROOT_URLCONF = "tests.browser.gallery"
    look_at(browser, "/gallery/")

    canvas = "return document.querySelector('.curve canvas').toDataURL()"
    light = browser.look(theme="light").open("/gallery/").wait_for(".curve canvas").driver.execute_script(canvas)
    browser.driver.find_element(By.CSS_SELECTOR, "[data-theme-switch]").click()
    dark = browser.driver.execute_script(canvas)
    kept = browser.open("/gallery/").driver.execute_script("return document.documentElement.dataset.theme")

    assert light != dark
    assert kept == "dark"


def test_the_pages_can_be_walked_with_the_keyboard(browser) -> None:
    browser.open("/about/")
    body = browser.driver.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    skip = browser.driver.switch_to.active_element

    assert skip.get_attribute("class") == "skip"
    assert skip.is_displayed()
    skip.send_keys(Keys.ENTER)
    assert browser.driver.switch_to.active_element.get_attribute("id") == "main"


def test_errors_are_read_first(browser) -> None:
    browser.open("/sign-in/")
    browser.driver.find_element(By.CSS_SELECTOR, "main button").click()
    browser.wait_for(".errors")

    assert "errors" in browser.driver.switch_to.active_element.get_attribute("class")
    assert run_axe(browser.driver) == []


def test_forced_colours_and_print_keep_the_page_whole(browser, settings) -> None:
    settings.ROOT_URLCONF = "tests.browser.gallery"
    features = [{"name": "forced-colors", "value": "active"}]
    browser.open("/gallery/").wait_for(".curve canvas")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    keep(browser, "gallery-forced-colors")
    border = "return getComputedStyle(document.querySelector('.pill')).borderTopStyle"

    assert browser.driver.execute_script(border) == "solid"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    hidden = "return getComputedStyle(document.querySelector('footer.bottom')).display"
    assert browser.driver.execute_script(hidden) == "none"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_a_page_reflows_at_320_pixels(browser, settings) -> None:
    settings.ROOT_URLCONF = "tests.browser.gallery"
    browser.look(width=320).open("/gallery/").wait_for(".curve canvas")
    keep(browser, "gallery-320")

    assert not browser.scrolls_sideways()
