"""The frame of the pages."""

import pytest
from tests.portal.people.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["/", "/about/", "/reference/", "/sign-in/"])
def test_a_visitor_sees_the_public_pages(client, url) -> None:
    page = client.get(url)

    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]


def test_the_profile_opens_for_its_owner(client) -> None:
    client.force_login(make_user(name="Ada Example"))

    page = client.get("/profile/")

    assert page.status_code == 200
    assert "<title>Your profile · Kifabrik</title>" in page.text
    assert "Ada Example" in page.text
