"""`kifabrik dataset find-person`: the same value in any writing is found, nobody else learns it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kifabrik.cli.dataset import app
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets.detectors.names import CueNames
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.folder import FINDINGS_NAME
from kifabrik.datasets.keys import Key, digest_of, open_key
from kifabrik.datasets.persons import digests_of
from kifabrik.records import DatasetCard

ANNA = "anna.berg@firma-muster.de"
TEXT = f"Write to {ANNA} or call +49 30 1234567."


def run(*words: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["find-person", *(str(word) for word in words)], input=stdin)


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "findings.key"
    open_key(path)
    return path


@pytest.fixture
def folder(tmp_path: Path, key: Path) -> Path:
    """A dataset folder with rows of findings as the check writes them."""
    place = tmp_path / "letters"
    place.mkdir()
    secret = open_key(key)
    rows = [
        {
            "document": f"letter-{number}.txt",
            "start": hit.start,
            "end": hit.end,
            "kind": hit.kind,
            "country": hit.country,
            "tier": hit.tier,
            "digest": digest_of(hit, secret),
        }
        for number in range(3)
        for hit in Scanner("re").scan([TEXT if number else "Write to ben@firma-muster.de."], is_code=[False])[0]
    ]
    (place / FINDINGS_NAME).write_text("".join(json.dumps(row) + "\n" for row in rows))
    fields = {
        "name": "letters",
        "dataset_digest": "sha256:" + "a" * 64,
        "made_at": "2026-11-24T10:00:00+00:00",
        "tool": "kifabrik 0",
        "origin": {"title": "Letters", "licence": "unknown", "source": "our desk"},
        "split_rule": "by document",
        "redaction": {"key_id": secret.key_id},
        **dict.fromkeys(("files_read", "files_skipped", "documents_read", "documents_kept"), 1),
        **dict.fromkeys(("exact_duplicates_removed", "text_bytes", "train_documents", "held_out_documents"), 1),
        **{name: {} for name in ("languages", "formats", "licences_detected")},
        **dict.fromkeys(("skipped", "personal_data", "findings", "not_checked", "shards"), ()),
    }
    DatasetCard.model_validate(fields).write(place / "card.json")
    return place


def test_the_places_of_a_person_are_told_with_their_documents(folder, key) -> None:
    result = run(ANNA, "--key", key, "--in", folder)

    assert result.exit_code == 0, result.stderr
    assert "2 places in 2 documents" in in_one_line(result.stderr)
    assert "letter-1.txt" in result.stderr
    assert "letter-0.txt" not in result.stderr
    assert ANNA not in result.stderr + result.stdout


@pytest.mark.parametrize("writing", ["+49 30 1234567", "0049 30 1234567", "030 1234567"])
def test_a_number_is_found_in_any_writing(folder, key, writing) -> None:
    result = run(writing, "--key", key, "--in", folder, "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)[0]["kinds"] == {"phone": 2}


def test_values_may_come_on_standard_input_and_stay_out_of_the_history(folder, key) -> None:
    result = run("-", "--key", key, "--in", folder, "--json", stdin=f"{ANNA}\n\n+49 30 1234567\n")

    assert json.loads(result.stdout)[0]["places"] == 4


def test_another_person_is_not_found(folder, key) -> None:
    result = run("carla@firma-muster.de", "--key", key, "--in", folder)

    assert "none of the values stands in letters" in in_one_line(result.stderr)


def test_digests_are_printed_for_the_portal_and_hold_no_value(key) -> None:
    result = run(ANNA, "--key", key, "--digests")

    assert result.stdout.startswith("hmac-sha256:")
    assert open_key(key).key_id in result.stderr
    assert "anna" not in result.stdout


def test_another_key_searches_nothing_and_says_so(folder, tmp_path) -> None:
    open_key(tmp_path / "other.key")

    result = run(ANNA, "--key", tmp_path / "other.key", "--in", folder)

    assert "not searched: its findings were made under another key" in in_one_line(result.stderr)


def test_a_folder_without_rows_is_said(folder, key) -> None:
    (folder / FINDINGS_NAME).unlink()

    assert "has no findings.jsonl" in in_one_line(run(ANNA, "--key", key, "--in", folder).stderr)


def test_without_the_option_the_key_is_that_of_the_check(folder, key, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KIFABRIK_DATA_KEY_FILE", str(key))
    assert "2 places" in in_one_line(run(ANNA, "--in", folder).stderr)

    monkeypatch.setenv("KIFABRIK_DATA_KEY_FILE", "")  # set to nothing is not set
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert "config/kifabrik/data.key: there is no such key" in run(ANNA, "--in", folder).stderr.replace("\n", "")

    (tmp_path / "config" / "kifabrik").mkdir(parents=True)
    key.rename(tmp_path / "config" / "kifabrik" / "data.key")
    assert "2 places" in in_one_line(run(ANNA, "--in", folder).stderr)


def test_a_missing_key_is_not_made_anew(tmp_path) -> None:
    result = run(ANNA, "--key", tmp_path / "nowhere.key", "--digests")

    assert result.exit_code == NotFound.exit_code
    assert not (tmp_path / "nowhere.key").exists()


def test_what_is_of_no_kind_is_counted_and_not_repeated(key) -> None:
    result = run(ANNA, "12 monkeys", "--key", key, "--digests")

    assert result.exit_code == InvalidInput.exit_code
    assert "value number 2" in in_one_line(result.stderr)
    assert "monkeys" not in result.stderr


def test_a_name_is_read_in_the_form_in_which_names_are_listed(folder, key) -> None:
    secret = open_key(key)
    (hit,) = CueNames().find(["Sehr geehrte Frau Anna  Berg, danke."], ["de"])[0]
    row = {"document": "n.txt", "start": 1, "end": 2, "kind": "name", "country": "", "tier": 2}
    with (folder / FINDINGS_NAME).open("a") as stream:
        stream.write(json.dumps({**row, "digest": digest_of(hit, secret)}) + "\n")

    result = run(hit.value.title(), "--key", key, "--in", folder, "--json")

    assert json.loads(result.stdout)[0]["kinds"] == {"name": 1}


def test_the_key_of_this_user_is_taken_without_a_word(folder, key, monkeypatch) -> None:
    monkeypatch.setenv("KIFABRIK_DATA_KEY_FILE", str(key))

    assert json.loads(run(ANNA, "--in", folder, "--json").stdout)[0]["places"] == 2


def test_nothing_to_do_is_said(key) -> None:
    assert run(ANNA, "--key", key).exit_code == InvalidInput.exit_code


def test_two_keys_give_different_digests_of_one_value() -> None:
    assert digests_of([ANNA], Key.fresh()) != digests_of([ANNA], Key.fresh())
