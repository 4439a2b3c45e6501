"""A new dataset compared with others: what both hold is counted by true similarity, reported or left out."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.datasets.test_checking import find

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.findings import Severity
from kifabrik.datasets.check import Choices, Wish, finish_dataset, plan_dataset
from kifabrik.datasets.documents import Limits
from kifabrik.datasets.folder import iterate_documents
from kifabrik.datasets.pipeline.against import ShardShelf
from kifabrik.datasets.settings import NearDuplicateChoice

WORDS = [f"word{number}" for number in range(900)]


def write(seed: int, words: int = 150) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def edit(text: str) -> str:
    return text.replace(" ", " changed ", 1)


def fill(folder: Path, texts: list[str]) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number:03d}.txt").write_text(text)
    return folder


@pytest.fixture
def old(check, tmp_path: Path) -> Path:
    """A checked dataset of forty documents."""
    check(fill(tmp_path / "old-texts", [write(number) for number in range(40)]), out=tmp_path / "old", name="old")
    return tmp_path / "old"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Ten documents that the old dataset holds, ten edited ones of it, two twins of one of these, and thirty others."""
    copies = [write(number) for number in range(10)]
    edited = [edit(write(number)) for number in range(10, 20)]
    twins = [edited[0] + " more", edited[0] + " and more"]
    return fill(tmp_path / "fresh", [*copies, *edited, *twins, *(write(number) for number in range(100, 130))])


def test_documents_that_another_dataset_holds_too_are_counted_and_reported(check, old, fresh) -> None:
    card = check(fresh, choices=Choices(against=(old,)))

    label = f"old {digest_of(old)}"
    assert card.deduplication.other_datasets == {label: 20}
    assert card.deduplication.removed_for_others == 0
    finding = find(card, "dataset.elsewhere.kept")
    assert finding.severity is Severity.WARNING
    assert finding.message == "20 documents are near-duplicates of documents of the dataset old."
    assert finding.where == label[:23]
    assert not any("other datasets" in words for words in card.not_checked)


def test_they_are_left_out_if_wanted_with_their_twins(check, old, fresh, tmp_path) -> None:
    card = check(fresh, choices=Choices(against=(old,), drops_elsewhere=True))

    kept = {each.text.strip() for split in ("train", "held-out") for each in iterate_documents(tmp_path / "out", split)}
    assert kept == {write(number) for number in range(100, 130)}
    assert card.documents_kept == 30
    assert card.deduplication.removed_for_others == 22
    assert card.deduplication.removed_documents == 0
    assert find(card, "dataset.elsewhere.kept") is None
    assert find(card, "dataset.elsewhere.removed").message.startswith("22 documents were left out")


def test_each_of_several_datasets_is_counted_and_one_named_twice_counts_once(check, old, fresh, tmp_path) -> None:
    check(fill(tmp_path / "third-texts", [write(n) for n in range(115, 135)]), out=tmp_path / "third", name="third")
    same = shutil.copytree(old, tmp_path / "copy-of-old")

    card = check(fresh, choices=Choices(against=(old, same, tmp_path / "third")))

    assert [*card.deduplication.other_datasets.values()] == [20, 15]
    assert [each.where.split()[0] for each in card.findings if each.code == "dataset.elsewhere.kept"] == [
        "old",
        "third",
    ]


def test_nothing_in_common_is_a_zero_on_the_card_and_no_finding(check, old, tmp_path) -> None:
    card = check(fill(tmp_path / "fresh", [write(n) for n in range(200, 230)]), choices=Choices(against=(old,)))

    assert [*card.deduplication.other_datasets.values()] == [0]
    assert find(card, "dataset.elsewhere.kept") is None


def test_a_check_that_was_given_no_other_dataset_says_so(check, texts) -> None:
    card = check(texts)

    assert card.deduplication.other_datasets == {}
    assert find(card, "dataset.not-checked.elsewhere").severity is Severity.NOT_CHECKED


def test_workers_and_another_order_of_naming_change_nothing(check, old, fresh, tmp_path) -> None:
    one = check(fresh, out=tmp_path / "one", choices=Choices(against=(old,), drops_elsewhere=True, workers=1))
    two = check(
        fresh,
        out=tmp_path / "two",
        limits=Limits(task_bytes_max=4_000),
        choices=Choices(against=(old,), drops_elsewhere=True, workers=2),
    )

    assert one.deduplication == two.deduplication
    assert one.dataset_digest == two.dataset_digest


def test_kept_parts_serve_whatever_they_are_compared_with(old, fresh, origin, tmp_path, now) -> None:
    def plan(**chosen):
        key = tmp_path / "keys" / "key"
        choices = Choices(key_file=key, **chosen)
        limits = Limits(task_bytes_max=4_000)
        return plan_dataset(
            Wish(paths=[fresh], out=tmp_path / "out", name="fresh", origin=origin, limits=limits, choices=choices)
        )[0]

    place = plan()
    settings = json.loads((place / "plan.json").read_text())["settings"]
    assert json.loads((plan(against=(old,)) / "plan.json").read_text())["settings"] == settings

    finish_dataset(place, now=now)
    assert "old" in (tmp_path / "out" / "card.json").read_text()


def test_another_dataset_in_the_place_of_the_planned_one_is_refused(check, old, fresh, origin, tmp_path, now) -> None:
    choices = Choices(key_file=tmp_path / "keys" / "key", against=(old,))
    wish = Wish(paths=[fresh], out=tmp_path / "out", name="fresh", origin=origin, choices=choices)
    place, _ = plan_dataset(wish)
    shutil.rmtree(old)
    check(fresh, out=old, name="other")

    with pytest.raises(InvalidInput, match="holds another dataset than when the check began"):
        finish_dataset(place, now=now)


def test_a_changed_or_missing_shard_is_refused_before_or_while_it_is_read(check, old, fresh) -> None:
    shard = next(old.glob("train-*.parquet"))
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + b"?")
    with pytest.raises(InvalidInput, match="the shard was changed after its check"):
        check(fresh, choices=Choices(against=(old,)))
    shard.write_bytes(content[:-1])
    with pytest.raises(InvalidInput, match="the shard was changed after its check"):
        check(fresh, choices=Choices(against=(old,)))
    shard.unlink()
    with pytest.raises(InvalidInput, match="the shard is missing"):
        check(fresh, choices=Choices(against=(old,)))


def test_what_does_not_fit_together_is_refused(check, old, fresh, tmp_path) -> None:
    with pytest.raises(NotFound, match="no dataset folder"):
        check(fresh, choices=Choices(against=(fresh,)))
    with pytest.raises(InvalidInput, match="these are not looked for"):
        check(fresh, choices=Choices(against=(old,), near_duplicates=NearDuplicateChoice(action="off")))
    with pytest.raises(InvalidInput, match="no other dataset is named"):
        check(fresh, choices=Choices(drops_elsewhere=True))
    assert not (tmp_path / "out").exists()


def test_every_document_taken_out_is_said(check, old, tmp_path) -> None:
    same = fill(tmp_path / "same", [write(number) for number in range(20)])
    with pytest.raises(InvalidInput, match="every document was taken out"):
        check(same, choices=Choices(against=(old,), drops_elsewhere=True))


def test_texts_of_shards_come_in_the_order_asked(old) -> None:
    shelf = ShardShelf(sorted(old.glob("*.parquet")))
    everything = shelf.fetch(range(shelf.rows))
    assert sorted(everything) == sorted(write(number) for number in range(40))
    assert shelf.fetch([7, 3, 39, 3]) == [everything[each] for each in (7, 3, 39, 3)]


def test_the_command_line_takes_several_folders_and_says_what_was_left_out(old, fresh, tmp_path) -> None:
    words = [sys.executable, "-m", "kifabrik", "dataset", "check", fresh, "--out", tmp_path / "out", "--against", old]
    key = ["--key", tmp_path / "keys" / "key"]
    done = subprocess.run([*words, *key, "--drop-elsewhere"], capture_output=True, text=True, check=True)
    assert "22 left out because another dataset holds them" in " ".join(done.stderr.split())


def digest_of(folder: Path) -> str:
    return json.loads((folder / "card.json").read_text())["dataset_digest"]
