"""The rules of a call, each kept and broken, and the two languages of their sentences."""

import string
from dataclasses import replace

import pytest
from tests.funding.sample import answers, raw

from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import has_blocking
from kifabrik.funding import reference
from kifabrik.funding.aid import judge_aid
from kifabrik.funding.eligibility import check, suggested_mode
from kifabrik.funding.proposal import ProposalAnswers, find_faults, read_answers
from kifabrik.funding.words import LANGUAGES, sentences, write_day, write_euros, write_number, write_power

LARGE = {"headcount": 400, "turnover_euro": 90_000_000, "balance_euro": 90_000_000}


@pytest.fixture
def judge(now):
    def ask(given, mode="playground", language="en"):
        return check(
            given,
            mode=reference.access_modes()[mode],
            countries=reference.countries(),
            thresholds=reference.sme_thresholds(),
            today=now.date(),
            language=language,
        )

    return ask


def codes(findings, *severities) -> set[str]:
    return {
        finding.code.removeprefix("eligibility.")
        for finding in findings
        if not severities or finding.severity in severities
    }


def test_a_good_proposal_gets_a_reason_for_every_rule(judge) -> None:
    found = judge(answers())

    assert not has_blocking(found)
    assert codes(found, "info") == {
        "established", "kind-fits", "size-class", "aid-within", "contract-long-enough", "size-fits", "duration-fits",
        "civil-use", "trustworthy", "duties-accepted", "gpai-below",
    }  # fmt: skip
    assert codes(found, "not-checked") == {"aid-register-not-asked"}
    assert all(finding.where and finding.reference for finding in found)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"organisation": {"country": "US"}}, "not-established"),
        ({"organisation": {"kind": "research"}}, "reroute-kind"),
        ({"organisation": {"kind": "public"}}, "reroute-kind"),
        ({"organisation": LARGE}, "not-free-for-large"),
        ({"organisation": {**LARGE, "kind": "large-enterprise"}}, "not-free-for-large"),
        ({"resources": {"gpu_hours": 20_000}}, "reroute-size"),
        ({"resources": {"gpu_hours": 7_000}}, "size-fits-none"),
        ({"resources": {"duration_months": 6}}, "wrong-duration"),
        ({"team": {"contract_is_permanent": False}}, "contract-unknown"),
        ({"team": {"contract_is_permanent": False, "contract_ends_on": "2027-05-31"}}, "contract-too-short"),
        ({"declarations": {"civil_use": False}}, "not-civil"),
        ({"declarations": {"human_oversight": False}}, "not-trustworthy"),
        ({"declarations": {"union_values": False}}, "not-trustworthy"),
        ({"declarations": {"no_prohibited_practice": False}}, "not-trustworthy"),
        ({"declarations": {"trust_text": "We are good."}}, "trust-text-short"),
        ({"declarations": {"will_report": False}}, "duties-missing"),
        ({"declarations": {"accepts_site_terms": False}}, "duties-missing"),
    ],
)
def test_a_broken_rule_blocks_and_says_what_to_do(judge, changes, code) -> None:
    found = judge(answers(**changes))

    blocking = [finding for finding in found if finding.severity == "blocking"]
    assert code in codes(blocking)
    assert all(finding.remedy for finding in blocking)


def test_a_contract_that_ends_exactly_three_months_later_is_enough(judge) -> None:
    team = {"contract_is_permanent": False, "contract_ends_on": "2027-06-01"}

    assert not has_blocking(judge(answers(team=team)))


def test_an_unverified_country_is_left_to_a_person(judge) -> None:
    found = judge(answers(organisation={"country": "NO"}))

    assert not has_blocking(found)
    finding = next(each for each in found if each.code == "eligibility.country-not-verified")
    assert finding.severity == "not-checked"
    assert "not verified: a person must check" in finding.message


def test_a_large_firm_is_told_where_it_can_go(judge) -> None:
    finding = next(each for each in judge(answers(organisation=LARGE)) if each.code.endswith("not-free-for-large"))

    assert "400 heads" in finding.message
    assert "fewer than 250" in finding.message
    assert all(word in finding.remedy for word in ("pay for use", "Large Scale", "AI for Science"))


@pytest.mark.parametrize(
    ("mode", "changes", "expected"),
    [
        ("playground", {"resources": {"gpu_hours": 20_000}}, "fast-lane"),
        ("playground", {"resources": {"gpu_hours": 60_000}}, "large-scale"),
        ("fast-lane", {"resources": {"gpu_hours": 100}}, "playground"),
        ("playground", {"resources": {"gpu_hours": 7_000}}, None),
        ("playground", {}, None),
        ("playground", {"organisation": {"kind": "research"}}, "ai-for-science"),
        ("ai-for-science", {}, "playground"),
        ("ai-for-science", {"organisation": {"eu_project": "Horizon 1"}, "resources": {"gpu_hours": 30_000}}, None),
    ],
)
def test_a_wrong_mode_names_the_right_one(mode, changes, expected) -> None:
    found = suggested_mode(answers(**changes), mode=reference.access_modes()[mode])

    assert (found.code if found else None) == expected


def test_node_hours_are_counted_with_the_nodes_of_the_system(judge) -> None:
    project = {"eu_project": "Horizon 1"}
    asked = {"system_code": "lumi-g", "gpu_hours": 100_000, "duration_months": 6}

    found = judge(answers(organisation=project, resources=asked), "ai-for-science")

    assert not has_blocking(found)
    assert "size-class-not-asked" in codes(found)
    too_small = answers(organisation=project, resources={**asked, "gpu_hours": 79_999})
    assert "size-fits-none" in codes(judge(too_small, "ai-for-science"), "blocking")


def test_industry_needs_an_eu_project_in_the_science_mode(judge) -> None:
    assert "reroute-industry" in codes(judge(answers(), "ai-for-science"), "blocking")


def test_aid_is_counted_over_three_rolling_years(judge) -> None:
    def with_aid(granted_on, amount):
        aid = [{"granted_on": granted_on, "amount_euro": amount, "authority": "A ministry"}]
        return judge(answers(organisation={"aid_received": aid}))

    # the sample's five hours are worth EUR 12.50
    assert "aid-exceeded" in codes(with_aid("2023-11-25", 299_988), "serious")
    assert "aid-within" in codes(with_aid("2023-11-25", 299_987), "info")
    assert "aid-within" in codes(with_aid("2023-11-24", 999_999), "info")
    assert not has_blocking(with_aid("2026-01-01", 999_999))


def test_a_regime_whose_limits_are_not_known_here_is_left_to_a_person(now) -> None:
    mode = replace(reference.access_modes()["playground"], state_aid_regime="gber_28")

    found = judge_aid(answers(), mode=mode, today=now.date())

    assert [(finding.code, finding.severity) for finding in found] == [
        ("eligibility.aid-regime-not-checked", "not-checked")
    ]
    assert judge_aid(answers(), mode=replace(mode, state_aid_regime="none"), today=now.date()) == ()
    assert judge_aid(answers(organisation={"kind": "research"}), mode=mode, today=now.date()) == ()


def test_a_public_owner_and_a_changed_class_are_told(judge) -> None:
    town = {"name": "A town", "share_percent": 40, "is_public_body": True}

    assert "public-body-share" in codes(judge(answers(organisation={"related": [town]})), "blocking")
    grown = judge(answers(organisation={**LARGE, "previous_size": "medium"}))
    assert not has_blocking(grown)
    assert "two-year-rule" in codes(grown, "not-checked")


def test_large_training_is_told_about_general_purpose_models(judge) -> None:
    def sizes(parameters, tokens):
        return codes(judge(answers(work={"parameters": parameters, "training_tokens": tokens})))

    assert "gpai-above" in sizes(10**10, 10**13)
    assert "gpai-systemic" in sizes(10**12, 10**13)
    assert not {code for code in codes(judge(answers(work={"kinds": ["infer"]}))) if code.startswith("gpai")}


def test_warnings_do_not_block(judge) -> None:
    found = judge(answers(data={"has_personal_data": True}, resources={"starts_on": "2026-01-01"}))

    assert codes(found, "warning") == {"personal-data", "start-past"}
    assert not has_blocking(found)


def test_both_languages_say_the_same_things(judge) -> None:
    for changes in ({}, {"organisation": LARGE}, {"resources": {"gpu_hours": 20_000, "duration_months": 9}}):
        english, german = (judge(answers(**changes), language=language) for language in LANGUAGES)
        assert [(one.code, one.severity, one.where) for one in english] == [
            (other.code, other.severity, other.where) for other in german
        ]
        assert all(one.message != other.message for one, other in zip(english, german, strict=True))


@pytest.mark.parametrize("code", list(sentences()))
def test_every_sentence_has_the_same_values_in_both_languages(code) -> None:
    def values(language):
        text = " ".join(sentences()[code].texts[language])
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert values("en") == values("de")
    if sentences()[code].severity == "blocking":
        assert all(sentences()[code].texts[language][1] for language in LANGUAGES)


def test_numbers_and_days_are_written_as_each_language_does() -> None:
    assert [write_number(1234.5, language) for language in LANGUAGES] == ["1,234.5", "1.234,5"]
    assert [write_number(50_000, language) for language in LANGUAGES] == ["50,000", "50.000"]
    assert [write_euros(1250, language) for language in LANGUAGES] == ["12.50", "12,50"]
    assert [write_power(3.2e22, language) for language in LANGUAGES] == ["3.2 × 10^22", "3,2 × 10^22"]
    day = answers().resources.starts_on
    assert [write_day(day, language) for language in LANGUAGES] == ["1 December 2026", "1. Dezember 2026"]


def test_answers_round_trip_and_refuse_what_nobody_knows() -> None:
    whole = answers()

    assert ProposalAnswers.model_validate(whole.model_dump(mode="json")) == whole
    with pytest.raises(InvalidInput) as caught:
        read_answers(raw(project={"colour": "blue"}))
    assert caught.value.where == "project.colour"


def test_every_missing_field_is_listed() -> None:
    incomplete = raw()
    del incomplete["project"]["title"], incomplete["outcome"]
    incomplete["work"]["parameters"] = "many"

    found = {finding.where: finding.code for finding in find_faults(incomplete)}

    assert found == {
        "project.title": "proposal.missing",
        "outcome": "proposal.missing",
        "work.parameters": "proposal.wrong",
    }
    assert find_faults(raw()) == ()
