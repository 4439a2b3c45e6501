"""The recipes that come with the product, as YAML files beside this one. Knows their names only."""

from pathlib import Path

from kifabrik.core.errors import NotFound

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """List the names of the shipped recipes."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def find(name: str) -> Path:
    """Give the path of a shipped recipe by its name; raises NotFound that lists the names."""
    if name not in names():
        raise NotFound(f"there is no recipe named {name!r}.", remedy=f"Shipped recipes: {', '.join(names())}.")
    return _FOLDER / f"{name}.yaml"
