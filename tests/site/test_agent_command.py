"""`kifabrik site agent`: where its secret comes from, and one round by hand."""

import json
from pathlib import Path

import pytest
from tests.fakes.portal import FakePortal
from tests.site.test_agent_killed import door
from typer.testing import CliRunner

from kifabrik.cli.main import app


@pytest.fixture(autouse=True)
def _no_secret_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIFABRIK_SITE_TOKEN", raising=False)
    monkeypatch.delenv("KIFABRIK_PORTAL", raising=False)


def agent(home: Path, *, port: int = 9, arguments: tuple[str, ...] = ("--once", "--json")):
    command = ["site", "agent", "--portal", f"http://127.0.0.1:{port}", "--home", str(home), *arguments]
    return CliRunner().invoke(app, command)


def test_no_secret_is_one_sentence(tmp_path: Path) -> None:
    result = agent(tmp_path)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "KIFABRIK_SITE_TOKEN" in result.stderr


def test_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o644)

    result = agent(tmp_path)

    assert result.exit_code == 2
    assert "chmod 600" in result.stderr


def test_one_round_prints_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o600)
    portal = FakePortal()
    with door(portal) as port:
        result = agent(tmp_path, port=port)
        monkeypatch.setenv("KIFABRIK_SITE_TOKEN", "wrong")
        refused = agent(tmp_path, port=port)

    assert (result.exit_code, json.loads(result.stdout)) == (0, {"runs": 0, "alive": 0, "deeds": [], "troubles": []})
    assert portal.calls[0] == "GET /site/desired"
    assert (refused.exit_code, "Sign in first" in refused.stderr) == (4, True)
