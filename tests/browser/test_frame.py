"""The pages of people and of the portal itself in a real browser: accessible, whole at 390 px, light and dark.

With the environment name SCREENSHOTS set to a folder, every page that is looked at is kept there as an image.
"""

import os
from pathlib import Path

import pytest
from django.db import transaction
from tests.browser.conftest import NARROW, WIDE, run_axe
from tests.portal.people.factories import make_organisation, make_token, make_user

from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.services import audit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look_at(browser, path: str, *, name: str = "") -> None:
    """See a page wide and narrow, light and dark, and find nothing to complain of."""
    for width in (WIDE, NARROW):
        for theme in ("light", "dark"):
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


def test_a_home_in_german_shows_what_is_under_way(browser, client, officer) -> None:
    officer.language = "de"
    officer.save()
    browser.sign_in(officer, client)

    look_at(browser, "/", name="home-german")
    look_at(browser, "/profile/", name="profile-german")


def test_the_api_page_works_without_help_from_elsewhere(browser) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.open("/api/v1/docs")
    WebDriverWait(browser.driver, 20).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".opblock"))
    keep(browser, "api")

    assert [line for line in browser.complaints() if "favicon" not in line] == []
