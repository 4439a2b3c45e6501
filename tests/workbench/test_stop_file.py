"""A file asks a run to stop, as a cluster's warning does, and a second file says that the work was saved."""

import os
from pathlib import Path

import pytest
from tests.workbench.conftest import now

from kifabrik.core.errors import Conflict
from kifabrik.records.recipe import Recipe
from kifabrik.training.stopping import Stopped
from kifabrik.workbench import lease
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


def test_in_a_job_a_second_start_waits_for_the_first_and_outside_it_is_refused(
    recipe: Recipe, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = tmp_path / "stop"
    stop.touch()  # so that the waiting one is asked to stop
    with lease.hold(tmp_path / "run" / ".lease"):
        with pytest.raises(Conflict, match="in use"):
            run(recipe, folder=tmp_path / "run", dataset=dataset, run_id="run-1", now=now)
        monkeypatch.setitem(os.environ, "KIFABRIK_STOP_FILE", str(stop))
        with pytest.raises(Stopped, match="an earlier start of this run still works here"):
            run(recipe, folder=tmp_path / "run", dataset=dataset, run_id="run-1", now=now)
    assert not (tmp_path / "run" / "events.jsonl").exists()
