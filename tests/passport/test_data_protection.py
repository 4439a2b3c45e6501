"""What the GDPR asks about a dataset: each rule with a case that asks and one that does not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.portal.catalogue.factories import make_card

from kifabrik.core.findings import Severity
from kifabrik.core.intervals import wilson_interval
from kifabrik.passport.data_protection import Processing, assess, criteria_met, declared_on, needs_assessment
from kifabrik.passport.data_protection_rules import data_protection_rules

TODAY = date(2026, 11, 24)
COMPLETE = {
    "role": "controller",
    "legal_basis": "6(1)(f)",
    "purpose": "a model that answers letters",
    "retention_until": date(2027, 12, 31),
    "special_categories": "none",
}
EMAILS = ({"kind": "email", "findings": 3, "documents": 2},)
MANY = ({"kind": "email", "findings": 10_000, "documents": 2_000},)


def codes(card, **changes) -> dict[str, Severity]:
    return {row.code: row.severity for row in assess(card, Processing(**{**COMPLETE, **changes}), today=TODAY)}


def test_a_complete_record_with_one_criterion_asks_for_nothing() -> None:
    assert codes(make_card(personal_data=EMAILS)) == {"gdpr.assessment-not-asked": Severity.INFO}


def test_without_personal_data_nothing_is_asked_but_names_are_mentioned() -> None:
    found = assess(make_card(personal_data=()), Processing(), today=TODAY)

    assert [row.code for row in found] == ["gdpr.nothing-found"]
    assert "Names were not looked for." in found[0].message


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"role": "unknown"}, "gdpr.role"),
        ({"role": "none"}, "gdpr.role"),
        ({"legal_basis": " "}, "gdpr.legal-basis"),
        ({"purpose": ""}, "gdpr.purpose"),
        ({"retention_until": None}, "gdpr.retention"),
        ({"special_categories": "unknown"}, "gdpr.special-categories"),
    ],
)
def test_each_missing_field_is_asked_for(changes, code) -> None:
    assert codes(make_card(personal_data=EMAILS), **changes)[code] is Severity.WARNING


def test_a_processor_needs_no_legal_basis_of_its_own() -> None:
    assert "gdpr.legal-basis" not in codes(make_card(personal_data=EMAILS), role="processor", legal_basis="")


def test_storage_beyond_its_end_is_serious_from_the_day_after() -> None:
    card = make_card(personal_data=EMAILS)

    assert codes(card, retention_until=date(2026, 11, 23))["gdpr.retention-passed"] is Severity.SERIOUS
    assert "gdpr.retention-passed" not in codes(card, retention_until=TODAY)


def test_special_categories_need_an_exception_of_article_9() -> None:
    card = make_card(personal_data=EMAILS)

    assert "gdpr.special-basis" in codes(card, special_categories="present")
    assert "gdpr.special-basis" not in codes(card, special_categories="present", legal_basis="6(1)(a), 9(2)(a)")


@pytest.mark.parametrize(
    ("card", "changes", "met"),
    [
        ({"personal_data": EMAILS}, {}, ("innovative",)),
        ({"personal_data": MANY}, {}, ("large-scale", "innovative")),
        ({"personal_data": EMAILS}, {"special_categories": "present"}, ("sensitive", "innovative")),
        ({"personal_data": EMAILS}, {"circumstances": frozenset({"vulnerable"})}, ("vulnerable", "innovative")),
        ({"personal_data": ()}, {"role": "none", "circumstances": frozenset({"vulnerable"})}, ()),
    ],
)
def test_the_criteria_are_those_of_the_guidelines(card, changes, met) -> None:
    processing = Processing(**{**COMPLETE, **changes})

    assert criteria_met(make_card(**card), processing) == met
    assert needs_assessment(make_card(**card), processing) is (len(met) >= 2)


def test_crawled_texts_count_as_combined() -> None:
    origin = {"title": "t", "licence": "MIT", "source": "web", "source_kind": "crawled"}

    assert criteria_met(make_card(origin=origin, personal_data=EMAILS), Processing(**COMPLETE)) == (
        "combined",
        "innovative",
    )


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({}, "gdpr.assessment-needed", Severity.SERIOUS),
        ({"assessment": "done", "assessment_note": "file 7"}, "gdpr.assessment-made", Severity.INFO),
        ({"assessment": "not-needed", "assessment_note": "only ours"}, "gdpr.assessment-declined", Severity.WARNING),
        ({"role": "processor"}, "gdpr.assessment-of-controller", Severity.WARNING),
    ],
)
def test_the_prompt_follows_what_was_done(changes, code, severity) -> None:
    found = assess(make_card(personal_data=MANY), Processing(**{**COMPLETE, **changes}), today=TODAY)

    row = next(row for row in found if "assessment" in row.code)
    assert (row.code, row.severity) == (code, severity)
    assert "WP 248" in row.reference
    assert "35" in row.reference
    assert bool(row.remedy) is (severity is not Severity.INFO)


def test_what_the_card_declares_is_read_and_a_wrong_day_is_none() -> None:
    origin = {
        "title": "t",
        "licence": "MIT",
        "source": "s",
        "personal_data_role": "controller",
        "retention_until": "2027-01-31",
    }

    assert declared_on(make_card(origin=origin)).retention_until == date(2027, 1, 31)
    assert declared_on(make_card(origin={**origin, "retention_until": "soon"})).retention_until is None


def test_the_rules_name_their_sources() -> None:
    rules = data_protection_rules()

    assert [row.number for row in rules.criteria] == list(range(1, 10))
    assert "grade" in rules.cite("wp248")
    assert len(rules.legal_bases) == 6


# ---- intervals -------------------------------------------------------------------------------------------------------


def test_wilsons_interval_agrees_with_published_figures() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20, method 3
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_rate(hits, n) -> None:
    hits = min(hits, n)
    low, high = wilson_interval(hits, n)

    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
