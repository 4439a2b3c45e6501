"""The recipes that the portal offers ready-made: those of the workbench. Knows their files, not its code."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kifabrik.records import Recipe
from kifabrik.records.recipe_file import parse_recipe

# In the order in which people should meet them; one without words here comes last, under its own name.
_TITLES: dict[str, str | Promise] = {
    "small-text-model": _("A small model of prose, in about two minutes"),
    "small-code-model": _("A small model of program text, in about two minutes"),
    "step-boxed-test": _("A very small model, boxed by steps: the same bytes every time"),
}


@dataclass(frozen=True, slots=True)
class ShippedRecipe:
    """A ready recipe: its short name, its title for people, the record and the text to start one's own from."""

    name: str
    title: str | Promise
    recipe: Recipe
    text: str


@cache
def shipped_recipes() -> tuple[ShippedRecipe, ...]:
    """Read the recipes; they are files of every installation, the workbench itself need not be able to run here."""
    folder = files("kifabrik") / "workbench" / "recipes"
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text()
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    names = [*(name for name in _TITLES if name in texts), *sorted(texts.keys() - _TITLES.keys())]
    return tuple(
        ShippedRecipe(name, _TITLES.get(name, name), parse_recipe(texts[name], name=name), texts[name])
        for name in names
    )
