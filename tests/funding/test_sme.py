"""Size classes of Recommendation 2003/361/EC: thresholds, partners, linked enterprises, exceptions, two years."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.funding.proposal import OrganisationAnswers, RelatedEnterprise
from kifabrik.funding.reference import sme_thresholds
from kifabrik.funding.sme import classify, relation_of

MILLION = 1_000_000


def firm(heads=12, turnover=MILLION, balance=MILLION, **fields) -> OrganisationAnswers:
    return OrganisationAnswers(
        legal_name="Applicant GmbH",
        country="DE",
        kind="sme",
        headcount=heads,
        turnover_euro=turnover,
        balance_euro=balance,
        **fields,
    )


def owner(name="Owner AG", share=30, heads=100, turnover=10 * MILLION, balance=10 * MILLION, **fields):
    return RelatedEnterprise(
        name=name, share_percent=share, headcount=heads, turnover_euro=turnover, balance_euro=balance, **fields
    )


def size(enterprise) -> str:
    return classify(enterprise, thresholds=sme_thresholds()).size


@pytest.mark.parametrize(
    ("heads", "turnover", "balance", "expected"),
    [
        (9.99, 2 * MILLION, 50 * MILLION, "micro"),
        (9, 50 * MILLION, 2 * MILLION, "micro"),
        (10, 1 * MILLION, 1 * MILLION, "small"),
        (9, 2 * MILLION + 1, 2 * MILLION + 1, "small"),
        (49, 10 * MILLION, 99 * MILLION, "small"),
        (249, 50 * MILLION, 99 * MILLION, "medium"),
        (249, 99 * MILLION, 43 * MILLION, "medium"),
        (249, 50 * MILLION + 1, 43 * MILLION + 1, "large"),
        (250, 0, 0, "large"),
    ],
)
def test_thresholds_are_exact(heads, turnover, balance, expected) -> None:
    assert size(firm(heads, turnover, balance)) == expected


def test_a_partner_counts_pro_rata() -> None:
    verdict = classify(firm(12, related=(owner(share=30, heads=100),)), thresholds=sme_thresholds())

    assert (verdict.headcount, verdict.turnover_euro) == (42, 4 * MILLION)
    assert [(each.relation, each.share) for each in verdict.counted] == [("partner", 0.3)]


def test_a_linked_enterprise_counts_whole() -> None:
    assert classify(firm(12, related=(owner(share=51),)), thresholds=sme_thresholds()).headcount == 112
    assert classify(firm(12, related=(owner(share=5, has_control=True),)), thresholds=sme_thresholds()).headcount == 112


@pytest.mark.parametrize(
    ("share", "expected"), [(24.99, "autonomous"), (25, "partner"), (50, "partner"), (50.01, "linked")]
)
def test_shares_decide_the_relation(share, expected) -> None:
    assert relation_of(owner(share=share), (), thresholds=sme_thresholds()) == expected


def test_chains_follow_article_6() -> None:
    behind = owner("Behind AG", share=100, heads=1000)
    beside = owner("Beside AG", share=30, heads=1000)
    partner = owner("Partner AG", share=40, heads=100, related=(behind, beside))
    linked = owner("Linked AG", share=80, heads=100, related=(behind, beside))

    of_partner = classify(firm(12, related=(partner,)), thresholds=sme_thresholds())
    of_linked = classify(firm(12, related=(linked,)), thresholds=sme_thresholds())

    assert of_partner.headcount == 12 + 0.4 * (100 + 1000)  # a partner's own partners do not count
    assert of_linked.headcount == 12 + 100 + 1000 + 0.3 * 1000


def test_an_enterprise_on_two_chains_counts_once_and_the_applicant_never_again() -> None:
    holding = owner("Holding  AG", share=100, heads=50)
    self_again = owner("applicant gmbh", share=100, heads=12)
    related = (
        owner("A AG", share=60, heads=10, related=(holding, self_again)),
        owner("holding ag", share=30, heads=50),
    )

    assert classify(firm(12, related=related), thresholds=sme_thresholds()).headcount == 12 + 10 + 50


@pytest.mark.parametrize(
    "exception",
    ["public-investment", "venture-capital", "business-angel", "university", "institutional-investor",
     "small-local-authority"],
)  # fmt: skip
def test_excepted_owners_leave_an_enterprise_autonomous_up_to_half(exception) -> None:
    kept = classify(firm(12, related=(owner(share=50, heads=5000, exception=exception),)), thresholds=sme_thresholds())
    linked = firm(12, related=(owner(share=51, heads=5000, exception=exception),))

    assert (kept.headcount, kept.left_out) == (12, ("Owner AG",))
    assert size(linked) == "large"


def test_business_angels_count_from_their_joint_limit() -> None:
    def angels(each):
        return tuple(
            owner(f"Angel {n}", share=30, heads=5000, exception="business-angel", investment_euro=each)
            for n in range(2)
        )

    assert size(firm(12, related=angels(600_000))) == "small"
    assert size(firm(12, related=angels(625_000))) == "large"


def test_public_bodies_from_a_quarter_make_an_enterprise_non_sme() -> None:
    def town(share, **fields):
        return owner(f"Town {share}", share=share, heads=0, turnover=0, balance=0, is_public_body=True, **fields)

    assert size(firm(12, related=(town(24),))) == "small"
    assert classify(firm(12, related=(town(12), town(13))), thresholds=sme_thresholds()).is_excluded_by_public_body
    assert size(firm(12, related=(town(25),))) == "large"
    assert size(firm(12, related=(town(25, exception="university"),))) == "small"


def test_a_class_changes_only_after_two_years() -> None:
    grown = classify(firm(300, previous_size="medium"), thresholds=sme_thresholds())
    shrunk = classify(firm(200, previous_size="large"), thresholds=sme_thresholds())
    settled = classify(firm(300, previous_size="large"), thresholds=sme_thresholds())

    assert (grown.size, grown.size_by_latest_year, grown.waits_for_second_year) == ("medium", "large", True)
    assert (shrunk.size, shrunk.is_sme) == ("large", False)
    assert not settled.waits_for_second_year


@given(shares=st.lists(st.floats(0, 100), max_size=6), heads=st.floats(0, 10_000))
def test_relations_never_make_an_enterprise_smaller(shares, heads) -> None:
    order = ["micro", "small", "medium", "large"]
    related = tuple(owner(f"Owner {n}", share=share) for n, share in enumerate(shares))

    assert order.index(size(firm(heads, related=related))) >= order.index(size(firm(heads)))
