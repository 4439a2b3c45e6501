"""Every word that people read exists in German, and every verb of the audit log has words.

Strings are found without gettext's tools: by Python's own parser, and in templates by Django's.
"""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

import kifabrik
from kifabrik.portal.web.verb_words import VERBS

PORTAL = Path(kifabrik.__file__).parent / "portal"
CHAPTERS = ["people", "calls", "compute", "catalogue", "exchange", "web"]
PLAIN = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}


def read_calls(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if node.func.id in PLAIN | PLURAL and texts:
                yield "", texts[0]
            elif node.func.id in CONTEXT:
                yield texts[0], texts[1]


def words_in_python(chapter: Path):
    for file in chapter.rglob("*.py"):
        if "migrations" not in file.parts:
            yield from read_calls(ast.parse(file.read_text()))


def words_in_templates(chapter: Path):
    for file in chapter.rglob("templates/**/*.*"):
        text = templatize(file.read_text())
        for match in re.finditer(r"(?<![\w.])(?:n|p|np)?gettext\((?=u?['\"])|(?<![\w.])_\((?=['\"])", text):
            call = text[match.start() :]
            for end in re.finditer(r"\)", call):
                try:
                    yield from read_calls(ast.parse(call[: end.end()]))
                except SyntaxError:
                    continue
                break


def german_of(chapter: Path) -> dict[tuple[str, str], object]:
    with (chapter / "locale/de/LC_MESSAGES/django.po").open("rb") as stream:
        catalogue = read_po(stream)
    rows = [message for message in catalogue if message.id and not message.fuzzy]
    return {(row.context or "", row.id[0] if isinstance(row.id, tuple) else row.id): row.string for row in rows}


def is_written(string: object) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_word_is_there_in_german(name) -> None:
    used = {*words_in_python(PORTAL / name), *words_in_templates(PORTAL / name)}
    written = {key for key, string in german_of(PORTAL / name).items() if is_written(string)}

    assert len(used) > 10
    assert sorted(used - written) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_german_keeps_the_places_for_values(name) -> None:
    wrong = []
    for (_, english), german in german_of(PORTAL / name).items():
        places = set(re.findall(r"%\(\w+\)s", english))
        texts = german if isinstance(german, tuple) else (german,)
        wrong += [english for text in texts if set(re.findall(r"%\(\w+\)s", text)) - places]
        if not isinstance(german, tuple) and set(re.findall(r"%\(\w+\)s", german)) != places:
            wrong.append(english)

    assert wrong == []


def test_every_verb_of_the_audit_log_has_words() -> None:
    kinds = "|".join(sorted({verb.partition(".")[0] for verb in VERBS}))
    verb = re.compile(rf"[\"']((?:{kinds})\.[a-z]+(?:-[a-z]+)*)[\"']")
    used = {
        match[1]
        for file in PORTAL.rglob("*.py")
        if "services" in str(file.relative_to(PORTAL)) and "migrations" not in file.parts
        for match in verb.finditer(file.read_text())
    }

    assert len(used) > 20
    assert sorted(used - set(VERBS)) == []


def test_no_verb_is_left_over() -> None:
    source = "\n".join(file.read_text() for file in PORTAL.rglob("services/**/*.py"))
    source += "\n".join(file.read_text() for file in PORTAL.rglob("services.py"))
    built = {"run", "proposal"}  # these services also put a verb together from a state or an outcome

    left_over = [verb for verb in VERBS if f'"{verb}"' not in source and verb.partition(".")[0] not in built]

    assert left_over == []
