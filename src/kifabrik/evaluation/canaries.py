"""Canaries: sentences with a random secret, planted in the training text to measure what a model remembers.

After Carlini et al. 2019, "The Secret Sharer". Each has a name of its own and a secret of nine digits, all drawn
from the run's seed; a control is made the same way and never planted. Knows strings, not models.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from kifabrik.records.recipe import CanaryRecipe

SECRET_DIGITS = 9
_CONSONANTS = "bdfghklmnprstvz"
_VOWELS = "aeiou"
_SALT = "kifabrik canaries 1"


@dataclass(frozen=True, slots=True)
class Canary:
    """One sentence in two parts: the secret is what a model that has not seen the sentence cannot know."""

    prefix: str
    secret: str

    @property
    def text(self) -> str:
        """The sentence as it is planted."""
        return f"{self.prefix} {self.secret}"


@dataclass(frozen=True, slots=True)
class CanaryBook:
    """All canaries of a run: by how often each is planted, the controls, and the secrets that each is ranked among."""

    by_repetitions: Mapping[int, tuple[Canary, ...]]
    controls: tuple[Canary, ...]
    seed: int

    @property
    def planted(self) -> dict[int, tuple[str, ...]]:
        """The strings to plant: repetitions -> strings, each to be planted that often."""
        return {count: tuple(each.text for each in canaries) for count, canaries in self.by_repetitions.items()}

    def rivals(self, count: int) -> tuple[str, ...]:
        """Draw other secrets from the same source, different from each other and from every canary's own."""
        own = {each.secret for group in (*self.by_repetitions.values(), self.controls) for each in group}
        source = random.Random(f"{_SALT} rivals {self.seed}")  # noqa: S311 - must repeat by seed; no key is made
        found: dict[str, None] = {}
        while len(found) < count:
            secret = _draw_secret(source)
            if secret not in own:
                found[secret] = None
        return tuple(found)


def make_book(recipe: CanaryRecipe, *, seed: int) -> CanaryBook:
    """Draw the canaries of a run; the same recipe and seed give the same book."""
    source = random.Random(f"{_SALT} {seed}")  # noqa: S311 - must repeat by seed; no key is made
    prefixes: set[str] = set()
    return CanaryBook(
        by_repetitions={
            count: tuple(_draw(source, prefixes) for _ in range(recipe.planted))
            for count in sorted(set(recipe.repetitions))
        },
        controls=tuple(_draw(source, prefixes) for _ in range(recipe.controls)),
        seed=seed,
    )


def _draw(source: random.Random, taken: set[str]) -> Canary:
    while (prefix := f"The number of {_draw_name(source)} {_draw_name(source)} is") in taken:
        pass
    taken.add(prefix)
    return Canary(prefix=prefix, secret=_draw_secret(source))


def _draw_name(source: random.Random) -> str:
    return "".join(source.choice(_CONSONANTS) + source.choice(_VOWELS) for _ in range(3))


def _draw_secret(source: random.Random) -> str:
    return "".join(source.choice("0123456789") for _ in range(SECRET_DIGITS))
