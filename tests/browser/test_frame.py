"""The pages of people and of the portal itself in a real browser: accessible, whole at 390 px, light and dark."""

import pytest

from tests.browser.conftest import NARROW, WIDE, run_axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("path", ["/", "/about/", "/reference/", "/sign-in/", "/nowhere/"])
def test_a_visitors_page_is_accessible_and_whole(browser, path) -> None:
    for width in (WIDE, NARROW):
        for theme in ("light", "dark"):
            browser.look(width=width, theme=theme).open(path)

            assert run_axe(browser.driver) == [], (path, width, theme)
            assert not browser.scrolls_sideways(), (path, width, theme)
    assert [line for line in browser.complaints() if "404" not in line] == []
