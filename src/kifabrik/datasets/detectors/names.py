"""Detectors of personal names: none, or cue words before capitalised words. Knows no list of names.

A detector that asks a language model stands in `names_model`. `method` is what a card says about names; a detector
that did not run says so.
"""

import re
from collections.abc import Sequence
from functools import partial
from importlib import resources
from typing import Protocol

from kifabrik.datasets import yaml_tables
from kifabrik.datasets.detectors.passes import compile_rules, find_hits
from kifabrik.datasets.detectors.rule import CONTEXT, Hit, Rule, Sheet

KIND = "name"
_CAPITAL = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮŁĹĽĶĻŃŇŅŌŐŒŔŘŚŠŞȘŤȚŢŪŮŰŲŸŹŻŽΑ-ΩΆΈΉΊΌΎΏА-Я"
_WORD = rf"[{_CAPITAL}][^\W\d_]*(?:['’][^\W\d_]+)?(?:-[{_CAPITAL}][^\W\d_]+)?"
_PARTICLE = r"(?:von|van|de|der|den|del|della|di|da|dos|du|la|le|ter|zu|af|av) "
_FULL_NAME = rf"(?:{_WORD}\.? ){{0,2}}(?:{_PARTICLE}){{0,2}}{_WORD}"
_AFTER_TITLE = re.compile(rf"\.? ({_FULL_NAME})(?!\w)")
_AFTER_LABEL = re.compile(rf" ?: {{0,3}}({_FULL_NAME}|{_WORD}(?: {_WORD}){{0,3}})(?!\w)")
_INITIAL_ONLY = re.compile(r"\w\.?\Z")


class NameDetector(Protocol):
    """Finds personal names in texts."""

    @property
    def method(self) -> str:
        """What a card says about how names were looked for."""

    def find(self, texts: Sequence[str], languages: Sequence[str]) -> list[tuple[Hit, ...]]:
        """Give the names of each text in the order of their places, as character offsets."""


class NoNames:
    """Looks for nothing, and says so."""

    method = "none"

    def find(self, texts: Sequence[str], languages: Sequence[str]) -> list[tuple[Hit, ...]]:  # noqa: ARG002 - protocol
        """Give nothing for each text."""
        return [()] * len(texts)


class CueNames:
    """Takes capitalised words after a title or a label of the text's language for a name; of all if it is unknown.

    It misses every name without such a word, and addresses. It is no measure of how many names there are.
    """

    def __init__(self) -> None:
        self._rules = compile_rules(_RULES, "auto")

    def __reduce__(self) -> tuple[type["CueNames"], tuple[()]]:
        return CueNames, ()

    @property
    def method(self) -> str:
        """Name the rules and what they cannot see."""
        return f"cue words {_EDITION} (titles and labels in {len(_CUES)} languages); names without one are not found"

    def find(self, texts: Sequence[str], languages: Sequence[str]) -> list[tuple[Hit, ...]]:
        """Give the names of each text in the order of their places."""
        return find_hits(
            self._rules, texts, lambda number: Sheet(texts[number], is_code=False, language=languages[number])
        )


def _examine(languages: frozenset[str], after: re.Pattern[str], sheet: Sheet, start: int, end: int) -> Hit | None:
    text = sheet.text
    if sheet.language in _CUES and sheet.language not in languages:
        return None
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        return None
    match = after.match(text, end)
    if match is None or _INITIAL_ONLY.match(match[1]):
        return None
    return Hit(KIND, match.start(1), match.end(1), CONTEXT, " ".join(match[1].casefold().split()))


def _make_rules() -> tuple[Rule, ...]:
    found: dict[tuple[str, re.Pattern[str]], set[str]] = {}
    for language, groups in _CUES.items():
        for group, after in (("titles", _AFTER_TITLE), ("labels", _AFTER_LABEL)):
            for cue in groups[group]:
                found.setdefault((cue, after), set()).add(language)
    return tuple(
        Rule(
            kind=KIND,
            label="names of persons",
            anchors=(re.escape(cue).encode(),),
            examine=partial(_examine, frozenset(languages), after),
            serious_from=5,
            examples="none",
        )
        for (cue, after), languages in found.items()
    )


_DATA = yaml_tables.parse(resources.files(__package__).joinpath("name_cues.yaml").read_bytes())
_EDITION: str = _DATA["edition"]
_CUES: dict[str, dict[str, list[str]]] = _DATA["languages"]
_RULES = _make_rules()
