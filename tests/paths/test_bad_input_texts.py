"""Bad texts at `kifabrik dataset check`: what, where and what to do in one sentence, and no folder half written."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.paths.refusals import names, refuse, refuse_apart, start

from kifabrik.datasets.folder import verify

GOOD = b'{"text": "fine"}\n'


def write(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data)


def make_binaries(folder: Path) -> None:
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (folder / "program.txt").write_bytes(b"\x7fELF\0\0")


CASES = {
    "empty folder": (lambda folder: None, "texts: no text was found: there is no file.", "Readable are .txt"),
    "binary files": (
        make_binaries,
        "texts: no text was found; the first of 2 files is photo.png: format .png is not read.",
        "Readable are .txt",
    ),
    "binary files that look like text": (
        write("program.txt", b"\x7fELF\0\0"),
        "the first of 1 files is program.txt: binary: a zero byte at byte 4.",
        "Give files that hold text.",
    ),
    "broken UTF-8": (
        write("a.txt", b"caf\xe9 au lait"),
        "a.txt: not UTF-8 text: byte 3 is 0xE9",
        "Give files that hold text.",
    ),
    "broken UTF-8 in a line": (write("a.jsonl", GOOD + b'{"text": "caf\xe9"}\n'), "a.jsonl:2: ", "mend it"),
    "broken line": (
        write("a.jsonl", GOOD * 2 + b'{"text": "cut\n'),
        "a.jsonl:3: the line is not valid JSON",
        "mend it or take it out",
    ),
    "line without text": (
        write("a.jsonl", b'{"price": "x"}\n'),
        "a.jsonl:1: the line is no object",
        "Rename the field",
    ),
    "broken Parquet": (write("a.parquet", b"PAR1 nothing"), "a.parquet: not a Parquet file", "Give files"),
    "broken gzip": (write("a.jsonl.gz", GOOD), "a.jsonl.gz:1: the gzip data are damaged", "again"),
}


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["words", "json"])
@pytest.mark.parametrize("case", CASES)
def test_bad_texts_leave_no_dataset(tmp_path: Path, case: str, as_json: tuple[str, ...]) -> None:
    make, what, remedy = CASES[case]
    folder = tmp_path / "texts"
    folder.mkdir()
    make(folder)

    told = refuse(
        *("dataset", "check", folder, "--out", tmp_path / "out", "--findings", tmp_path / "rows"),
        *("--stop-at-broken", *as_json),
    )

    assert told.code == 2
    assert what in told.sentence
    assert remedy in told.sentence
    assert told.document is None
    assert names(tmp_path) == ["texts"]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02d}.txt").write_text(f"Letter number {number} about the weather in Brussels.\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (("nowhere",), "nowhere: there is no such file or folder. Check the path.", 3),
        (("texts", "--out", "texts/out"), "texts/out: lies inside texts, which is to be checked.", 2),
        (("texts", "--out", "taken"), "taken: exists already. Choose another folder, or remove this one.", 5),
        (("texts", "--out", "taken/mine.txt/out"), "a part of this path is a file and no folder.", 6),
        (("texts", "--out", "a" * 300), "cannot write: the name is too long. Choose a shorter name.", 6),
        (("texts", "--name", "Our letters"), "Our letters: is no dataset name. Use up to 64 small letters", 2),
        (("texts", "--held-out-share", "3"), "the held-out share is not between 0 and 1.", 2),
        ((), "name the files and folders to check", 2),
    ],
)
def test_a_wrong_wish_leaves_everything_as_it_was(
    texts: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str, code: int
) -> None:
    monkeypatch.chdir(texts.parent)
    Path("taken").mkdir()
    Path("taken/mine.txt").write_text("mine")

    told = refuse("dataset", "check", *arguments)

    assert (told.code, sentence in told.sentence) == (code, True), told.sentence
    assert names(texts.parent) == ["taken", "texts"]
    assert names(texts.parent / "taken") == ["mine.txt"]
    assert len(names(texts)) == 40


@pytest.mark.parametrize("name", ["zz.jsonl", "zz.txt"])
def test_a_line_of_two_gigabytes_is_named_within_bounded_memory(texts: Path, tmp_path: Path, name: str) -> None:
    with (texts / name).open("wb") as stream:
        stream.write(b'{"text": "')
        for _ in range(70):
            stream.write(b"a" * 1024**2)
        stream.truncate(2 * 1024**3)  # a hole: it takes no disk

    # Bounded by the kernel: all libraries and the check together may not even map 2 GB.
    words = ("dataset", "check", texts, "--out", tmp_path / "out", "--stop-at-broken")
    told = refuse_apart(*words, shell="ulimit -v 2000000")

    assert told.code == 2
    assert f"{name}:1: the line is longer than" in told.sentence
    assert "Break it into shorter lines." in told.sentence
    assert names(tmp_path) == ["texts"]


def test_ctrl_c_leaves_nothing_and_the_check_can_be_made_again(texts: Path, tmp_path: Path) -> None:
    with (texts / "many.jsonl").open("w") as stream:
        stream.writelines(
            f'{{"text": "Line {number} of a long file about the weather."}}\n' for number in range(300_000)
        )
    words = ("dataset", "check", texts, "--out", tmp_path / "out")
    process = start(*words)
    limit = time.monotonic() + 30
    while names(tmp_path) == ["texts"]:  # its hidden folder appears when the work begins
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines() == ["Stopped."]
    assert names(tmp_path) == ["texts"]
    (texts / "many.jsonl").unlink()
    again = start(*words)
    assert again.wait(timeout=60) == 0, again.communicate()
    again.communicate()
    verify(tmp_path / "out")


def test_a_killed_check_is_swept_away_by_the_next(texts: Path, tmp_path: Path) -> None:
    left = tmp_path / ".out.parts" / "parts"
    (left / ".00000.x1").mkdir(parents=True)
    (left / ".00000.x1" / "texts.arrow").write_bytes(b"half")
    (left / "00000").mkdir()
    (left / "00000" / "part.json").write_bytes(b"half")

    process = start("dataset", "check", texts, "--out", tmp_path / "out", "--json")
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 0, stderr
    assert stdout.startswith("{")
    assert names(tmp_path) == ["out", "texts"]
