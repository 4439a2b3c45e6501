"""A file asks a run to stop, as a cluster's warning does, and a second file says that the work was saved."""

import os
from pathlib import Path

import pytest
from tests.workbench.conftest import now

from kifabrik.records.recipe import Recipe
from kifabrik.training.stopping import Stopped
from kifabrik.workbench.walk import run


def test_a_file_stops_a_run_and_its_absence_does_not(
    recipe: Recipe, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = tmp_path / "stop"
    monkeypatch.setitem(os.environ, "KIFABRIK_STOP_FILE", str(stop))
    stop.touch()
    with pytest.raises(Stopped):
        run(recipe, folder=tmp_path / "run", dataset=dataset, run_id="run-1", now=now)
    assert (tmp_path / "stop.saved").exists()

    stop.unlink()
    (tmp_path / "stop.saved").unlink()
    assert run(recipe, folder=tmp_path / "run", dataset=dataset, run_id="run-1", now=now).finished
    assert not (tmp_path / "stop.saved").exists()
