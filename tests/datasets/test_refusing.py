"""Bad input: one clear sentence with place and remedy, nothing half written, little memory."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError, NotFound, Unavailable
from kifabrik.datasets.check import Choices
from kifabrik.datasets.documents import Limits
from kifabrik.datasets.folder import iterate_documents, read_card, verify
from kifabrik.datasets.readers import read_passages
from kifabrik.datasets.sources import SourceFile

STRICT = Choices(stops_at_broken=True)
SMALL = Limits(line_bytes_max=2_000, document_bytes_max=1_000, row_group_bytes_max=100_000, files_max=40)


def make_lines(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)


def make_parquet(folder: Path, **columns) -> None:
    pq.write_table(pa.table(columns), folder / "zz.parquet")


BAD = {
    "broken line": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"text": "fine"}\n{"text": "broken\n'),
        "zz.jsonl:2: the line is not valid JSON",
    ),
    "broken line, compressed": (
        lambda folder: make_lines(folder, "zz.jsonl.gz", b'{"text": "fine"}\n\nnot json\n'),
        "zz.jsonl.gz:3: the line is not valid JSON",
    ),
    "bad UTF-8 in a line": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"text": "fine"}\n{"text": "\xff"}\n'),
        "zz.jsonl:2: the line is not valid JSON",
    ),
    "lone surrogate": (lambda folder: make_lines(folder, "zz.jsonl", b'{"text": "\\ud800"}'), "zz.jsonl:1: "),
    "no field text": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"price": "x"}'),
        "zz.jsonl:1: the line is no object with a field 'text'",
    ),
    "not an object": (
        lambda folder: make_lines(folder, "zz.jsonl", b'["text"]'),
        "zz.jsonl:1: the line is no object with a field 'text'",
    ),
    "text is a number": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"text": 7}'),
        "zz.jsonl:1: the field 'text' is not a string",
    ),
    "nested a thousand deep": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"text": ' + b"[" * 950 + b"]" * 950 + b"}"),
        "zz.jsonl:1: ",
    ),
    "long line": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"text": "a"}\n{"text": "' + b"a" * 3_000 + b'"}'),
        "zz.jsonl:2: the line is longer than 2.0 kB",
    ),
    "long text in a line": (
        lambda folder: make_lines(folder, "zz.jsonl", b'{"text": "' + b"a" * 1_500 + b'"}'),
        "zz.jsonl:1: the text is larger than 1.0 kB",
    ),
    "long line of text": (
        lambda folder: (folder / "zz.txt").write_bytes(b"short\n" + b"a" * 3_000),
        "zz.txt:2: the line is longer than 1.0 kB",
    ),
    "gzip cut short": (
        lambda folder: (folder / "zz.jsonl.gz").write_bytes(gzip.compress(os.urandom(500).hex().encode())[:200]),
        "zz.jsonl.gz:1: the gzip data are damaged or cut short",
    ),
    "not gzip": (
        lambda folder: (folder / "zz.jsonl.gz").write_bytes(b'{"text": "a"}'),
        "zz.jsonl.gz:1: the gzip data are damaged or cut short",
    ),
    "no column text": (
        lambda folder: make_parquet(folder, price=["a"], id=[1]),
        "zz.parquet: has no column 'text'; its columns are: price, id",
    ),
    "column of numbers": (lambda folder: make_parquet(folder, text=[1, 2]), "zz.parquet: the column 'text' does not"),
    "empty cell": (
        lambda folder: make_parquet(folder, text=["a", None]),
        "zz.parquet:2: the field 'text' is not a string",
    ),
    "large row group": (
        lambda folder: make_parquet(folder, text=[os.urandom(400).hex() for _ in range(200)]),
        "zz.parquet: row group 0 is larger than 100.0 kB",
    ),
    "many files": (
        lambda folder: [(folder / f"many-{number}.txt").write_text(str(number)) for number in range(20)],
        "texts: holds more than 40 files",
    ),
}


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "texts")


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence_and_leaves_nothing(check, texts: Path, tmp_path: Path, case: str) -> None:
    make, expected = BAD[case]
    make(texts)

    with pytest.raises(InvalidInput) as caught:
        check(texts, limits=SMALL, findings_out=tmp_path / "rows.jsonl", choices=STRICT)

    assert expected in str(caught.value)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("", b"", "texts: no text was found: there is no file."),
        ("a.bin", b"\0\1\2", "a.bin: format .bin is not read"),
        ("a.txt", b"\0\1\2", "a.txt: binary: a zero byte at byte 0"),
        ("a.txt", b"\xff\xff", "a.txt: not UTF-8 text: byte 0"),
        ("a.parquet", b"PAR1 nothing", "a.parquet: not a Parquet file"),
        ("a.txt", b" \n\t\n", "every text is empty."),
    ],
)
def test_nothing_to_read_is_refused_with_the_reason(
    check, tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    if name:
        (folder / name).write_bytes(data)

    with pytest.raises(InvalidInput) as caught:
        check(folder)

    assert expected in str(caught.value)
    assert ".jsonl" in caught.value.remedy
    assert left_over(tmp_path) == []


def test_a_path_that_is_not_there_is_named(check, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        check(tmp_path / "nowhere")


def test_a_taken_place_is_refused_before_any_work(check, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")

    with pytest.raises(Conflict, match="exists already"):
        check(texts)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_a_free_place(check, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    check(texts)

    verify(tmp_path / "out")


def test_a_place_inside_the_texts_is_refused(check, texts: Path) -> None:
    with pytest.raises(InvalidInput, match="lies inside"):
        check(texts, out=texts / "out")


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(check, texts: Path, share: float) -> None:
    with pytest.raises(InvalidInput, match=r"held-out share"):
        check(texts, held_out_share=share)


def test_a_bomb_is_refused_before_it_is_unpacked(check, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    line = json.dumps({"text": "a" * 1_000_000}).encode() + b"\n"
    (folder / "bomb.jsonl.gz").write_bytes(gzip.compress(line * 60))

    with pytest.raises(InvalidInput, match="unpacks to more than 200 times"):
        check(folder, choices=STRICT)


@pytest.mark.parametrize("name", ["zz.jsonl", "zz.txt", "zz.md"])
def test_a_line_of_two_gigabytes_is_refused_in_little_memory(check, texts: Path, tmp_path: Path, name: str) -> None:
    with (texts / name).open("wb") as stream:
        for _ in range(40):
            stream.write(b"a" * 1024**2)
        stream.truncate(2 * 1024**3)  # the rest is a hole: it takes no disk, and nobody should get there
    tracemalloc.start()

    try:
        with pytest.raises(InvalidInput, match="the line is longer than"):
            check(texts, choices=STRICT)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak_bytes < 150 * 1024**2
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("full", ["facts.parquet", "texts.arrow", "train-00000.parquet.draft"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    check, texts: Path, tmp_path: Path, monkeypatch, full: str
) -> None:
    real = Path.open

    def fill(path: Path, *args, **options):
        is_full = path.name == full and args[:1] == ("wb",)
        return real(Path("/dev/full") if is_full else path, *args, **options)

    monkeypatch.setattr(Path, "open", fill)

    with pytest.raises(Unavailable, match="the disk is full"):
        check(texts)

    assert left_over(tmp_path) == []


def test_a_disk_that_cannot_be_read_is_one_sentence() -> None:
    broken = SourceFile(Path("/proc/self/mem"), "a.txt", 100, "txt")  # its first page answers with an I/O error

    with pytest.raises(Unavailable, match=r"a.txt: cannot be read: Input/output error"):
        list(read_passages(broken, limits=SMALL))


def test_a_file_size_limit_is_one_sentence_too(texts: Path, tmp_path: Path) -> None:
    (texts / "noise.txt").write_text(os.urandom(400_000).hex())
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    command = limit + "import sys; from kifabrik.cli.dataset import app; app()"

    result = subprocess.run(
        [sys.executable, "-c", command, "check", str(texts), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == Unavailable.exit_code, result.stderr
    assert "cannot write" in result.stderr
    assert "Traceback" not in result.stderr
    assert left_over(tmp_path) == []


def test_a_killed_check_leaves_no_dataset_and_the_next_one_clears_up(check, texts: Path, tmp_path: Path) -> None:
    for number in range(40):
        (texts / f"long-{number}.txt").write_text(
            "".join(f"Letter {number} about rain {day}. " for day in range(30_000))
        )
    command = [sys.executable, "-c", "from kifabrik.cli.dataset import app; app()", "check", str(texts), "--out"]
    process = subprocess.Popen([*command, str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 30
    while not left_over(tmp_path) and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()

    partial = left_over(tmp_path)
    assert [name.startswith(".out.") for name in partial] == [True]
    card = check(texts)

    assert left_over(tmp_path) == ["out"]
    verify(tmp_path / "out")
    assert card.documents_kept == 70


def test_a_check_that_still_works_is_not_cleared_away(check, texts: Path, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def begin_another(note) -> None:
        if not seen:
            seen.append(left_over(tmp_path))
            with pytest.raises(KifabrikError):
                check(tmp_path / "texts" / "nothing")
            check(texts, out=tmp_path / "out.other")
            seen.append(left_over(tmp_path))

    card = check(texts, progress=begin_another)

    assert seen[0][0] in seen[1]
    assert read_card(tmp_path / "out") == card


@pytest.fixture
def dataset(check, texts: Path, tmp_path: Path) -> Path:
    check(texts)
    return tmp_path / "out"


def test_verify_names_the_first_changed_shard(dataset: Path) -> None:
    shard = dataset / "train-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)

    with pytest.raises(InvalidInput, match=r"train-00000.parquet: the shard was changed"):
        verify(dataset)


def test_verify_names_a_missing_shard(dataset: Path) -> None:
    (dataset / "held-out-00000.parquet").unlink()

    with pytest.raises(InvalidInput, match=r"held-out-00000.parquet: the shard is missing"):
        verify(dataset)


def test_verify_sees_a_changed_card(dataset: Path) -> None:
    card = json.loads((dataset / "card.json").read_text())
    card["shards"][0]["digest"] = "sha256:" + "0" * 64
    (dataset / "card.json").write_text(json.dumps(card))

    with pytest.raises(InvalidInput, match="digest of the dataset is not that of its listed shards"):
        verify(dataset)


def test_a_card_that_points_outside_its_folder_is_refused(dataset: Path) -> None:
    card = json.loads((dataset / "card.json").read_text())
    card["shards"][0]["path"] = "../../etc/passwd"
    (dataset / "card.json").write_text(json.dumps(card))

    with pytest.raises(InvalidInput, match="outside its folder"):
        read_card(dataset)


def test_a_damaged_shard_is_named_when_it_is_read(dataset: Path) -> None:
    (dataset / "train-00000.parquet").write_bytes(b"PAR1" + b"x" * 40)

    with pytest.raises(InvalidInput, match=r"train-00000.parquet: the shard is damaged"):
        list(iterate_documents(dataset, "train"))


def test_a_folder_without_a_card_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="kifabrik dataset check"):
        read_card(tmp_path)
