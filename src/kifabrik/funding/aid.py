"""What computing time is worth as state aid, and how that stands to a ceiling. Never decides the law.

Regulation (EU) 2023/2831: a ceiling for each single undertaking over three years, counted as gross grant equivalent
when the legal right is given. Which regime applies is chosen for each call.
"""

from dataclasses import dataclass
from datetime import date

from kifabrik.core.findings import Finding
from kifabrik.funding import reference
from kifabrik.funding.calendar import add_months
from kifabrik.funding.proposal import AidReceived, ProposalAnswers
from kifabrik.funding.reference.rows import AccessMode
from kifabrik.funding.words import Language, say, write_euros

_INDUSTRY = frozenset({"start-up", "sme", "large-enterprise"})


@dataclass(frozen=True, slots=True)
class AidSum:
    """Gross grant equivalent of an award, and what was received before within the rolling period; in euro cents."""

    value_euro_cents: int
    before_euro_cents: int

    @property
    def total_euro_cents(self) -> int:
        """Both together."""
        return self.value_euro_cents + self.before_euro_cents


def grant_equivalent(gpu_hours: float, *, mode: AccessMode) -> int:
    """Work out what GPU-hours are worth in a mode, in euro cents, half up."""
    return int(gpu_hours * mode.grant_euro_cents_per_gpu_hour + 0.5)


def sum_received(received: tuple[AidReceived, ...], *, today: date, period_years: int) -> int:
    """Add up the aid of the rolling period that ends today, in euro cents."""
    since = add_months(today, -12 * period_years)
    return sum(aid.amount_euro * 100 for aid in received if aid.granted_on > since)


def judge_aid(
    answers: ProposalAnswers, *, mode: AccessMode, today: date, language: Language = "en"
) -> tuple[Finding, ...]:
    """Compare with the ceiling of the mode's regime; nothing to say without state aid or outside industry."""
    regime = reference.state_aid()[mode.state_aid_regime]
    if regime.code in ("none", "market_price") or answers.organisation.kind not in _INDUSTRY:
        return ()
    where = "organisation.aid_received"
    if regime.ceiling_euro_cents is None or regime.period_years is None:
        return (say("aid-regime-not-checked", language=language, where=where, regime=regime.name),)
    aid = AidSum(
        value_euro_cents=grant_equivalent(answers.resources.gpu_hours, mode=mode),
        before_euro_cents=sum_received(
            answers.organisation.aid_received, today=today, period_years=regime.period_years
        ),
    )
    code = "aid-within" if aid.total_euro_cents <= regime.ceiling_euro_cents else "aid-exceeded"
    verdict = say(
        code,
        language=language,
        where=where,
        value=write_euros(aid.value_euro_cents, language),
        before=write_euros(aid.before_euro_cents, language),
        ceiling=write_euros(regime.ceiling_euro_cents, language),
    )
    return verdict, say("aid-register-not-asked", language=language, where=where)
