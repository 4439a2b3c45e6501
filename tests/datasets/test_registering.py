"""`kifabrik dataset register` against the real portal over HTTP."""

import json
from pathlib import Path

import pytest
from tests.portal.people.factories import make_organisation, make_token, make_user
from typer.testing import CliRunner, Result

from kifabrik.cli.dataset import app
from kifabrik.core.errors import InvalidInput
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db(transaction=True)


def register(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["register", *[str(word) for word in words]])


@pytest.fixture
def dataset(check, texts: Path, tmp_path: Path) -> Path:
    (texts / "a.txt").write_text("Account NL91 ABNA 0417 1643 00")
    check(texts)
    return tmp_path / "out"


@pytest.fixture
def sign_in(live_server, home, monkeypatch):
    def become(*organisations) -> None:
        user = make_user(roles=[Role.APPLICANT], organisations=organisations)
        monkeypatch.setenv("KIFABRIK_PORTAL", live_server.url)
        monkeypatch.setenv("KIFABRIK_TOKEN", make_token(user))

    return become


def test_a_dataset_folder_is_registered_once_however_often_it_is_brought(dataset: Path, sign_in) -> None:
    sign_in(make_organisation())

    first = register(dataset, "--json")
    second = register(dataset, "--json")

    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr + second.stderr
    version = DatasetVersion.objects.get()
    assert json.loads(first.stdout)["id"] == json.loads(second.stdout)["id"] == version.pk
    assert version.dataset.name == "letters"
    assert [file["path"] for file in version.files] == [
        "card.json",
        "findings.jsonl",
        "held-out-00000.parquet",
        "train-00000.parquet",
    ]
    assert "bank account number" in first.stderr


def test_a_dataset_in_which_nothing_was_found_is_registered_too(check, texts: Path, tmp_path: Path, sign_in) -> None:
    check(texts)
    sign_in(make_organisation())

    result = register(tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert DatasetVersion.objects.get().card["findings_file"]["rows"] == 0


def test_whose_dataset_it_is_must_be_clear(dataset: Path, sign_in) -> None:
    ours, theirs = make_organisation("Ours GmbH"), make_organisation("Theirs GmbH")
    sign_in(ours, theirs)

    unclear = register(dataset)
    clear = register(dataset, "--organisation", theirs.pk)

    assert unclear.exit_code == InvalidInput.exit_code
    assert "--organisation" in unclear.stderr
    assert clear.exit_code == 0, clear.stderr
    assert DatasetVersion.objects.get().dataset.organisation == theirs


def test_a_changed_folder_never_leaves_this_machine(dataset: Path, sign_in) -> None:
    sign_in(make_organisation())
    with (dataset / "train-00000.parquet").open("ab") as stream:
        stream.write(b"x")

    result = register(dataset)

    assert result.exit_code == InvalidInput.exit_code
    assert "was changed after the check" in " ".join(result.stderr.split())
    assert not DatasetVersion.objects.exists()
