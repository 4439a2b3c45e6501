"""`kifabrik release` says in a few lines whether a folder is genuine, and its exit code says it to programs."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.passport.factories import make_release
from typer.testing import CliRunner

from kifabrik.cli.main import app
from kifabrik.passport.keys import ensure_key


def run(*arguments):
    return CliRunner().invoke(app, ["release", *map(str, arguments)])


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path)


def change_a_number_in_the_passport(folder):
    path = folder / "passport.json"
    path.write_text(path.read_text().replace("2000000000000", "1000000000000"))


def change_a_byte_in_the_model(folder):
    path = folder / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 4
    path.write_bytes(data)


def test_a_genuine_release_ends_with_exit_code_0(release):
    folder, key = release

    result = run("verify", folder, "--key", key.public_path)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.count("OK") == 4
    assert "acme-support 1 of Acme | GmbH" in result.stderr


def test_without_a_key_the_origin_is_called_unproven(release):
    result = run("verify", release[0])

    assert result.exit_code == 0
    assert "nobody vouched for" in result.stderr


@pytest.mark.parametrize(
    ("change", "name"),
    [(change_a_byte_in_the_model, "model/model.safetensors"), (change_a_number_in_the_passport, "passport.json")],
)
def test_a_planted_fault_is_named_and_ends_with_another_exit_code(release, change, name):
    folder, key = release
    change(folder)

    result = run("verify", folder, "--key", key.public_path)

    assert result.exit_code == 1
    assert "OK" not in result.stderr
    assert f"Not genuine: {name} was changed" in result.stderr


def test_json_is_the_only_thing_on_standard_output(release):
    folder, key = release
    change_a_byte_in_the_model(folder)

    result = run("verify", folder, "--key", key.public_path, "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["genuine"] is False
    assert document["first_fault"]["where"] == "model/model.safetensors"
    assert document["key_id"] == key.key_id


def test_another_key_is_refused(release, tmp_path):
    stranger = ensure_key(tmp_path / "stranger")

    result = run("verify", release[0], "--key", stranger.public_path)

    assert result.exit_code == 1
    assert "not a key that is trusted here" in " ".join(result.stderr.split())


def test_a_missing_folder_or_key_is_one_sentence(release, tmp_path):
    for arguments in ((tmp_path / "none",), (release[0], "--key", tmp_path / "none.pub")):
        result = run("verify", *arguments)

        assert result.exit_code > 1
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr


def test_a_private_key_is_not_taken_for_a_public_one(release):
    folder, key = release

    result = run("verify", folder, "--key", key.private_path)

    assert result.exit_code == 2
    assert "is not a public key in PEM" in " ".join(result.stderr.split())


def test_verification_needs_neither_torch_nor_portal_nor_network(release):
    code = (
        "import sys, socket\n"
        "def no(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = no\n"
        "from kifabrik.cli.main import app\n"
        f"try: app(['release', 'verify', {str(release[0])!r}])\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = [name for name in ('torch', 'django', 'transformers', 'model_signing') if name in sys.modules]\n"
        "print(code, heavy)"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "0 []"


class _Portal(BaseHTTPRequestHandler):
    rows: tuple = ()

    def do_GET(self):
        page = {"items": list(self.rows), "total": len(self.rows), "page": 1, "pages": 1}
        body = json.dumps(page).encode()
        self.send_response(200 if self.path.startswith("/api/v1/releases") else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def portal(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), _Portal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setitem(os.environ, "KIFABRIK_PORTAL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setitem(os.environ, "KIFABRIK_TOKEN", "token")
    yield _Portal
    server.shutdown()
    thread.join()
    server.server_close()


def test_releases_of_a_portal_are_listed(portal, monkeypatch):
    row = {"id": "release-1", "model": "acme-support", "number": 3, "state": "released", "released_at": "2026-11-24"}
    monkeypatch.setattr(portal, "rows", (row,))

    assert json.loads(run("list", "--json").stdout) == [row]
    assert "acme-support" in run("list").stderr


def test_a_portal_without_releases_says_how_to_begin(portal):
    result = run("list")

    assert result.exit_code == 0
    assert "no release yet" in result.stderr
