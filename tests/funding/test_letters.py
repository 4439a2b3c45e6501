"""Letters: both languages, all outcomes, and the reasons in them."""

from datetime import date

import pytest
import yaml

from kifabrik.core.findings import Finding, Severity
from kifabrik.funding.calendar import Promise
from kifabrik.funding.letters import AwardFacts, LetterFacts, award_letter, refusal_letter

CRITERIA = (
    Finding("eligibility.a", Severity.INFO, "The first rule is kept."),
    Finding("eligibility.b", Severity.BLOCKING, "The second rule is broken.", remedy="Mend the second rule."),
)
FACTS = LetterFacts(
    proposal_id="proposal-1",
    title="A small model",
    organisation="Textwerk GmbH",
    investigator="Ada Beispiel",
    call="Playground 2026",
    mode="Playground",
    criteria=CRITERIA,
    technical_reasons="It fits the machine.",
    reasons="Good and ready.",
    decided_by="Paul Programme",
    today=date(2026, 11, 26),
    promise=Promise(2, 2, date(2026, 11, 24), date(2026, 11, 26)),
)
AWARD = AwardFacts(
    system="LUMI-G",
    unit="GPU",
    gpu_seconds=3600 * 1500,
    asked_gpu_seconds=3600 * 2000,
    starts_on=date(2026, 12, 1),
    ends_on=date(2027, 2, 28),
    report_due_on=date(2027, 5, 28),
)


def test_an_award_letter_says_what_how_long_and_why() -> None:
    letter = award_letter(FACTS, award=AWARD, language="en")

    for words in (
        "awarded: 1,500 GPU-hours on LUMI-G, from 1 December 2026 to 28 February 2027.",
        "You asked for 2,000 GPU-hours",
        "+ The first rule is kept.",
        "It fits the machine.",
        "Good and ready.",
        "final report by 28 May 2027",
        "The decision took 2 working days from 24 November 2026; this mode promises 2.",
        "ask for a review",
        "Paul Programme",
    ):
        assert words in letter


def test_a_german_award_letter_uses_german_numbers_and_days() -> None:
    letter = award_letter(FACTS, award=AWARD, language="de")

    assert "1.500 GPU-Stunden auf LUMI-G, vom 1. Dezember 2026 bis zum 28. Februar 2027" in letter
    assert "Überprüfung dieser Entscheidung" in letter


def test_an_uncut_award_does_not_speak_of_cuts() -> None:
    whole = AwardFacts(**{**{f: getattr(AWARD, f) for f in AWARD.__slots__}, "asked_gpu_seconds": AWARD.gpu_seconds})

    assert "You asked for" not in award_letter(FACTS, award=whole, language="en")


@pytest.mark.parametrize("is_eligible", [True, False])
def test_a_refusal_says_what_to_do(is_eligible) -> None:
    letter = refusal_letter(FACTS, is_eligible=is_eligible, language="en")

    assert ("cannot be awarded" in letter) is is_eligible
    assert ("does not meet the rules" in letter) is not is_eligible
    assert "- The second rule is broken." in letter
    assert "What you can do\n- Mend the second rule." in letter
    assert "apply again" in letter


def test_a_letter_without_a_person_says_so() -> None:
    by_rule = LetterFacts(**{**{f: getattr(FACTS, f) for f in FACTS.__slots__}, "decided_by": "", "reasons": ""})

    letter = refusal_letter(by_rule, is_eligible=False, language="en")

    assert letter.endswith("Checked by rule; no person decided.\n")
    assert "Reasons for the decision" not in letter


def test_every_paragraph_is_there_in_both_languages() -> None:
    from importlib.resources import files

    rows = yaml.safe_load(files("kifabrik.funding.words").joinpath("letters.yaml").read_text(encoding="utf-8"))
    assert all(set(texts) == {"en", "de"} for texts in rows.values())
