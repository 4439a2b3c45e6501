"""The size class of an enterprise by Recommendation 2003/361/EC, its partner and linked enterprises counted in.

Annex, Article 3: a share of 25 % to 50 % makes a partner, counted pro rata; more, or control, makes a linked
enterprise, counted whole. Article 6: to a partner only the enterprises linked to it are added, to a linked enterprise
its partners too. Article 4: a class is gained or lost only after two years in a row (grade D, so a person is told).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kifabrik.funding.proposal import OrganisationAnswers, RelatedEnterprise, SizeWord
from kifabrik.funding.reference.rows import OwnershipException, SizeClass, SmeThresholds

_CENTS = 100


@dataclass(frozen=True, slots=True)
class CountedEnterprise:
    """One related enterprise and the share, from 0 to 1, of its figures that counts."""

    name: str
    relation: Literal["partner", "linked"]
    share: float
    headcount: float
    turnover_euro: int
    balance_euro: int


@dataclass(frozen=True, slots=True)
class SizeVerdict:
    """The size class that counts, the class of the latest year alone, the summed figures and what went into them."""

    size: SizeWord
    size_by_latest_year: SizeWord
    headcount: float
    turnover_euro: int
    balance_euro: int
    counted: tuple[CountedEnterprise, ...]
    left_out: tuple[str, ...]
    public_share_percent: float
    is_excluded_by_public_body: bool

    @property
    def is_sme(self) -> bool:
        """Say whether the enterprise is micro, small or medium-sized."""
        return self.size != "large"

    @property
    def waits_for_second_year(self) -> bool:
        """Say whether the latest year gives another class, which counts only after a second such year."""
        return self.size != self.size_by_latest_year


def classify(enterprise: OrganisationAnswers, *, thresholds: SmeThresholds) -> SizeVerdict:
    """Find the size class of an enterprise from its own figures and those of its relations."""
    counted = _unique(_count(enterprise.related, thresholds, share=1.0, with_partners=True), enterprise.legal_name)
    left_out = tuple(owner.name for owner in enterprise.related if _is_excepted(owner, enterprise.related, thresholds))
    headcount = enterprise.headcount + sum(each.headcount * each.share for each in counted)
    turnover = enterprise.turnover_euro + round(sum(each.turnover_euro * each.share for each in counted))
    balance = enterprise.balance_euro + round(sum(each.balance_euro * each.share for each in counted))
    public_share = sum(
        owner.share_percent
        for owner in enterprise.related
        if owner.is_public_body and not _is_excepted(owner, enterprise.related, thresholds)
    )
    excluded = public_share >= thresholds.rule("public-body").share_from_percent
    latest = _class_of(headcount, turnover, balance, thresholds.classes)
    previous = enterprise.previous_size
    size: SizeWord = latest if previous == "none" else previous
    return SizeVerdict(
        size="large" if excluded else size,
        size_by_latest_year="large" if excluded else latest,
        headcount=round(headcount, 2),
        turnover_euro=turnover,
        balance_euro=balance,
        counted=counted,
        left_out=left_out,
        public_share_percent=public_share,
        is_excluded_by_public_body=excluded,
    )


def relation_of(
    owner: RelatedEnterprise, beside: Sequence[RelatedEnterprise], *, thresholds: SmeThresholds
) -> Literal["autonomous", "partner", "linked"]:
    """Say what a related enterprise is to the applicant; `beside` are all relations, for limits that count jointly."""
    linked = thresholds.rule("linked")
    if owner.has_control or owner.share_percent > linked.share_from_percent:
        return "linked"
    if owner.share_percent < thresholds.rule("partner").share_from_percent:
        return "autonomous"
    return "autonomous" if _is_excepted(owner, beside, thresholds) else "partner"


def _count(
    related: Sequence[RelatedEnterprise], thresholds: SmeThresholds, *, share: float, with_partners: bool
) -> Iterator[CountedEnterprise]:
    for owner in related:
        relation = relation_of(owner, related, thresholds=thresholds)
        if relation == "autonomous" or (relation == "partner" and not with_partners):
            continue
        part = share * (owner.share_percent / 100 if relation == "partner" else 1.0)
        yield CountedEnterprise(owner.name, relation, part, owner.headcount, owner.turnover_euro, owner.balance_euro)
        # Article 6(3): a partner brings its linked enterprises, a linked enterprise brings its partners as well.
        yield from _count(owner.related, thresholds, share=part, with_partners=relation == "linked")


def _unique(counted: Iterator[CountedEnterprise], applicant: str) -> tuple[CountedEnterprise, ...]:
    """Count an enterprise once, with its largest share, however many chains lead to it; the applicant not again."""
    kept: dict[str, CountedEnterprise] = {}
    for each in counted:
        key = " ".join(each.name.casefold().split())
        if key != " ".join(applicant.casefold().split()) and (key not in kept or kept[key].share < each.share):
            kept[key] = each
    return tuple(kept.values())


def _is_excepted(owner: RelatedEnterprise, beside: Sequence[RelatedEnterprise], thresholds: SmeThresholds) -> bool:
    """Say whether an owner of up to 50 % leaves the enterprise autonomous (Annex, Article 3(2))."""
    exception = next((row for row in thresholds.exceptions if row.code == owner.exception), None)
    if exception is None or owner.has_control or owner.share_percent > thresholds.rule("linked").share_from_percent:
        return False
    return _within_limit(exception, beside)


def _within_limit(exception: OwnershipException, beside: Sequence[RelatedEnterprise]) -> bool:
    if exception.investment_euro_cents_below is None:
        return True
    together = sum(owner.investment_euro for owner in beside if owner.exception == exception.code)
    return together * _CENTS < exception.investment_euro_cents_below


def _class_of(headcount: float, turnover_euro: int, balance_euro: int, classes: Sequence[SizeClass]) -> SizeWord:
    for row in sorted(classes, key=lambda each: each.headcount_below):
        has_few_heads = headcount < row.headcount_below
        is_within_one_amount = (
            turnover_euro * _CENTS <= row.turnover_euro_cents_max or balance_euro * _CENTS <= row.balance_euro_cents_max
        )
        if has_few_heads and is_within_one_amount:
            return row.code
    return "large"
