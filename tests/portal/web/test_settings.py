"""The settings: where things lie, and that every name a site may set is documented."""

import os
from pathlib import Path


def test_tests_have_a_home_of_their_own(settings) -> None:
    assert Path(os.environ["KIFABRIK_HOME"]).resolve() == settings.HOME
    assert "kifabrik-tests-" in str(settings.HOME)
