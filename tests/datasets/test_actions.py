"""What a check does with what it finds: actions, duplicates, evaluation texts, opt-outs, split, memory."""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.findings import Severity
from kifabrik.datasets import keys
from kifabrik.datasets.check import Choices, check_dataset
from kifabrik.datasets.deduplication import Parameters
from kifabrik.datasets.folder import iterate_documents
from kifabrik.datasets.pipeline import worker
from kifabrik.datasets.pipeline.instruments import scanner
from kifabrik.datasets.pipeline.joining import find_groups
from kifabrik.datasets.settings import NearDuplicateChoice
from kifabrik.funding.training_gate import blocking_findings
from kifabrik.records import DatasetCard

VALUES = {
    "email": "anna.schmidt@firm-north.eu",
    "iban": "NL91 ABNA 0417 1643 00",
    "phone": "+49 30 901820 17",
    "ip-address": "8.8.4.4",
}
REPLACING = ("placeholder", "mask", "pseudonym")


def read_texts(folder: Path) -> dict[str, str]:
    documents = [*iterate_documents(folder, "train"), *iterate_documents(folder, "held-out")]
    return {document.source: document.text for document in documents}


def read_bytes(folder: Path) -> bytes:
    """All columns of all shards, unpacked."""
    tables = [pq.read_table(path) for path in sorted(folder.glob("*.parquet"))]
    return "\n".join(str(column.to_pylist()) for table in tables for column in table.columns).encode()


@pytest.mark.parametrize("action", REPLACING)
def test_no_value_that_was_found_stays_in_a_shard(check, texts: Path, tmp_path: Path, action: str) -> None:
    sentence = " and ".join(f"{kind} {value}" for kind, value in VALUES.items())
    (texts / "a.txt").write_text(f"Grüße 😀: {sentence}. Once more: {sentence}.")
    row = {
        "messages": [{"role": "user", "content": f"I am {VALUES['email']}"}, {"role": "assistant", "content": "Hi."}],
        "id": VALUES["email"],
        "url": f"https://example.org/?mail={VALUES['email']}",
    }
    (texts / "b.jsonl").write_text(json.dumps(row) + "\n")

    card = check(texts, choices=Choices(action=action, key_file=tmp_path / "keys" / "data.key"))

    written = read_bytes(tmp_path / "out").decode()
    assert not [value for value in VALUES.values() if value in written]
    assert card.redaction.replaced["email"] == 3
    assert card.redaction.key_id == keys.open_key(tmp_path / "keys" / "data.key").key_id
    assert card.personal_data == ()  # nothing of what was found is left
    assert not [each for each in blocking_findings(card, accepted=()) if "personal-data" in each.code]
    assert any(finding.code == "dataset.replaced.iban" for finding in card.findings)
    rows = [json.loads(line) for line in (tmp_path / "out" / "findings.jsonl").read_text().splitlines()]
    text = (texts / "a.txt").read_text()
    found = {text[each["start"] : each["end"]] for each in rows if each["document"] == "a.txt"}
    assert found == set(VALUES.values())  # offsets count in the text as it was found


@given(
    pieces=st.lists(
        st.one_of(st.sampled_from(sorted(VALUES.values())), st.text(max_size=30), st.sampled_from([" ", "\n", "."])),
        max_size=12,
    ),
    action=st.sampled_from(REPLACING),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_holds_nothing_to_be_found(
    origin, now, tmp_path_factory, pieces: list[str], action: str
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "a.txt").write_bytes(" ".join(pieces).encode("utf-8", "replace"))
    (folder / "b.txt").write_text("Another text, so that the dataset is not empty.")
    out = folder.parent / f"{folder.name}-out"
    choices = Choices(action=action, key_file=folder.parent / "data.key", workers=1)

    check_dataset([folder], out=out, name="letters", origin=origin, now=now, choices=choices)

    written = list(read_texts(out).values())
    hits = scanner().scan(written, is_code=[False] * len(written))
    assert not [hit for found in hits for hit in found if not hit.is_example]


def test_the_same_value_has_the_same_pseudonym_in_every_dataset_of_a_key(check, texts: Path, tmp_path: Path) -> None:
    (texts / "a.txt").write_text(f"Write to {VALUES['email']} soon.")
    (texts / "b.txt").write_text(f"A letter from {VALUES['email']} came.")
    choices = Choices(action="pseudonym", key_file=tmp_path / "data.key")

    check(texts, choices=choices)
    check(texts, out=tmp_path / "again", choices=choices)
    check(texts, out=tmp_path / "other", choices=Choices(action="pseudonym", key_file=tmp_path / "other.key"))

    said = read_texts(tmp_path / "out")
    name = said["a.txt"].split()[2]
    assert said["b.txt"].split()[3] == name
    assert read_texts(tmp_path / "again") == said
    assert name not in read_texts(tmp_path / "other")["a.txt"]


def test_documents_with_identifiers_can_be_left_out(check, texts: Path, tmp_path: Path) -> None:
    (texts / "a.txt").write_text(f"Write to {VALUES['email']} soon.")
    (texts / "b.txt").write_text("Write to joe@example.com, an address of nobody.")

    card = check(texts, choices=Choices(action="drop"))

    assert (card.redaction.dropped_documents, card.documents_kept, card.documents_read) == (1, 31, 32)
    assert {"a.txt", "b.txt"} & read_texts(tmp_path / "out").keys() == {"b.txt"}
    assert card.personal_data == ()


def test_a_dataset_of_which_nothing_is_left_is_refused(check, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"Write to {VALUES['email']} soon.")

    with pytest.raises(InvalidInput, match="every document was taken out"):
        check(tmp_path / "a.txt", choices=Choices(action="drop"))

    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_key_among_the_texts_is_refused(check, texts: Path) -> None:
    with pytest.raises(InvalidInput, match="handed on with the data"):
        check(texts, choices=Choices(key_file=texts / "data.key"))


def test_names_are_found_by_their_cues(check, texts: Path, tmp_path: Path) -> None:
    (texts / "a.txt").write_text("We thank Mrs Angela Weber for the visit to the harbour last week.")

    card = check(texts, choices=Choices(names="cues"))

    assert [(each.kind, each.findings) for each in card.personal_data] == [("name", 1)]
    assert card.names_method.startswith("cue words")
    assert "1 name of a person in 1 document" in next(f.message for f in card.findings if f.code.endswith(".name"))
    assert "dataset.not-checked.names" not in {finding.code for finding in card.findings}
    with pytest.raises(NotFound):
        check(texts, out=tmp_path / "other", choices=Choices(names=str(tmp_path / "no-model")))


def make_twins(folder: Path, count: int) -> None:
    """Write long different letters, each with two near-copies."""
    rng = random.Random(9)
    for number in range(count):
        words = [f"word{rng.randrange(5_000)}" for _ in range(200)]
        for twin in range(3):
            words[twin * 50] = f"other{number}"
            (folder / f"twin-{number}-{twin}.txt").write_text(" ".join(words))


def test_near_duplicates_go_and_the_first_one_stays(check, texts: Path, tmp_path: Path) -> None:
    make_twins(texts, 10)

    card = check(texts)

    assert card.deduplication.removed_documents == 20
    assert card.deduplication.clusters == 10
    assert sorted(name for name in read_texts(tmp_path / "out") if "twin" in name) == [
        f"twin-{number}-0.txt" for number in range(10)
    ]
    assert any(finding.code == "dataset.near-duplicates.removed" for finding in card.findings)


@pytest.mark.parametrize("seed", range(4))
def test_near_duplicates_that_stay_are_never_on_both_sides(check, texts: Path, tmp_path: Path, seed: int) -> None:
    make_twins(texts, 20)
    near = NearDuplicateChoice(action="report", parameters=Parameters())

    card = check(texts, choices=Choices(near_duplicates=near), held_out_share=0.3, seed=seed)

    sides = {
        split: {document.source.rpartition("-")[0] for document in iterate_documents(tmp_path / "out", split)}
        for split in ("train", "held-out")
    }
    assert not {name for name in sides["train"] & sides["held-out"] if name.startswith("twin")}
    assert card.deduplication.removed_documents == 0
    assert any(finding.code == "dataset.near-duplicates.kept" for finding in card.findings)


def test_a_chain_of_similar_texts_goes_to_one_side() -> None:
    pairs = np.array([[5, 6], [0, 1], [1, 2], [2, 3], [6, 7]])

    assert find_groups(pairs, np.arange(9)).tolist() == [0, 0, 0, 0, 4, 5, 5, 5, 8]
    assert find_groups(np.zeros((0, 2), dtype=np.int64), np.arange(3)).tolist() == [0, 1, 2]


def test_copies_alone_leave_one_document(check, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "Always the same."}\n' * 500)

    card = check(tmp_path / "a.jsonl")

    assert (card.documents_read, card.documents_kept, card.exact_duplicates_removed) == (500, 1, 499)
    assert any(finding.severity is Severity.BLOCKING for finding in card.findings)


def test_texts_of_tests_are_kept_out_of_the_data(check, texts: Path, tmp_path: Path) -> None:
    question = "Which river flows through the old town past the market and the harbour before it meets the northern sea"
    (tmp_path / "exam.txt").write_text(question)
    (texts / "a.txt").write_text(f"I was asked: {question}? I did not know.")

    card = check(texts, choices=Choices(evaluation_texts=(tmp_path / "exam.txt",)))

    assert "a.txt" not in read_texts(tmp_path / "out")
    assert card.decontamination.removed_documents == 1
    assert [*card.decontamination.evaluation_sets.values()] == [1]


@pytest.mark.parametrize("drops", [False, True])
def test_opt_outs_are_counted_or_heeded(check, texts: Path, tmp_path: Path, drops: bool) -> None:
    host = tmp_path / "opt-outs" / "www.closed.org"
    host.mkdir(parents=True)
    (host / "tdmrep.json").write_text('[{"location": "/*", "tdm-reservation": 1}]')
    rows = [{"text": "Closed to miners, this page.", "url": "https://www.closed.org/a", "license": "cc-by-4.0"}]
    rows += [{"text": "Open to everybody, this page.", "url": "https://open.org/a"}]
    (texts / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    card = check(texts, choices=Choices(opt_outs=tmp_path / "opt-outs", drops_reserved=drops))

    assert (card.rights.documents_with_address, card.rights.documents_judged) == ((1, 0) if drops else (2, 1))
    assert (card.rights.reserved_documents, card.rights.removed_documents) == ((0, 1) if drops else (1, 0))
    assert [each.domain for each in card.opt_outs] == ["www.closed.org"]
    assert {each.domain for each in card.domains} == ({"open.org"} if drops else {"open.org", "closed.org"})
    assert card.licences_declared == ({} if drops else {"CC-BY-4.0": 1})


def test_the_card_counts_only_what_was_kept(check, texts: Path) -> None:
    (texts / "a.txt").write_text(f"Write to {VALUES['email']} soon.")
    (texts / "b.txt").write_text(f"Write to {VALUES['email']} soon.")
    (texts / "c.py").write_text("x = 1\n" * 20)

    card = check(texts)

    (email,) = (each for each in card.personal_data if each.kind == "email")
    assert (email.findings, email.documents, email.tiers) == (1, 1, {"2": 1})
    assert sum(card.lengths.values()) == card.documents_kept == 32
    assert card.formats == {"py": 1, "txt": 31}
    assert {signal.code for signal in card.quality} >= {"length", "repeated-lines"}
    assert card.rules.startswith("rules ")


def test_a_worker_cannot_take_more_memory_than_it_may(tmp_path: Path) -> None:
    code = (
        "from kifabrik.datasets.pipeline.worker import limit_memory\n"
        "from kifabrik.datasets.settings import PartSettings\n"
        "limit_memory(PartSettings())\n"
        "try: bytearray(1_600_000_000)\n"
        "except MemoryError: print('refused')\n"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == "refused\n"
    assert worker.MEMORY_BYTES_MAX == 1_500_000_000


def test_a_large_file_is_checked_in_little_memory(origin, now, tmp_path: Path) -> None:
    rng = random.Random(1)
    words = [f"{rng.randrange(16**6):x}" for _ in range(4_000)]
    with (tmp_path / "a.jsonl").open("w") as stream:
        for number in range(12_000):
            stream.write(json.dumps({"text": f"{number} " + " ".join(rng.choices(words, k=250))}) + "\n")
    code = (
        "import resource, sys; from pathlib import Path; from kifabrik.cli.dataset import app\n"
        "from kifabrik.datasets.pipeline.worker import limit_memory\n"
        "from kifabrik.datasets.settings import PartSettings\n"
        "limit_memory(PartSettings()); resource.setrlimit(resource.RLIMIT_DATA, (700_000_000, 700_000_000))\n"
        "app()\n"
    )
    words_of_it = ["check", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "out"), "--workers", "1", "--json"]

    result = subprocess.run([sys.executable, "-c", code, *words_of_it], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    card = DatasetCard.read(tmp_path / "out" / "card.json")
    assert card.documents_kept == 12_000
    assert (tmp_path / "a.jsonl").stat().st_size > 20_000_000
