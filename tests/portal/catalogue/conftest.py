"""Every test of the catalogue has a store, releases and keys of its own."""

import pytest


@pytest.fixture(autouse=True)
def _own_home(home):
    return home
