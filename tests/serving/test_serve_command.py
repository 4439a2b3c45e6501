"""`kifabrik serve` before it starts: what it refuses and how it says so."""

import socket
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from kifabrik.cli.main import app
from kifabrik.serving.application import build


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        ([], 2, "there is nothing to serve"),
        (["/no/such/folder"], 2, "there is no such folder"),
        (["--watch", "/tmp", "--key", "/no/such.pub"], 2, "the key cannot be read"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments: list[str], exit_code: int, words: str) -> None:
    result = CliRunner().invoke(app, ["serve", *arguments])

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert words in " ".join(result.stderr.split())


def test_unsigned_folder_is_refused_with_the_way_out(release: Path) -> None:
    result = CliRunner().invoke(app, ["serve", str(release), "--port", "0"])

    assert result.exit_code == 4
    assert "this release is not genuine" in result.stderr
    assert "--unsigned" in result.stderr


def test_taken_port_is_one_sentence(release: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        result = CliRunner().invoke(app, ["serve", str(release), "--port", str(taken.getsockname()[1])])

    assert result.exit_code == 5
    assert "Address already in use" in result.stderr


def test_page_that_rebinds_its_own_name_gets_no_answer(release: Path) -> None:
    client = TestClient(build([release], hosts=("127.0.0.1", "localhost")))

    assert client.get("/v1/models", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/v1/models", headers={"host": "localhost:8001"}).status_code == 200
