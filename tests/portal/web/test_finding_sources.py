"""What sites, books and passports say appears in the reader's language; their sources are read for their sentences."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils.translation import override
from tests.passport.factories import NOW, make_model_folder, make_papers

import kifabrik
from kifabrik.core.files import _DISK_ERRORS
from kifabrik.passport import completeness
from kifabrik.passport.data_protection_rules import data_protection_rules
from kifabrik.passport.reference import law
from kifabrik.portal.web.finding_words import say

SOURCE = Path(kifabrik.__file__).parent
TOLD_BY_SITES = (
    *("site/accounts.py", "site/accounting.py", "site/agent.py", "site/tending.py", "site/staging.py"),
    *("site/transfers.py", "site/desired.py", "cluster/jobs.py", "cluster/local.py", "cluster/job_folder.py"),
    *("cluster/slurm/checkup.py", "cluster/slurm/commands.py", "cluster/slurm/executor.py"),
    *("cluster/slurm/accounting.py", "cluster/slurm/accounting_import.py", "cluster/slurm/submissions.py"),
)
EXAMINED = {"_check_home", "_check_lock", "_check_python"}  # the rest of the doctor speaks on the command line only
ERRORS = {"Unavailable", "NotFound", "Conflict", "InvalidInput"}


def in_german(sentence: str) -> str:
    with override("de"):
        return say(sentence)


def read_sentences(node: ast.AST | None) -> Iterator[str]:
    """The sentences that an expression can become, with 7 for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from read_sentences(node.body)
        yield from read_sentences(node.orelse)
    elif isinstance(node, ast.BinOp):
        for first in read_sentences(node.left):
            yield from (first + second for second in read_sentences(node.right))


def find_sentences(tree: ast.AST) -> Iterator[str]:
    """What is said in findings and errors, and in variables called `message` or `remedy`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = {word.arg: word.value for word in node.keywords}
            if node.func.id == "Finding":
                places = dict(enumerate(node.args)) | {2: named.get("message", node.args[2:3] and node.args[2])}
                yield from read_sentences(places[2] or None)
                yield from read_sentences(named.get("remedy") or places.get(4))
            elif node.func.id in ERRORS:
                yield from read_sentences(node.args[0])
                yield from read_sentences(named.get("remedy"))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"message", "remedy"}:
            yield from read_sentences(node.value)


def require_german(sentence: str) -> None:
    if len(re.findall(r"[a-z]{2,}", sentence)) > 1:  # else it is a value alone
        assert in_german(sentence) != sentence, sentence


@pytest.mark.parametrize("name", TOLD_BY_SITES)
def test_what_the_agent_of_a_site_reports_is_said_in_german(name) -> None:
    for sentence in find_sentences(ast.parse((SOURCE / name).read_text())):
        require_german(sentence)


def test_what_the_agent_sees_of_its_own_machine_is_said_in_german() -> None:
    tree = ast.parse((SOURCE / "site/doctor.py").read_text())
    told = [part for part in tree.body if getattr(part, "name", "") in EXAMINED]

    sentences = [sentence for part in told for sentence in find_sentences(part)]

    assert len(sentences) > 10
    for sentence in sentences:
        require_german(sentence)


def test_what_a_disk_says_is_said_in_german() -> None:
    for what, remedy in _DISK_ERRORS.values():
        assert in_german(f"cannot write: {what}.") == f"Schreiben nicht möglich: {in_german(what)}."
        assert what not in in_german(what)
        require_german(remedy)


def test_faults_of_the_books_are_said_in_german() -> None:
    tree = ast.parse((SOURCE / "ledger/invariants.py").read_text())
    faults = [
        sentence
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_fault"
        for sentence in read_sentences(node.args[2])
    ]

    assert len(faults) == 7
    for fault in faults:
        german = in_german(f"line 3 (grant): {fault}")
        assert german.startswith("Zeile 3 (grant): ")
        assert fault not in german


def test_every_article_of_a_passport_is_said_in_german_with_what_it_asks() -> None:
    for item in law().items:
        for words in (item.article, item.asks, item.note, item.instead, item.source.title):
            assert not words or in_german(words) != words, words
    for words in (*(row.means for row in law().thresholds), law().modification.means):
        assert in_german(words) != words


@pytest.mark.parametrize("kind", ["whole", "bare", "above"])
def test_the_evidence_of_a_passport_is_said_in_german_down_to_its_rule(kind, tmp_path) -> None:
    papers = make_papers(make_model_folder(tmp_path / "model"))
    if kind == "bare":
        origin = papers.dataset.origin.model_copy(update={"source": "", "personal_data_role": "none"})
        papers = replace(papers, dataset=papers.dataset.model_copy(update={"origin": origin}), award=None)
    if kind == "above":
        compute = papers.run.compute.model_copy(update={"flop": 2 * 10**25})
        papers = replace(papers, run=papers.run.model_copy(update={"compute": compute}))

    for finding in completeness.check(papers, reference=law(), now=NOW):
        german = in_german(finding.message)
        assert german != finding.message
        assert not re.search(r"\b(the|and|of|evidence|which|with)\b", re.sub(r"empty: .*|leer: .*", "", german)), german
        assert not finding.remedy or in_german(finding.remedy) != finding.remedy
        assert not finding.reference or "checked" not in in_german(finding.reference)


def test_rules_of_data_protection_are_named_in_german() -> None:
    rules = data_protection_rules()
    both = f"{rules.cite('gdpr-35')}; {rules.cite('wp248')}"

    assert in_german(both).startswith(
        "Verordnung (EU) 2016/679, Artikel 35(1) und (3) (geprüft am 2026-11-24, Stufe D); "
    )
    assert "checked" not in in_german(both)
    assert in_german("Directive (EU) 2019/790, Articles 3 and 4") == "Richtlinie (EU) 2019/790, Artikel 3 und 4"
