"""The floors of the house: every contract holds, and each is proven able to break by a planted violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "kifabrik"

PLANTED = {
    "floors": ("records/planted.py", "import kifabrik.ledger"),
    "chapters": ("portal/calls/planted.py", "import kifabrik.portal.compute.models"),
    "inside a chapter": ("portal/people/models.py", "import kifabrik.portal.people.queries"),
    "no Django below the portal": ("cluster/planted.py", "import django"),
    "no torch in the web process": ("portal/web/planted.py", "import torch"),
    "core knows the standard library only": ("core/planted.py", "import pydantic"),
    "acyclic": ("core/canonical.py", "import kifabrik.core.digests"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    path = str(folder / "src")
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": path, "PATH": ""}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "vendor", "locale", "*.mo")
    shutil.copytree(SOURCE, tmp_path / "src" / "kifabrik", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept(copy: Path) -> None:
    result = lint(copy)

    assert "0 broken" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_breaks_its_contract(copy: Path, contract: str) -> None:
    place, line = PLANTED[contract]
    file = copy / "src" / "kifabrik" / place
    file.write_text((file.read_text() if file.exists() else "") + f"\n{line}\n")

    result = lint(copy)

    assert f"{contract} BROKEN" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 1


def test_a_new_room_must_be_placed_on_a_floor(copy: Path) -> None:
    room = copy / "src" / "kifabrik" / "utils"
    room.mkdir()
    (room / "__init__.py").touch()

    result = lint(copy)

    assert "floors BROKEN" in result.stdout or "utils" in result.stdout + result.stderr
    assert result.returncode != 0
