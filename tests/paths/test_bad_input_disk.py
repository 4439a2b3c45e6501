"""Disks that are full, read-only or limited: one sentence, nothing half written, and a run that goes on afterwards."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.paths.refusals import names, refuse, refuse_apart, start

from kifabrik.records.run_manifest import RunManifest
from kifabrik.workbench.recipes import find


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 1.5 MB that cannot be packed much smaller."""
    folder = tmp_path_factory.mktemp("texts")
    for number in range(60):
        (folder / f"{number}.txt").write_text(os.urandom(12_000).hex())
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, texts: Path) -> Path:
    folder = tmp_path_factory.mktemp("datasets") / "random"
    process = start(*check(texts, folder))
    code, stderr = process.wait(timeout=60), process.communicate()[1]
    assert code == 0, stderr
    return folder


def check(texts: Path, out: Path) -> tuple[str | Path, ...]:
    return ("dataset", "check", texts, "--out", out, "--licence", "CC0-1.0", "--held-out-share", "0.4", "--json")


def test_a_full_disk_ends_a_check_and_leaves_nothing(texts: Path, small_disk: Path) -> None:
    told = refuse(*check(texts, small_disk / "out"))

    assert told.code == 6
    assert f"{small_disk}/out: cannot write: the disk is full. Free some space and start again" in told.sentence
    assert told.document is None
    assert names(small_disk) == []


def test_a_limit_on_file_sizes_ends_a_check_and_leaves_nothing(texts: Path, tmp_path: Path) -> None:
    told = refuse_apart(*check(texts, tmp_path / "out"), shell="ulimit -f 200")

    assert told.code == 6
    assert "out: cannot write: the limit on file sizes is reached. Raise the limit" in told.sentence
    assert names(tmp_path) == []


def test_a_full_disk_for_findings_ends_a_check_and_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "full").write_bytes(bytes(256 * 1024))
    source = tmp_path / "letter.txt"
    source.write_text("".join(f"Write to person{number}@mail{number}.eu. " for number in range(500)))

    told = refuse(*check(source, tmp_path / "out"), "--findings", small_disk / "rows.jsonl")

    assert (told.code, "the disk is full" in told.sentence) == (6, True), told.sentence
    assert names(small_disk) == ["full"]
    assert names(tmp_path) == ["disk", "letter.txt"]


def test_a_read_only_disk_refuses_a_check_and_a_run(texts: Path, dataset: Path, frozen_disk: Path) -> None:
    for words in (
        check(texts, frozen_disk / "out"),
        ("run", find("step-boxed-test"), "--dataset", dataset, "--folder", frozen_disk / "run", "--json"),
    ):
        told = refuse(*words)
        assert told.code == 6
        assert f"{frozen_disk}/" in told.sentence
        assert "cannot write: " in told.sentence
        assert "Choose a folder that " in told.sentence
        assert told.document is None
        assert names(frozen_disk) == []


def test_a_read_only_disk_refuses_a_sign_in_file(frozen_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kifabrik.site.client import PortalClient

    monkeypatch.setattr(PortalClient, "post", lambda *_words, **_more: {"token": "secret"})
    monkeypatch.setenv("KIFABRIK_LOGIN_FILE", str(frozen_disk / "login.json"))

    told = refuse("login", "--email", "ada@example.eu", "--portal", "http://127.0.0.1:9", entered="secret word\n")

    assert (told.code, "login.json: cannot write: " in told.sentence) == (6, True), told.sentence


@pytest.mark.parametrize("kept_bytes", [0, 40_000, 150_000])
def test_a_full_disk_ends_a_run_that_goes_on_once_there_is_space(
    dataset: Path, small_disk: Path, kept_bytes: int
) -> None:
    """The disk is full before the first line, in the first steps, and in the middle of the data."""
    (small_disk / "ballast").write_bytes(bytes(256 * 1024 - kept_bytes))
    recipe = small_disk.parent / "recipe.yaml"
    head, _, rest = find("step-boxed-test").read_text().partition("fine_tuning:")
    recipe.write_text(head + rest[rest.index("canaries:") :])
    words = ("run", recipe, "--dataset", dataset, "--folder", small_disk / "run", "--json")

    told = refuse(*words)

    assert told.code == 6
    assert "cannot write: the disk is full. Free some space and start again; finished steps are kept." in told.sentence
    assert told.document is None
    hidden = [path.name for path in small_disk.rglob(".*")]
    assert [name for name in hidden if not name.startswith(".lease")] == []
    manifest = small_disk / "run" / "manifest.json"
    if manifest.exists():
        assert RunManifest.read(manifest).finished is False
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    if kept_bytes == 150_000:
        again = start(*words)
        stdout, stderr = again.communicate(timeout=120)
        assert again.returncode == 0, stderr
        assert RunManifest.model_validate_json(stdout).finished
