"""Findings appear in the reader's language: every sentence that a dataset check can say has a German one."""

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from django.utils.translation import gettext, ngettext, override
from tests.passport.factories import make_card

from kifabrik.core import flop
from kifabrik.datasets import kind_names, rights, split, verdicts
from kifabrik.datasets.deduplication import Parameters
from kifabrik.datasets.detectors.table import KINDS
from kifabrik.datasets.opt_outs import OptOuts
from kifabrik.datasets.quality import SIGNALS
from kifabrik.datasets.rights import RightsTally
from kifabrik.datasets.settings import NearDuplicateChoice, OtherDataset, PartSettings, PlanRecord
from kifabrik.datasets.tally import KindTally, Tally
from kifabrik.evaluation import canary_exposure, suite, usefulness
from kifabrik.evaluation.statistics import Estimate
from kifabrik.passport.data_protection import Processing, assess
from kifabrik.portal.web.finding_sentences import SENTENCES, Pair
from kifabrik.portal.web.finding_words import say
from kifabrik.records.dataset_card import DeclaredOrigin, OptOutEvidence, PersonalDataCount, SkippedFile

OTHER = OtherDataset(folder="/old", name="old-letters", digest="sha256:" + "a" * 64)
DAMAGED = SkippedFile(path="a: b.jsonl:7", reason="not UTF-8 text: byte 12 is 0xFF")
OPT_OUTS = OptOuts(
    evidence=(
        OptOutEvidence(
            kind="ai.txt", path="x/ai.txt", domain="x", digest="sha256:" + "b" * 64, dated_on="", reserves=None
        ),
    ),
    skipped=(SkippedFile(path="x/robots.txt", reason="you may not read it"),),
    hosts={"x": ()},
)


def make_plan(*, action="report", near="report", drops=False, **origin) -> PlanRecord:
    said = {"title": "t", "licence": "unknown", "source": "s", "source_kind": "crawled", **origin}
    return PlanRecord(
        settings=PartSettings(action=action, near_duplicates=NearDuplicateChoice(action=near)),
        tasks=1,
        size_bytes=1,
        name="t",
        origin=DeclaredOrigin(**said),
        held_out_share=0.05,
        seed=17,
        against=() if near == "off" else (OTHER,),
        drops_elsewhere=drops,
    )


def make_tally(n: int, *, held_out: int, removed: bool) -> Tally:
    """A tally in which everything that can be counted was."""
    kind = KindTally(
        findings=n, documents=n, examples=n, replaced=n, places=["a.txt", "b.txt#2", "c.zip!d.jsonl:4"][:n]
    )
    return Tally(
        files_skipped=n,
        broken_records=n,
        skipped=[DAMAGED],
        cut_files=n,
        empty_documents=n,
        near_duplicates=n,
        twins_kept=n,
        elsewhere={OTHER.label: n},
        elsewhere_removed=n if removed else 0,
        touching_documents=n,
        dropped_documents=n,
        text_bytes=1_400,
        splits=Counter({"train": 90, "held-out": held_out}),
        languages=Counter({"de": 3, "uk": 4, "und": 2}),
        licences=Counter({"MIT": 3}),
        kinds=dict.fromkeys([*KINDS, "name", "address"], kind),
        rights=RightsTally(
            reserved=Counter({f"host{number}.eu": 1 for number in range(9)}),
            documents_with_address=9 if n > 1 else 0,
            documents_judged=2 if n > 1 else 0,
            reserved_documents=n,
            reserved_bytes=12_300,
            removed_documents=n,
        ),
    )


def all_findings():
    for number, action, near in ((1, "report", "off"), (5, "mask", "report"), (3, "pseudonym", "remove")):
        for held_out in (0, 1, 7):
            removed = near == "remove"
            plan = make_plan(action=action, near=near, drops=removed)
            yield from verdicts.judge(
                make_tally(number, held_out=held_out, removed=removed), plan=plan, opt_outs=OPT_OUTS
            )[0]


def declarations():
    for role in ("unknown", "processor", "controller"):
        yield Processing(role=role)
        yield Processing(role=role, assessment="done", assessment_note="Ordner 7", special_categories="present")
        yield Processing(role=role, assessment="not-needed", assessment_note="klein", retention_until=date(2026, 1, 1))
        yield Processing(role=role, circumstances=frozenset({"evaluation", "decisions", "monitoring", "vulnerable"}))
        yield Processing(role=role, circumstances=frozenset({"hindering"}))


def in_german(sentence: str) -> str:
    with override("de"):
        return say(sentence)


def require_german(sentence: str) -> None:
    german = in_german(sentence)
    assert german != sentence
    assert not re.search(r"\b(the|and|of|are|were|documents|or)\b", re.sub(r"„[^“]*“|the be to of and", "", german)), (
        german
    )


def test_every_sentence_that_a_check_can_say_has_a_german_one() -> None:
    found = {(each.code, each.message, each.remedy) for each in all_findings()}
    for _code, message, remedy in found:
        require_german(message)
        if remedy:
            require_german(remedy)


def test_the_findings_above_are_all_that_a_check_can_make() -> None:
    source = "".join(Path(each.__file__).read_text() for each in (verdicts, rights))
    known = {each.code for each in all_findings()}
    for code in re.findall(r'code=f?"(dataset\.[^"]+)"', source):
        pattern = re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(code))
        assert any(re.fullmatch(pattern, each) for each in known), f"{code} is not tried here"


def test_what_was_not_checked_and_how_it_was_checked_is_said_in_german() -> None:
    plan = make_plan(near="off")
    for words in verdicts.judge(make_tally(2, held_out=9, removed=False), plan=plan, opt_outs=OPT_OUTS)[1]:
        require_german(words)
    for signal in SIGNALS:
        assert in_german(f"{signal.title}: {signal.threshold}") != f"{signal.title}: {signal.threshold}"
    method = Parameters().method
    for words in (split.describe(0.05, 17), method, f"{method}; none removed, clusters kept in one split"):
        assert in_german(words) != words


def test_what_data_protection_asks_is_said_in_german() -> None:
    card = make_card().model_copy(update={"personal_data": (PersonalDataCount(kind="email", findings=3, documents=2),)})
    bare = card.model_copy(update={"personal_data": ()})
    points = [each for processing in declarations() for each in assess(card, processing, today=date(2026, 11, 24))]
    points += [
        each
        for names in ("none", "cues")
        for each in assess(
            bare.model_copy(update={"names_method": names}), Processing(role="none"), today=date(2026, 11, 24)
        )
    ]
    for each in points:
        require_german(each.message)
        if each.remedy:
            require_german(each.remedy)


def test_results_and_red_lines_of_tests_are_said_in_german() -> None:
    better, not_better = Estimate(-0.05, -0.06, -0.04), Estimate(0.118, 0.061, 0.186)
    reasons = [
        usefulness._explain(Estimate(2.063, 2.0, 2.1), *pair) for pair in ((better, not_better), (not_better, better))
    ]
    reasons += [
        canary_exposure._explain({1: first, 16: last}, passes)
        for first in (0.0017, 0.13)
        for last in (0.0001, 0.07)
        for passes in (None, 7.3)
    ]
    for words in [*reasons, *(part for test in suite.TESTS for part in (test.threshold, test.unit, test.title))]:
        assert words == "p" or in_german(words) != words, words


@pytest.mark.parametrize(
    ("english", "german"),
    [
        (
            "60 e-mail addresses in 31 documents: asynchat.py, bz2.py, codecs.py and 28 more.",
            "60 E-Mail-Adressen in 31 Dokumenten: asynchat.py, bz2.py, codecs.py und 28 weitere.",
        ),
        (
            "There is only 1.4 kB of text; a model will learn it by heart.",
            "Es gibt nur 1,4 kB Text; ein Modell lernt ihn auswendig.",
        ),
        (
            "3 files or records were not read, the first is a.txt: not UTF-8 text: byte 12 is 0xFF.",
            "3 Dateien oder Datensätze wurden nicht gelesen, der erste ist a.txt: kein UTF-8-Text: Byte 12 ist 0xFF.",
        ),
        (
            "the element is not valid JSON or too long: Expecting value; the rest of the file was not read",
            "das Element ist kein gültiges JSON oder zu lang: Expecting value; der Rest der Datei wurde nicht gelesen",
        ),
        (
            "not UTF-8 text: byte 2 is 0xFC; convert it first, for example with: iconv -f WINDOWS-1252 -t UTF-8",
            "kein UTF-8-Text: Byte 2 ist 0xFC; wandeln Sie es zuerst um, etwa mit: iconv -f WINDOWS-1252 -t UTF-8",
        ),
        (
            f"{flop.METHOD}; training only, without evaluation",
            (
                "geschlossene Formel: Matrixprodukte und volle Aufmerksamkeit, vorwärts + 2x rückwärts; Adapter sparen "
                "eingefrorene Gewichte aus; nur das Training, ohne Auswertung"
            ),
        ),
        ("holder of the right to waive", "mit dem Recht, Tests zu verantworten"),
        ("Not checked: names and addresses of persons.", "Nicht geprüft: Namen und Anschriften von Personen."),
        ("Somebody wrote {this} himself.", "Somebody wrote {this} himself."),
        ("", ""),
    ],
)
def test_values_stay_and_what_nobody_translated_stays_whole(english, german) -> None:
    assert in_german(english) == german


def test_an_english_reader_reads_what_is_stored() -> None:
    with override("en"):
        for words in (SENTENCES[0], "60 e-mail addresses in 31 documents: asynchat.py, bz2.py, codecs.py and 28 more."):
            assert say(words) == words


def names_in(sentence: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", sentence))


def test_a_translation_fills_in_what_the_sentence_does() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES)
    with override("de"):
        for sentence in SENTENCES:
            if isinstance(sentence, Pair):
                said = [ngettext(sentence.one, sentence.many, count) for count in (1, 2)]
                pairs = [*zip((sentence.one, sentence.many), said, strict=True)]
            else:
                pairs = [(sentence, gettext(sentence))]
            for english, german in pairs:
                assert german != english, english
                assert names_in(german) == names_in(english)


@pytest.mark.parametrize(
    ("stored", "english", "german"),
    [
        (
            "1 telephone numbers in 1 document: a.txt.",  # as cards of earlier versions have it
            "1 telephone number in 1 document: a.txt.",
            "1 Telefonnummer in 1 Dokument: a.txt.",
        ),
        (
            "2 telephone numbers in 1 document: a.txt.",
            "2 telephone numbers in 1 document: a.txt.",
            "2 Telefonnummern in 1 Dokument: a.txt.",
        ),
        (
            "12 dates of birth in 4 documents: a, b, c and 1 more.",
            "12 dates of birth in 4 documents: a, b, c and 1 more.",
            "12 Geburtsdaten in 4 Dokumenten: a, b, c und noch 1.",
        ),
        (
            "1 IP addresses were replaced (mask).",
            "1 IP address was replaced (mask).",
            "1 IP-Adresse ersetzt (Sternchen).",
        ),
        (
            "1 documents without any text were left out.",
            "1 document without any text was left out.",
            "1 Dokument ohne jeden Text wurde weggelassen.",
        ),
        ("telephone numbers", "telephone numbers", "Telefonnummern"),
        ("telephone number", "telephone number", "Telefonnummer"),
    ],
)
def test_one_is_no_plural_in_either_language(stored, english, german) -> None:
    with override("en"):
        assert say(stored) == english
    assert in_german(stored) == german


def test_a_check_says_one_as_one() -> None:
    plan = make_plan(near="off")
    tally = make_tally(1, held_out=9, removed=True)

    findings, unchecked = verdicts.judge(tally, plan=plan, opt_outs=OptOuts(hosts={}))

    assert "1 telephone number in 1 document: a.txt." in {each.message for each in findings}
    for words in (*(each.message for each in findings if ".rights." not in each.code), *unchecked):
        with override("en"):
            assert say(words) == words


def test_every_kind_has_a_word_for_one() -> None:
    for kind in (*KINDS, "name", "address"):
        assert kind_names.count(kind, 1).removeprefix("1 ") != kind_names.count(kind, 2).removeprefix("2 "), kind
