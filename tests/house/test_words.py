"""The project speaks of itself alone, and no file is named after a junk drawer."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "managers", "misc"}


def test_no_module_is_a_junk_drawer() -> None:
    names = {path.stem for path in (ROOT / "src").rglob("*") if path.suffix == ".py" or path.is_dir()}

    assert names & FORBIDDEN_NAMES == set()


def test_every_module_says_what_it_holds() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if "migrations" not in path.parts and not path.read_text().lstrip().startswith('"""')
    ]

    assert silent == []
