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


def test_rehearsal_says_everything_and_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIFABRIK_SITE_TOKEN", "secret")
    portal = FakePortal()
    run = portal.request_run("run-a", {"behaviour": b"steps 1"})
    with door(portal) as port:
        result = agent(tmp_path, port=port, arguments=("--dry-run", "--json"))

    said = json.loads(result.stdout)["would_do"]
    assert result.exit_code == 0
    assert [words.split(" {")[0].split(":")[0] for words in said][:4] == [
        "fetch 1 files (7 B) into " + str(tmp_path / "datasets" / "...") + ", unless they are there",
        f"write the recipe 'demo' to {tmp_path / 'runs' / 'run-a' / 'recipe.json'}",
        "POST /site/runs/run-a/reserve",
        f"start in {tmp_path / 'runs' / 'run-a'}",
    ]
    assert {call.split()[0] for call in portal.calls} == {"GET"}
    assert (run.state, run.attempts) == ("requested", 0)
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "agent.lock").exists()


def test_install_without_slurm_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    command = ["site", "install", "--portal", "https://portal.example", "--home", str(tmp_path / "site")]

    result = CliRunner().invoke(app, command)

    assert (result.exit_code, result.stdout) == (6, "")
    assert "Install Slurm's commands" in result.stderr
    assert not (tmp_path / "config").exists()


def test_doctor_ends_with_one_while_something_keeps_the_site_from_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = FakePortal()
    with door(portal) as port:
        command = ["site", "doctor", "--portal", f"http://127.0.0.1:{port}", "--home", str(tmp_path), "--json"]
        monkeypatch.setenv("KIFABRIK_SITE_TOKEN", "wrong")
        refused = CliRunner().invoke(app, command)
        monkeypatch.setenv("KIFABRIK_SITE_TOKEN", "secret")
        accepted = CliRunner().invoke(app, command)

    assert (refused.exit_code, accepted.exit_code) == (1, 0)
    assert json.loads(refused.stdout)["findings"][0]["code"] == "site.token"
    assert {call.split()[0] for call in portal.calls} == {"GET"}
