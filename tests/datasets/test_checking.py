"""The check: what a card says, that equal input gives equal bytes, and that a split never moves."""

import hashlib
import json
import random
import re
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import Severity
from kifabrik.datasets.check import Choices
from kifabrik.datasets.documents import Limits
from kifabrik.datasets.folder import FINDINGS_NAME, iterate_documents, read_card, verify, verify_shards
from kifabrik.datasets.language import identify
from kifabrik.datasets.licences import find_licences, is_unknown
from kifabrik.datasets.settings import NearDuplicateChoice
from kifabrik.datasets.split import hold_out
from kifabrik.records import DatasetCard


def find(card: DatasetCard, code: str):
    return next((finding for finding in card.findings if finding.code == code), None)


def ids(folder: Path, split: str) -> set[str]:
    return {document.id for document in iterate_documents(folder, split)}


def test_a_folder_of_text_becomes_a_dataset_folder(check, texts: Path, tmp_path: Path) -> None:
    card = check(texts)

    assert (card.files_read, card.documents_read, card.documents_kept) == (30, 30, 30)
    assert card.train_documents + card.held_out_documents == 30
    assert card.held_out_documents >= 1
    assert card.text_bytes == sum(path.stat().st_size for path in texts.iterdir())
    assert card.languages == {"en": 30}
    assert card.formats == {"txt": 30}
    assert read_card(tmp_path / "out") == card
    verify(tmp_path / "out")


def test_a_folder_without_rows_of_findings_is_whole_for_training_only(check, texts: Path, tmp_path: Path) -> None:
    (texts / "mail.txt").write_text("Write to hans.maier@firma.de about the weather.\n")
    card = check(texts)
    (tmp_path / "out" / FINDINGS_NAME).unlink()

    assert verify_shards(tmp_path / "out") == card
    with pytest.raises(InvalidInput, match="rows of findings are missing"):
        verify(tmp_path / "out")


def test_documents_come_back_as_they_were(check, texts: Path, tmp_path: Path) -> None:
    check(texts)

    documents = [*iterate_documents(tmp_path / "out", "train"), *iterate_documents(tmp_path / "out", "held-out")]

    assert {document.source: document.text for document in documents} == {
        path.name: path.read_text() for path in texts.iterdir()
    }
    assert all(document.id.startswith("sha256:") and document.format == "txt" for document in documents)


def test_equal_input_gives_equal_bytes_whenever_and_wherever_it_is_checked(check, texts: Path, tmp_path, now) -> None:
    moved = tmp_path / "elsewhere" / "texts"
    shutil.copytree(texts, moved)

    first = check(texts)
    second = check(moved, out=tmp_path / "again", now=now + timedelta(days=400))

    assert second.dataset_digest == first.dataset_digest
    assert second.shards == first.shards
    for shard in first.shards:
        assert (tmp_path / "out" / shard.path).read_bytes() == (tmp_path / "again" / shard.path).read_bytes()


def test_exact_duplicates_are_removed_and_counted(check, texts: Path, tmp_path: Path) -> None:
    (texts / "zz-copy.txt").write_bytes((texts / "03.txt").read_bytes())
    (texts / "zz.jsonl").write_text(json.dumps({"text": (texts / "03.txt").read_text()}) + "\n")

    card = check(texts)

    assert (card.documents_read, card.documents_kept, card.exact_duplicates_removed) == (32, 30, 2)
    assert len(ids(tmp_path / "out", "train") | ids(tmp_path / "out", "held-out")) == 30


def test_more_data_never_move_a_document_to_the_other_split(check, texts: Path, tmp_path: Path) -> None:
    check(texts, held_out_share=0.3)
    for number in range(200):
        (texts / f"more-{number}.txt").write_text(f"Another letter, number {number}.")

    check(texts, out=tmp_path / "more", held_out_share=0.3)

    assert ids(tmp_path / "out", "train") <= ids(tmp_path / "more", "train")
    assert ids(tmp_path / "out", "held-out") <= ids(tmp_path / "more", "held-out")


def test_another_seed_is_another_split(check, texts: Path, tmp_path: Path) -> None:
    check(texts, held_out_share=0.5)
    check(texts, out=tmp_path / "other", held_out_share=0.5, seed=18)

    assert ids(tmp_path / "out", "held-out") != ids(tmp_path / "other", "held-out")


@given(
    digests=st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=40),
    share=st.floats(0.001, 0.9),
    order=st.randoms(use_true_random=False),
)
def test_the_split_depends_on_the_documents_alone(digests: list[bytes], share: float, order) -> None:
    def split(items: list[bytes]) -> set[bytes]:
        rows = np.frombuffer(b"".join(items), dtype=np.uint8).reshape(-1, 32)
        return {item for item, is_out in zip(items, hold_out(rows, share=share, seed=17), strict=True) if is_out}

    def draw(digest: bytes) -> float:  # the rule as a card states it
        number = hashlib.sha256(f"17:sha256:{digest.hex()}".encode()).digest()
        return int.from_bytes(number[:6], "big") / 2**48

    assert split(digests) == split(order.sample(digests, len(digests)))
    below = {digest for digest in digests if draw(digest) < share}
    lowest = {min(digests, key=draw)} if len(digests) > 1 else set()
    assert split(digests) == (below or lowest)


def test_shards_stay_below_their_limit_and_hold_everything(check, texts: Path, tmp_path: Path) -> None:
    for number in range(6):
        (texts / f"big-{number}.txt").write_bytes(make_noise(number, 1_200_000))

    card = check(texts, limits=Limits(shard_bytes_max=2_000_000))

    train = [shard for shard in card.shards if shard.split == "train"]
    assert [shard.path for shard in train] == [f"train-{number:05d}.parquet" for number in range(len(train))]
    assert len(train) >= 3
    assert max(shard.size_bytes for shard in card.shards) <= 2_000_000
    assert len(ids(tmp_path / "out", "train")) + len(ids(tmp_path / "out", "held-out")) == 36


def make_noise(seed: int, size_bytes: int) -> bytes:
    return random.Random(seed).randbytes(size_bytes // 2).hex().encode()


def test_personal_data_are_counted_and_become_a_serious_finding(check, texts: Path) -> None:
    (texts / "a.txt").write_text("ann@firm.eu, bob@firm.eu, cy@firm.eu and joe@example.com")
    (texts / "b.txt").write_text("dan@firm.eu and eva@firm.eu")

    card = check(texts)

    counted = {each.kind: (each.findings, each.documents) for each in card.personal_data}
    assert counted == {"email": (5, 2)}
    finding = find(card, "dataset.personal-data.email")
    assert finding.severity is Severity.SERIOUS
    assert finding.message == "5 e-mail addresses in 2 documents: a.txt, b.txt."
    assert find(card, "dataset.examples.email").severity is Severity.INFO


def test_few_addresses_are_a_warning_but_one_account_is_serious(check, texts: Path) -> None:
    (texts / "a.txt").write_text("ann@firm.eu, NL91 ABNA 0417 1643 00")

    card = check(texts)

    assert find(card, "dataset.personal-data.email").severity is Severity.WARNING
    assert find(card, "dataset.personal-data.iban").severity is Severity.SERIOUS


def test_undeclared_personal_data_ask_for_role_and_legal_basis(check, texts: Path, origin) -> None:
    (texts / "a.txt").write_text("ann@firm.eu")
    declared = origin.model_copy(update={"personal_data_role": "controller", "legal_basis": "consent"})

    assert find(check(texts), "dataset.personal-data.role-undeclared")
    assert not find(check(texts, out=texts.parent / "b", origin=declared), "dataset.personal-data.role-undeclared")


def test_no_clear_value_is_stored_beside_the_text_itself(check, texts: Path, tmp_path: Path) -> None:
    (texts / "a.txt").write_text("Grüße 😀 von ann@firm.eu, ann@firm.eu, NL91 ABNA 0417 1643 00")

    check(texts, findings_out=tmp_path / "rows.jsonl")
    check(texts, out=tmp_path / "again", findings_out=tmp_path / "rows2.jsonl")

    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    later = [json.loads(line) for line in (tmp_path / "rows2.jsonl").read_text().splitlines()]
    text = (texts / "a.txt").read_text()
    assert [text[row["start"] : row["end"]] for row in rows] == ["ann@firm.eu", "ann@firm.eu", "NL91 ABNA 0417 1643 00"]
    assert [(row["document"], row["kind"], row["country"], row["tier"]) for row in rows] == [
        ("a.txt", "email", "", 2),
        ("a.txt", "email", "", 2),
        ("a.txt", "iban", "NL", 3),
    ]
    assert rows[0]["digest"] == rows[1]["digest"] != rows[2]["digest"]
    assert rows[0]["digest"] != later[0]["digest"]  # the key lives for one run
    for stored in (tmp_path / "rows.jsonl", tmp_path / "out" / "card.json"):
        assert not re.search("ann@|0417", stored.read_text())
    assert (tmp_path / "rows.jsonl").stat().st_mode & 0o077 == 0


def test_an_unknown_licence_is_serious_and_a_differing_one_is_named(check, texts: Path, origin) -> None:
    (texts / "a.py").write_text("# SPDX-License-Identifier: GPL-2.0-only WITH Classpath-exception-2.0\nx = 1\n")
    unknown = origin.model_copy(update={"licence": "unknown"})

    card = check(texts, origin=unknown)

    assert find(card, "dataset.licence.unknown").severity is Severity.SERIOUS
    assert card.licences_detected == {"GPL-2.0-only WITH Classpath-exception-2.0": 1}
    assert "GPL-2.0-only" in find(card, "dataset.licence.differs").message


def test_what_nobody_checked_is_said(check, texts: Path) -> None:
    (texts / "zz-photo.jpg").write_bytes(b"\xff\xd8\xff")
    (texts / "zz.txt").write_text("Украинский комітет вирішив задовольнити прохання підприємства про надання грошей.")

    card = check(texts, choices=Choices(near_duplicates=NearDuplicateChoice(action="off")))

    unchecked = {finding.code for finding in card.findings if finding.severity is Severity.NOT_CHECKED}
    assert {code for code in unchecked if "national-ids." not in code} == {
        f"dataset.not-checked.{code}"
        for code in (
            "names",
            "languages",
            "skipped",
            "near-duplicates",
            "elsewhere",
            "contamination",
            "rights",
            "content",
        )
    } | {"dataset.not-checked.document-numbers"}
    assert "dataset.not-checked.national-ids.CY" in unchecked  # what no rule covers is said for each country
    assert len(unchecked) == len(card.not_checked)


def test_what_was_checked_is_not_said_to_be_unchecked(check, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "tests.txt").write_text("Nobody in these letters ever wrote about the price of a ticket to Lisbon.")

    card = check(texts, choices=Choices(evaluation_texts=(tmp_path / "tests.txt",)))

    unchecked = {finding.code for finding in card.findings if finding.severity is Severity.NOT_CHECKED}
    assert not {"dataset.not-checked.contamination", "dataset.not-checked.near-duplicates"} & unchecked


def test_one_document_alone_blocks_training(check, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("All the text there is.")

    card = check(tmp_path / "a.txt")

    assert (card.train_documents, card.held_out_documents) == (1, 0)
    assert find(card, "dataset.held-out.empty").severity is Severity.BLOCKING


def test_skipped_files_are_counted_with_their_reasons(check, texts: Path) -> None:
    (texts / "zz-binary.txt").write_bytes(b"\x7fELF\x00\x01")
    (texts / "zz-latin.txt").write_bytes("Grüße".encode("latin-1"))
    (texts / "zz-photo.jpg").write_bytes(b"\xff\xd8\xff")

    card = check(texts)

    assert card.files_skipped == 3
    assert {file.path: file.reason.partition(" is 0xFC")[0] for file in card.skipped} == {
        "zz-binary.txt": "binary: a zero byte at byte 4",
        "zz-latin.txt": "not UTF-8 text: byte 2",
        "zz-photo.jpg": "format .jpg is not read",
    }
    assert find(card, "dataset.files-skipped").severity is Severity.WARNING


def test_progress_goes_from_nothing_to_all(check, texts: Path) -> None:
    notes: list = []

    check(texts, progress=notes.append)

    shares = [note.done for note in notes]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(note.step == "dataset" for note in notes)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The committee has decided to grant the request of the company.", "en"),
        ("Der Ausschuss hat beschlossen, dem Antrag des Unternehmens stattzugeben.", "de"),
        ("Le comité a décidé d'accueillir la demande de l'entreprise concernée.", "fr"),
        ("Komitet postanowił przychylić się do wniosku przedsiębiorstwa.", "pl"),
        ("Η επιτροπή αποφάσισε να δεχθεί το αίτημα της επιχείρησης.", "el"),
        ("12345 67890 --- 11", "und"),
        ("ok", "und"),
    ],
)
def test_language_of_a_document(text: str, language: str) -> None:
    assert identify(text, is_code=False) == language


def test_code_has_the_language_code() -> None:
    assert identify("def anything(): ...", is_code=True) == "code"


def test_licence_lines_are_read_as_written() -> None:
    text = "/* SPDX-License-Identifier: (MIT OR Apache-2.0) */\n# SPDX-License-Identifier:   MIT\n SPDX: no"

    assert find_licences(text) == {"(MIT OR Apache-2.0)", "MIT"}


@pytest.mark.parametrize(
    ("licence", "expected"), [("unknown", True), ("", True), ("NOASSERTION", True), ("MIT", False)]
)
def test_licences_that_say_nothing(licence: str, expected: bool) -> None:
    assert is_unknown(licence) is expected
