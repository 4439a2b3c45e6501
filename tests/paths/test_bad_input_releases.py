"""Bad releases at `kifabrik release verify` and `kifabrik serve`: the first fault is named, and nothing is served."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.passport.factories import make_release, make_safetensors
from tests.paths.refusals import refuse, snapshot

from kifabrik.passport import signing
from kifabrik.passport.keys import ensure_key

HOSTILE = {
    "header larger than the file": ((2**40).to_bytes(8, "little") + b"{}", "header"),
    "header of no bytes": (bytes(8), "header"),
    "not JSON": (make_safetensors(b"{not json"), "JSON"),
    "offsets beyond the file": (
        make_safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
        "",
    ),
    "overlapping tensors": (
        make_safetensors(
            {
                "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
            },
            bytes(12),
        ),
        "",
    ),
    "nested a thousand deep": (make_safetensors(b"[" * 5_000), ""),
    "huge shape": (
        make_safetensors({"w": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]}}, bytes(8)),
        "",
    ),
    "cut short": (b"\x10", ""),
    "pickle": (b"\x80\x04\x95rest", ""),
}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tmp_path_factory.mktemp("signed"))[0]


@pytest.fixture
def release(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed, tmp_path / "release"))


def sign_anew(release: Path, place: Path) -> None:
    """Sign the folder as it is now, as a forger with a key of their own would."""
    (release / "passport.sig").unlink()
    signing.sign(release, key=ensure_key(place / "forger"))


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_weight_file_is_refused_though_it_is_signed(release: Path, tmp_path: Path, case: str) -> None:
    data, word = HOSTILE[case]
    (release / "model" / "model.safetensors").write_bytes(data)
    sign_anew(release, tmp_path)
    before = snapshot(release)

    told = refuse("release", "verify", release, "--json")

    assert told.code == 1
    assert told.sentence.startswith("Not genuine: model/model.safetensors ")
    assert word in told.sentence
    assert told.document["genuine"] is False
    assert told.document["first_fault"]["where"] == "model/model.safetensors"
    assert told.document["first_fault"]["remedy"]
    assert snapshot(release) == before


def change_byte(release: Path) -> None:
    path = release / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def add_link(release: Path) -> None:
    (release / "model" / "link.json").symlink_to("/etc/passwd")


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "changed byte": (change_byte, "model/model.safetensors", "changed"),
    "changed number": (
        lambda release: (release / "passport.json").write_text(
            (release / "passport.json").read_text().replace("2000000000000", "1000000000000")
        ),
        "passport.json",
        "changed",
    ),
    "unlisted file": (lambda release: (release / "extra.txt").write_text("x"), "extra.txt", ""),
    "unlisted code": (lambda release: (release / "model" / "run.py").write_text("x"), "model/run.py", ""),
    "link": (add_link, "model/link.json", "link"),
    "missing file": (lambda release: (release / "README.md").unlink(), "README.md", "not in the folder"),
    "missing signature": (lambda release: (release / "passport.sig").unlink(), "passport.sig", "is missing"),
    "signature is no signature": (lambda release: (release / "passport.sig").write_bytes(b"\0\1"), "passport.sig", ""),
    "missing passport": (lambda release: (release / "passport.json").unlink(), "passport.json", "not in the folder"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_the_first_fault_of_a_release_is_named(release: Path, case: str) -> None:
    change, where, word = FAULTS[case]
    change(release)

    told = refuse("release", "verify", release, "--json")

    assert told.code == 1
    assert told.sentence.startswith(f"Not genuine: {where} ")
    assert word in told.sentence
    assert told.document["first_fault"]["where"] == where
    assert told.document["first_fault"]["remedy"]


def test_a_release_of_another_key_is_not_genuine(release: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pub"
    stranger.write_bytes(ensure_key(tmp_path / "other").public_pem)

    told = refuse("release", "verify", release, "--key", stranger, "--json")

    assert (told.code, told.document["genuine"]) == (1, False)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("verify", "nowhere", "--json"), 3, "nowhere: there is no such folder. Give the folder of a release."),
        (("verify", "key.pub", "--json"), 3, "key.pub: there is no such folder. Give the folder of a release."),
        (("verify", ".", "--key", "nowhere"), 2, "nowhere: the key cannot be read. Give a .pub file."),
        (("verify", ".", "--key", "key.pub"), 2, "key.pub: is not a public key in PEM. Give the .pub file of the fac"),
    ],
)
def test_what_is_no_release_or_key_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key.pub").write_text("no key")

    told = refuse("release", *words)

    assert (told.code, sentence in told.sentence) == (code, True), told.sentence
    assert told.document is None


@pytest.mark.parametrize("unsigned", [(), ("--unsigned",)], ids=["signed", "unsigned"])
def test_a_folder_that_is_no_release_is_not_served(tmp_path: Path, unsigned: tuple[str, ...]) -> None:
    (tmp_path / "letters").mkdir()

    told = refuse("serve", tmp_path / "letters", "--port", "0", *unsigned)

    assert told.code == 2
    assert "letters/model: there is no model folder. Name a whole release folder" in told.sentence


def test_a_release_with_a_changed_byte_is_not_served(release: Path) -> None:
    change_byte(release)

    told = refuse("serve", release, "--port", "0")

    assert told.code == 4
    assert f"{release}: this release is not genuine: model/model.safetensors " in told.sentence
    assert f"'kifabrik release verify {release}' says more." in told.sentence


@pytest.mark.parametrize("case", ["not JSON", "pickle", "huge shape"])
def test_a_hostile_header_is_not_served_even_unsigned(release: Path, case: str) -> None:
    (release / "model" / "model.safetensors").write_bytes(HOSTILE[case][0])

    told = refuse("serve", release, "--unsigned", "--port", "0")

    assert told.code == 2
    assert f"{release}/model/model.safetensors: " in told.sentence


def test_nothing_to_serve_is_one_sentence(tmp_path: Path) -> None:
    assert "there is nothing to serve. Name a release folder" in refuse("serve").sentence
    assert "nowhere: there is no such folder." in refuse("serve", tmp_path / "nowhere").sentence
