"""Compiles the message catalogues (`.po` -> `.mo`), at build time and for `make`. Knows Babel only."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # outside of a build, hatchling is not installed and only the function below is wanted
    BuildHookInterface = object  # type: ignore[assignment,misc]

SOURCE = Path(__file__).parent / "src" / "kifabrik"


def compile_catalogues(source: Path = SOURCE) -> int:
    """Compile every catalogue whose text is newer than its compiled form; returns how many were compiled."""
    done = 0
    for text in sorted(source.rglob("locale/*/LC_MESSAGES/django.po")):
        compiled = text.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= text.stat().st_mtime:
            continue
        with text.open("rb") as stream:
            catalogue = read_po(stream)
        with compiled.open("wb") as stream:
            write_mo(stream, catalogue)
        done += 1
    return done


class CustomBuildHook(BuildHookInterface):
    """Lets a wheel and an editable install carry compiled catalogues."""

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        compile_catalogues()


if __name__ == "__main__":
    compile_catalogues()
