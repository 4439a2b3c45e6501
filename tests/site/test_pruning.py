"""What goes from a site's home after a while, and what never does: whatever a run that is not settled may need."""

import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.portal import FakePortal, FakeRun
from tests.site.conftest import Workplace

from kifabrik.cluster.slurm.submissions import Submission, Submissions
from kifabrik.core.errors import Unavailable
from kifabrik.site.agent import Agent
from kifabrik.site.desired import Desired, read_desired
from kifabrik.site.pruning import DAY_SECONDS, Pruning, measure
from kifabrik.site.staging import Staging, dataset_folder

NOW = 2_000_000_000.0
OLD = NOW - 31 * DAY_SECONDS
YOUNG = NOW - 29 * DAY_SECONDS


class Notes:
    """Notes of submissions, with a queue that is said."""

    def __init__(self, folder: Path, *alive: str) -> None:
        self.submissions, self.alive = Submissions(folder), alive

    def alive_keys(self) -> Collection[str]:
        return self.alive

    def old_notes(self, *, before: float, runs: Collection[str]) -> Sequence[Path]:
        return self.submissions.old_files(before=before, keys=self.alive, runs=runs)

    def add(self, key: str, *, at: float) -> None:
        self.submissions.write(Submission(key=key, submitted_at="", log="", time_limit_seconds=1, job_id="7"))
        self.submissions.write_script(key, "#!/bin/bash")
        with self.submissions.hold(key):
            pass
        age(self.submissions._folder, at=at, pattern=f"{key.replace(':', '.')}.*")


def age(place: Path, *, at: float, pattern: str = "*") -> None:
    for path in (place, *place.rglob(pattern)):
        os.utime(path, (at, at))


class Home:
    """A home with one staged dataset for each run that was asked for."""

    def __init__(self, workplace: Workplace, portal: FakePortal) -> None:
        self.place, self.portal, self.path = workplace, portal, workplace.home

    def stage(self, run: FakeRun, *, at: float) -> Path:
        inputs = next(each for each in self.desired().runs if each.id == run.id).inputs
        folder = Staging(self.path, self.place.client()).stage(inputs)
        for path in (folder, *folder.rglob("*")):
            os.utime(path, (at, at))
        return folder

    def desired(self) -> Desired:
        return read_desired(self.place.client().get("/site/desired"))

    def prune(self, notes: Notes | None = None, say=None) -> tuple[str, ...]:
        pruning = Pruning(self.path, keep_days=30, notes=notes, say=say, now=lambda: NOW, clock=lambda: 0.0)
        return pruning.attend(self.desired())

    def files(self) -> set[str]:
        return {path.name for path in (self.path / "files").glob("*/*")}


@pytest.fixture
def home(workplace: Workplace, portal: FakePortal) -> Home:
    return Home(workplace, portal)


def ask(portal: FakePortal, name: str) -> FakeRun:
    return portal.request_run(name, {"text": name.encode()})


def test_a_dataset_that_no_run_needs_goes_with_its_files(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    folder = home.stage(run, at=OLD)
    portal.runs.clear()

    said = home.prune()

    assert said == ("removed 5 B that no run needs any more",)
    assert not folder.exists()
    assert home.files() == set()


def test_a_dataset_of_a_run_that_the_portal_still_names_stays_however_old(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    folder = home.stage(run, at=OLD)

    assert home.prune() == ()
    assert (folder / "text").read_bytes() == b"run-a"
    assert len(home.files()) == 1


def test_a_run_that_has_ended_and_is_not_reported_keeps_its_dataset(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    folder = home.stage(run, at=OLD)
    run.state = "failed"
    portal.reserved["run-a:1"] = 10  # its use is not booked

    home.prune()

    assert folder.is_dir()


def test_a_dataset_used_of_late_stays(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    folder = home.stage(run, at=YOUNG)
    portal.runs.clear()

    assert home.prune() == ()
    assert (folder / "text").is_file()


def test_using_a_dataset_again_makes_it_young(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    folder = home.stage(run, at=1.0)

    Staging(home.path, home.place.client()).stage(home.desired().runs[0].inputs)

    assert folder.stat().st_mtime > 1.0


def test_a_file_that_another_dataset_shows_stays(home: Home, portal: FakePortal) -> None:
    old = portal.request_run("run-a", {"shared": b"both", "own": b"alone"})
    young = portal.request_run("run-b", {"shared": b"both"})
    home.stage(old, at=OLD)
    kept = home.stage(young, at=OLD)
    del portal.runs["run-a"]

    home.prune()

    assert (kept / "shared").read_bytes() == b"both"
    assert len(home.files()) == 1


def test_a_file_that_a_run_waits_for_stays_before_its_dataset_is_there(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    folder = home.stage(run, at=OLD)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink()
    folder.rmdir()

    home.prune()

    assert len(home.files()) == 1


def test_drafts_and_half_received_files_go_when_they_are_old(home: Home, portal: FakePortal) -> None:
    for name, at in (("old", OLD), ("young", YOUNG)):
        draft, part = home.path / "datasets" / f".draft-{name}", home.path / "files" / "ab" / f".{name}.part"
        draft.mkdir(parents=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        os.utime(draft, (at, at))
        os.utime(part, (at, at))

    home.prune()

    assert [path.name for path in (home.path / "datasets").iterdir()] == [".draft-young"]
    assert home.files() == {".young.part"}


def test_notes_of_jobs_go_but_none_of_a_live_job_or_of_a_run_that_is_not_settled(
    home: Home, portal: FakePortal
) -> None:
    ask(portal, "run-wanted")
    ask(portal, "run-live")
    notes = Notes(home.path / "jobs" / "slurm-jobs", "run-live:2")
    for key in ("run-over:1", "run-wanted:1", "run-live:2", "run-w:1"):
        notes.add(key, at=OLD)
    notes.add("run-young:1", at=YOUNG)
    del portal.runs["run-live"]
    notes.alive = ("run-live:2",)

    home.prune(notes)

    left = {path.stem for path in (home.path / "jobs" / "slurm-jobs").iterdir()}
    assert left == {"run-wanted.1", "run-live.2", "run-young.1"}


def test_while_a_job_lives_whose_run_the_portal_does_not_name_no_dataset_goes(home: Home, portal: FakePortal) -> None:
    folder = home.stage(ask(portal, "run-a"), at=OLD)
    portal.runs.clear()
    notes = Notes(home.path / "jobs" / "slurm-jobs", "run-stranger:1")

    home.prune(notes)

    assert folder.is_dir()


def test_without_an_answer_of_the_queue_nothing_goes(home: Home, portal: FakePortal) -> None:
    class Away(Notes):
        def alive_keys(self) -> Collection[str]:
            raise Unavailable("Slurm does not answer.")

    folder = home.stage(ask(portal, "run-a"), at=OLD)
    portal.runs.clear()

    with pytest.raises(Unavailable):
        home.prune(Away(home.path / "jobs" / "slurm-jobs"))
    assert folder.is_dir()


def test_run_folders_stay(home: Home, portal: FakePortal) -> None:
    checkpoint = home.path / "runs" / "run-a" / "checkpoints" / "1"
    checkpoint.mkdir(parents=True)
    age(home.path / "runs", at=OLD)

    home.prune()

    assert checkpoint.is_dir()


def test_a_rehearsal_says_what_would_go(home: Home, portal: FakePortal) -> None:
    folder = home.stage(ask(portal, "run-a"), at=OLD)
    portal.runs.clear()
    said: list[str] = []

    assert home.prune(say=said.append) == ()
    assert said == [f"remove {folder}"]
    assert folder.is_dir()


def test_it_looks_once_a_day(home: Home, portal: FakePortal) -> None:
    clock = [0.0]
    pruning = Pruning(home.path, keep_days=30, now=lambda: NOW, clock=lambda: clock[0])
    pruning.attend(home.desired())
    folder = home.stage(ask(portal, "run-a"), at=OLD)
    portal.runs.clear()

    assert pruning.attend(home.desired()) == ()
    clock[0] = DAY_SECONDS
    assert pruning.attend(home.desired()) != ()
    assert not folder.exists()


def test_a_home_is_measured_with_each_file_once(home: Home, portal: FakePortal) -> None:
    home.stage(ask(portal, "run-a"), at=OLD)
    (home.path / "runs" / "run-a").mkdir(parents=True)
    (home.path / "runs" / "run-a" / "log").write_bytes(bytes(100))

    amounts = {one.place: (one.files, one.size_bytes) for one in measure(home.path)}

    assert (amounts["datasets"], amounts["files"], amounts["runs"]) == ((1, 5), (0, 0), (1, 100))


def test_a_run_with_unsafe_paths_holds_nothing_up(home: Home, portal: FakePortal) -> None:
    run = ask(portal, "run-a")
    run.inputs[0]["path"] = "../x"

    assert home.prune() == ()


def test_the_agent_prunes_after_it_looked_after_its_runs(home: Home, portal: FakePortal) -> None:
    gone, kept = ask(portal, "run-gone"), ask(portal, "run-kept")
    folder = home.stage(gone, at=OLD)
    needed = dataset_folder(home.path, next(run for run in home.desired().runs if run.id == kept.id).inputs)
    home.stage(kept, at=OLD)
    del portal.runs["run-gone"]
    pruning = Pruning(home.path, keep_days=30, now=lambda: NOW)
    with Agent(
        home.place.client(), home.place.executor, home.path, lambda: datetime.now(UTC), pruning=pruning
    ) as agent:
        report = agent.step()

    assert not folder.exists()
    assert needed.is_dir()
    assert any(deed.startswith("the home folder: removed") for deed in report.deeds)
