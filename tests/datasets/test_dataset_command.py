"""`kifabrik dataset check` and the standard library: what a person types and reads."""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner, Result

from kifabrik.cli.dataset import app
from kifabrik.core.errors import Conflict, InvalidInput, NotFound
from kifabrik.core.findings import Severity
from kifabrik.datasets.folder import iterate_documents, read_card, verify
from kifabrik.datasets.standard_library import LEFT_OUT, find_sources


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def processor_seconds_of_readers() -> Iterator[tuple[int, float]]:
    """For each process that reads risky files for this one: where the kernel ends it, and what it has used."""
    for process in psutil.Process().children():
        with suppress(psutil.Error):  # a child of another test may end just now
            if "kifabrik.datasets.readers.child" in process.cmdline():
                yield process.rlimit(psutil.RLIMIT_CPU)[0], sum(process.cpu_times()[:2])


def test_check_makes_a_folder_and_tells_what_it_saw(texts: Path, tmp_path: Path) -> None:
    result = run("check", texts, "--out", tmp_path / "out", "--licence", "CC-BY-4.0", "--title", "Letters")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "Letters: 30 documents, 1.4 kB of text (en 30)." in in_one_line(result.stderr)
    assert "Not checked: names and addresses of persons." in result.stderr
    assert read_card(tmp_path / "out").origin.licence == "CC-BY-4.0"


def test_json_is_one_document_on_standard_output(texts: Path, tmp_path: Path) -> None:
    result = run("check", texts, "--out", tmp_path / "out", "--json")

    card = json.loads(result.stdout)
    assert card == read_card(tmp_path / "out").model_dump(mode="json")
    assert card["name"] == "texts"
    assert "Before training" in result.stderr  # the licence is unknown: people are told beside it


def test_the_place_of_findings_is_written_on_request(texts: Path, tmp_path: Path) -> None:
    (texts / "a.txt").write_text("Write to ann@firm.eu.")

    run("check", texts, "--out", tmp_path / "out", "--findings", tmp_path / "rows.jsonl")

    row = json.loads((tmp_path / "rows.jsonl").read_text())
    assert (row["document"], row["start"], row["end"], row["kind"]) == ("a.txt", 9, 20, "email")


def test_without_out_the_folder_is_named_after_the_first_path(texts: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = run("check", "texts", "--name", "letters")

    assert result.exit_code == 0
    assert read_card(tmp_path / "letters-dataset").name == "letters"


def test_a_blocking_finding_is_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("Just one document.")

    result = run("check", tmp_path / "one.txt", "--out", tmp_path / "out")

    assert result.exit_code == InvalidInput.exit_code
    assert "No document is held out" in result.stderr
    verify(tmp_path / "out")


@pytest.mark.parametrize("seconds", [77, 4321])
def test_the_time_for_one_document_reaches_the_process_that_reads_it(tmp_path: Path, seconds: int) -> None:
    (tmp_path / "pages").mkdir()
    for number in range(3):
        (tmp_path / "pages" / f"{number}.html").write_text(f"<p>The page of number {number} holds a sentence.</p>")

    result = run("check", tmp_path / "pages", "--out", tmp_path / "out", "--parse-seconds", seconds)

    assert read_card(tmp_path / "out").files_read == 3, result.stderr
    # It waits for the next check; the kernel ends it two seconds after what it had used and the time for a document.
    assert any(0 <= fence - seconds - 2 <= used for fence, used in processor_seconds_of_readers())


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], InvalidInput.exit_code, "name the files and folders to check, or --standard-library"),
        (["nowhere"], NotFound.exit_code, "nowhere: there is no such file or folder."),
        (["texts", "--name", "My Letters"], InvalidInput.exit_code, "My Letters: is no dataset name."),
        (["texts", "--out", "texts"], Conflict.exit_code, "texts: exists already."),
        (["empty"], InvalidInput.exit_code, "empty: no text was found: there is no file."),
        (["broken"], InvalidInput.exit_code, "the first of 1 files is a.jsonl: none of its 1 records can be used"),
        (["broken", "--stop-at-broken"], InvalidInput.exit_code, "a.jsonl:1: the line is not valid JSON"),
        (["texts", "--held-out-share", "2"], InvalidInput.exit_code, "the held-out share is not between 0 and 1."),
        (
            ["texts", "--drop-reserved"],
            InvalidInput.exit_code,
            "--drop-reserved: without the opt-out files of the hosts nobody",
        ),
        (["texts", "--library-share", "0.3"], InvalidInput.exit_code, "--library-share 0.3: is only for --standard-"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code(
    texts: Path, tmp_path: Path, monkeypatch, words: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jsonl").write_text("{")
    monkeypatch.chdir(tmp_path)

    result = run("check", *words)

    assert result.exit_code == code
    assert sentence in in_one_line(result.stderr)
    assert "Traceback" not in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "empty", "texts"]


def test_files_that_were_not_read_are_named_with_their_reason_hidden_ones_last(texts: Path, tmp_path: Path) -> None:
    (texts / ".hidden.txt").write_text("Not meant to be read.")
    (texts / "old.txt").write_bytes("Grüße".encode("latin-1"))
    for number in range(10):
        (texts / f"picture{number}.png").write_bytes(b"picture")

    result = run("check", texts, "--out", tmp_path / "out")

    said = in_one_line(result.stderr)
    assert "old.txt: not UTF-8 text: byte 2 is 0xFC" in said
    assert ".hidden.txt" not in said.partition("Not read:")[2]
    assert "and 2 more, which the card lists" in said
    assert str(tmp_path / "out" / "card.json") in said.replace(" ", "")


def test_files_that_even_the_card_does_not_name_are_counted(texts: Path, tmp_path: Path) -> None:
    for number in range(104):
        (texts / f"picture{number}.png").write_bytes(b"picture")

    result = run("check", texts, "--out", tmp_path / "out")

    assert "and 94 more, of which the card lists 90" in in_one_line(result.stderr)


def test_registering_what_is_no_dataset_folder_says_how_to_make_one(tmp_path: Path) -> None:
    result = run("register", tmp_path)

    assert result.exit_code == NotFound.exit_code
    assert "kifabrik dataset check" in in_one_line(result.stderr)


def test_the_standard_library_is_found_without_what_is_left_out() -> None:
    sources = find_sources()

    assert len(sources) > 200
    assert {"argparse.py", "json"} <= {path.name for path in sources} | {path.parent.name for path in sources}
    assert not any(LEFT_OUT & {*path.parts[-4:]} for path in sources)


def test_a_share_of_the_standard_library_is_always_the_same_share() -> None:
    sources, some = find_sources(), find_sources(share=0.25)

    assert len(some) == math.ceil(len(sources) / 4)
    assert set(some) < set(sources)
    assert some == find_sources(share=0.25)
    assert set(some) < set(find_sources(share=0.5))


@pytest.mark.parametrize("share", ["0", "-1", "1.5"])
def test_no_share_outside_the_library_is_taken(share: str, tmp_path: Path) -> None:
    result = run("check", "--standard-library", "--library-share", share, "--out", tmp_path / "out")

    assert result.exit_code == InvalidInput.exit_code
    assert "the share of the library is not above 0 and at most 1" in in_one_line(result.stderr)
    assert not (tmp_path / "out").exists()


def test_the_standard_library_gives_a_card_with_an_honest_serious_finding(tmp_path: Path) -> None:
    result = run("check", "--standard-library", "--out", tmp_path / "out", "--json")

    assert result.exit_code == 0, result.stderr
    card = read_card(tmp_path / "out")
    assert (card.name, card.origin.licence, card.languages.keys()) == ("standard-library", "PSF-2.0", {"code"})
    assert card.text_bytes > 5_000_000
    assert card.held_out_documents >= 10
    serious = {finding.code for finding in card.findings if finding.severity in {Severity.SERIOUS, Severity.BLOCKING}}
    assert serious == {"dataset.personal-data.email"}
    noise = sum(each.findings for each in card.personal_data if each.kind != "email")
    assert noise <= 8  # version numbers, arithmetic and tables are no personal data
    assert next(iterate_documents(tmp_path / "out", "held-out")).format == "py"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--collected-from", "yesterday"], "--collected-from yesterday: is no day. Write it as 2026-11-24."),
        (["--retention-until", "20261124"], "--retention-until 20261124: is no day."),
        (
            ["--collected-from", "2026-02-01", "--collected-to", "2026-01-01"],
            "--collected-to 2026-01-01: the collection ends before it begins.",
        ),
    ],
)
def test_days_that_are_none_are_refused_before_any_work(texts: Path, tmp_path: Path, words, sentence) -> None:
    result = run("check", texts, "--out", tmp_path / "out", *words)

    assert result.exit_code == InvalidInput.exit_code
    assert sentence in in_one_line(result.stderr)
    assert not (tmp_path / "out").exists()


def test_what_no_rule_covers_is_one_line_on_the_screen_and_one_a_country_on_the_card(texts, tmp_path) -> None:
    result = run("check", texts, "--out", tmp_path / "out")

    assert "Not checked: some national identifiers of CY, DE, DK, " in in_one_line(result.stderr)
    assert result.stderr.count("Steuernummer") == 0
    codes = {finding.code for finding in read_card(tmp_path / "out").findings}
    assert {"dataset.not-checked.national-ids.CY", "dataset.not-checked.national-ids.SE"} <= codes


def test_a_dataset_folder_is_read_by_its_shards_alone(texts: Path, tmp_path: Path) -> None:
    run("check", texts, "--out", tmp_path / "one")
    (tmp_path / "one" / "croissant.json").write_text("{}")

    run("check", tmp_path / "one", "--out", tmp_path / "two")

    card = read_card(tmp_path / "two")
    assert card.formats == {"parquet": 30}
    assert {each.path: each.reason for each in card.skipped} == dict.fromkeys(
        ("card.json", "croissant.json", "findings.jsonl"),
        "it belongs to a dataset folder, of which only the shards are read",
    )


def test_a_card_that_is_none_of_ours_makes_no_dataset_folder(texts: Path, tmp_path: Path) -> None:
    (texts / "card.json").write_text('{"name": "a visiting card"}')

    run("check", texts, "--out", tmp_path / "out")

    assert read_card(tmp_path / "out").formats == {"txt": 30, "json-code": 1}
