"""The check in parts: equal bytes for any number of workers and any kill, one task repeated at most, nothing silent."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kifabrik.core.errors import Conflict, InvalidInput, Unavailable
from kifabrik.datasets.check import Choices, Wish, check_dataset, finish_dataset, plan_dataset
from kifabrik.datasets.documents import Limits
from kifabrik.datasets.folder import verify
from kifabrik.datasets.pipeline import workers, workplace
from kifabrik.records import DatasetCard
from kifabrik.records.dataset_card import DeclaredOrigin

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ORIGIN = DeclaredOrigin(title="Letters", licence="CC-BY-4.0", source="our archive")
TINY = Limits(task_bytes_max=20_000)
WORDS = (
    "rain",
    "wind",
    "letter",
    "Brussels",
    "committee",
    "ticket",
    "harbour",
    "winter",
    "office",
    "river",
    "garden",
    "market",
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    """Texts, JSON Lines and Parquet with copies across them, a key, and what one undisturbed check makes of them."""
    place = tmp_path_factory.mktemp("reference")
    folder = place / "texts"
    folder.mkdir()
    rng = random.Random(5)
    texts = [" ".join(rng.choices(WORDS, k=120)) + f" Write to person{number}@firm.eu." for number in range(150)]
    for number in range(30):
        (folder / f"a{number:02d}.txt").write_text(texts[number])
    with (folder / "b.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"text": text}) + "\n" for text in texts[20:100])
    rows = [*texts[90:], *(text.replace("Write to", "Please write to") for text in texts[:15])]
    pq.write_table(pa.table({"text": rows}), folder / "c.parquet", row_group_size=15)
    check_in(place / "whole", place)
    return place


@pytest.fixture
def mixture(reference: Path, tmp_path: Path) -> Path:
    """A copy of the texts that a test may change."""
    return Path(shutil.copytree(reference / "texts", tmp_path / "texts"))


@pytest.fixture
def make(mixture: Path, reference: Path) -> Callable[..., DatasetCard]:
    def run(out: Path, **options) -> DatasetCard:
        return check_in(out, reference, folder=mixture, **options)

    return run


def check_in(
    out: Path,
    reference: Path,
    *,
    folder: Path | None = None,
    limits: Limits = TINY,
    count: int = 1,
    progress=None,
    **chosen,
) -> DatasetCard:
    """Check the mixture with its key, always at the same moment."""
    return check_dataset(
        [folder or reference / "texts"],
        out=out,
        name="letters",
        origin=ORIGIN,
        now=NOW,
        limits=limits,
        progress=progress,
        choices=Choices(workers=count, key_file=reference / "data.key", **chosen),
    )


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_any_number_of_workers_gives_the_same_bytes(make, reference: Path, tmp_path: Path) -> None:
    card = make(tmp_path / "three", count=3)

    assert read_all(tmp_path / "three") == read_all(reference / "whole")
    assert (card.documents_read, card.exact_duplicates_removed) == (185, 20)
    assert card.deduplication.removed_documents == 15
    assert card.documents_kept == 150
    assert not list(tmp_path.glob(".*"))


def test_the_size_of_the_tasks_changes_nothing(make, reference: Path, tmp_path: Path) -> None:
    make(tmp_path / "one", limits=Limits())

    assert read_all(tmp_path / "one") == read_all(reference / "whole")


def test_parts_can_be_made_by_others_and_finished_later(mixture: Path, reference: Path, tmp_path: Path) -> None:
    choices = Choices(workers=1, key_file=reference / "data.key")
    wish = Wish(paths=[mixture], out=tmp_path / "out", name="letters", origin=ORIGIN, limits=TINY, choices=choices)
    place, count = plan_dataset(wish)
    limit = resource.getrlimit(resource.RLIMIT_DATA)
    code = "import sys; from kifabrik.cli.dataset import app; app()"
    for index in ("0", "2", "1"):
        words = ["part", str(place), index, "--of", "3"]
        subprocess.run([sys.executable, "-c", code, *words], check=True, stderr=subprocess.DEVNULL)

    assert workplace.count_parts(place) == count
    assert finish_dataset(place, now=NOW) == tmp_path / "out"
    assert read_all(tmp_path / "out") == read_all(reference / "whole")
    assert resource.getrlimit(resource.RLIMIT_DATA) == limit


class Stopped(BaseException):
    """Stands for the end of this process."""


@pytest.mark.parametrize("stop_at", [0.4, 0.93, 0.985])
def test_a_check_that_was_stopped_anywhere_goes_on_to_the_same_bytes(
    make, reference: Path, tmp_path: Path, stop_at: float
) -> None:
    def stop(note) -> None:
        if note.done >= stop_at:
            raise Stopped

    with pytest.raises(Stopped):
        make(tmp_path / "out", progress=stop)
    place = workplace.place_beside(tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in place.glob("parts/*/part.json")}
    seen: list[Path] = []

    def look(note) -> None:
        seen.extend(path for path, at in before.items() if path.exists() and path.stat().st_mtime_ns != at)

    make(tmp_path / "out", progress=look)

    assert before
    assert seen == []  # no finished part was made again
    assert read_all(tmp_path / "out") == read_all(reference / "whole")
    assert not place.exists()


def test_a_part_of_other_settings_or_of_a_changed_file_is_not_used(make, mixture: Path, tmp_path: Path) -> None:
    def stop(note) -> None:
        if note.done >= 0.9:
            raise Stopped

    with pytest.raises(Stopped):
        make(tmp_path / "out", progress=stop)
    text = (mixture / "a00.txt").read_text()
    (mixture / "a00.txt").write_text(text.replace("person0", "personX"))  # the same size

    make(tmp_path / "out", action="placeholder")
    make(tmp_path / "fresh", action="placeholder")

    assert read_all(tmp_path / "out") == read_all(tmp_path / "fresh")


def test_a_damaged_or_missing_part_is_made_again(make, reference: Path, tmp_path: Path) -> None:
    def stop(note) -> None:
        if note.done >= 0.9:
            raise Stopped

    with pytest.raises(Stopped):
        make(tmp_path / "out", progress=stop)
    parts = workplace.place_beside(tmp_path / "out") / "parts"
    (parts / "00001" / "texts.arrow").write_bytes(b"short")
    (parts / "00002" / "part.json").write_text("{")
    shutil.rmtree(parts / "00003")

    make(tmp_path / "out")

    assert read_all(tmp_path / "out") == read_all(reference / "whole")


def test_a_part_that_is_missing_when_the_parts_are_joined_is_an_error(make, tmp_path: Path) -> None:
    place = workplace.place_beside(tmp_path / "out")

    def lose(note) -> None:
        if note.done >= 0.88 and (place / "parts" / "00002").exists():
            shutil.rmtree(place / "parts" / "00002")

    with pytest.raises(InvalidInput, match=r"part 2 of \d+ is missing"):
        make(tmp_path / "out", progress=lose)

    assert not (tmp_path / "out").exists()


def start_check(mixture: Path, out: Path, key: Path, *more: str) -> subprocess.Popen[bytes]:
    """Check in a process of its own, with tiny tasks, and slowly enough to be killed in the middle."""
    code = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from kifabrik.datasets.check import Choices, Wish, check_dataset, finish_dataset, plan_dataset\n"
        "from kifabrik.datasets.documents import Limits\n"
        "from kifabrik.records.dataset_card import DeclaredOrigin\n"
        "origin = DeclaredOrigin(title='Letters', licence='CC-BY-4.0', source='our archive')\n"
        "check_dataset([Path(sys.argv[1])], out=Path(sys.argv[2]), name='letters', origin=origin,\n"
        "    now=datetime(2026, 11, 24, 9, 0, tzinfo=UTC), limits=Limits(task_bytes_max=20_000),\n"
        "    choices=Choices(workers=int(sys.argv[4]), key_file=Path(sys.argv[3])))\n"
    )
    words = [sys.executable, "-c", code, str(mixture), str(out), str(key), *more]
    return subprocess.Popen(
        words,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell that runs the tests in the background has them ignore Ctrl-C, and children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - tests have one thread
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < limit
        assert process.poll() is None
        time.sleep(0.005)


def find_children(keeper: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == keeper and b"pipeline.worker" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def find_workers(keeper: int) -> list[int]:
    return [worker for foreman in find_children(keeper) for worker in find_children(foreman)]


@pytest.mark.parametrize("victim", ["keeper", "worker", "foreman"])
def test_kill_9_of_the_keeper_or_of_a_worker(make, mixture, reference: Path, tmp_path: Path, victim: str) -> None:
    out = tmp_path / "out"
    process = start_check(mixture, out, reference / "data.key", "2")
    place = workplace.place_beside(out)
    wait_for(lambda: workplace.count_parts(place) >= 2 and len(find_workers(process.pid)) == 2, process)
    team = find_workers(process.pid)
    foreman = find_children(process.pid)[0]

    os.kill({"keeper": process.pid, "worker": team[0], "foreman": foreman}[victim], signal.SIGKILL)
    process.wait(timeout=120)

    if victim != "keeper":
        assert process.returncode == 0  # another worker took over, or the workers went on alone
    else:
        limit = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in (foreman, *team)) and time.monotonic() < limit:
            time.sleep(0.02)
        assert not any(Path(f"/proc/{pid}").exists() for pid in (foreman, *team))  # nobody is left behind
        make(out)
    assert read_all(out) == read_all(reference / "whole")
    assert not place.exists()
    verify(out)


@pytest.mark.parametrize("count", ["1", "2"])
def test_ctrl_c_keeps_the_parts_and_the_same_words_go_on_from_them(
    make, mixture, reference: Path, tmp_path: Path, count: str
) -> None:
    out = tmp_path / "out"
    process = start_check(mixture, out, reference / "data.key", count)
    place = workplace.place_beside(out)
    wait_for(lambda: workplace.count_parts(place) >= 2, process)

    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it, to all processes of the command
    process.wait(timeout=120)
    before = {path: path.stat().st_mtime_ns for path in place.glob("parts/*/part.json")}
    seen: list[Path] = []

    def look(note) -> None:
        seen.extend(path for path, at in before.items() if path.exists() and path.stat().st_mtime_ns != at)

    make(out, progress=look)

    assert process.returncode != 0
    assert len(before) >= 2
    assert seen == []  # no finished part was made again
    assert read_all(out) == read_all(reference / "whole")


def test_a_job_that_kills_two_workers_is_named_in_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workers, "_MODULE", "tests.datasets.dying_worker")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with workers.crew(tmp_path, 2) as team, pytest.raises(Unavailable) as caught:
        team.do([workers.Job(b"die", 1, "a.jsonl"), workers.Job(b"work", 1, "b.jsonl")], lambda done: None)

    assert "a.jsonl: the process that worked on it ended twice (killed by SIGKILL)." in str(caught.value)
    assert "fewer workers" in caught.value.remedy


def test_two_checks_of_one_folder_do_not_meet(make, tmp_path: Path) -> None:
    with workplace.owning(tmp_path / "out"), pytest.raises(Conflict, match="another check makes this dataset folder"):
        make(tmp_path / "out")


def test_an_error_of_a_worker_is_one_sentence_with_the_line_of_the_file(make, mixture: Path, tmp_path: Path) -> None:
    with (mixture / "b.jsonl").open("a") as stream:
        stream.write('{"text": "cut\n')

    with pytest.raises(InvalidInput) as caught:
        make(tmp_path / "out", count=2, stops_at_broken=True)

    assert caught.value.where == "b.jsonl:81"
    assert "parts are done and kept in" in caught.value.remedy


def test_what_is_broken_is_counted_and_the_rest_goes_on(make, mixture: Path, tmp_path: Path) -> None:
    with (mixture / "b.jsonl").open("a") as stream:
        stream.write('{"text": "cut\n')
    (mixture / "z.zip").write_bytes(b"PK\x03\x04 no archive")

    card = make(tmp_path / "out", count=2)

    assert card.documents_kept == 150
    assert {file.path for file in card.skipped} == {"b.jsonl:81", "z.zip"}
    broken = next(finding for finding in card.findings if finding.code == "dataset.records-broken")
    assert broken.severity == "serious"  # a person answers for what is missing
    assert "b.jsonl:81" in broken.message
