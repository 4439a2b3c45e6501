"""The home page: what needs a person now, then what they own; for a visitor, what the factory offers.

Puts together what the chapters tell and knows no rule of theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kifabrik.ledger.books import Balance
from kifabrik.portal.calls.models import Call, Proposal
from kifabrik.portal.calls.queries import needs as calls_needs
from kifabrik.portal.calls.queries import proposals
from kifabrik.portal.catalogue.models import RegisteredModel
from kifabrik.portal.catalogue.queries import needs as catalogue_needs
from kifabrik.portal.catalogue.queries import releases
from kifabrik.portal.compute.models import Allocation, Run
from kifabrik.portal.compute.queries import allocations, budgets, runs
from kifabrik.portal.compute.queries import needs as compute_needs
from kifabrik.portal.doors.needs import Need, sort_by_weight
from kifabrik.portal.exchange import queries as exchange
from kifabrik.portal.people.models import User
from kifabrik.portal.people.queries import needs as people_needs
from kifabrik.portal.people.queries.access import Viewer, organisations_of

CHAPTERS: tuple[Callable[..., list[Need]], ...] = (
    people_needs.needs,
    calls_needs.needs,
    compute_needs.needs,
    catalogue_needs.needs,
    exchange.needs,
)
SHOWN_MAX = 6


@dataclass(frozen=True, slots=True)
class Budget:
    """An allocation and what its books say."""

    allocation: Allocation
    balance: Balance


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a person's organisations have under way, the newest first."""

    budgets: Sequence[Budget]
    runs: Sequence[Run]
    proposals: Sequence[Proposal]
    models: Sequence[RegisteredModel]

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing yet."""
        return not (self.budgets or self.runs or self.proposals or self.models)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the factory shows to everybody."""

    calls: Sequence[Call]
    models: Sequence[RegisteredModel]


def needs_of(user: User, *, now: datetime) -> list[Need]:
    """Ask every chapter what needs this person, the heaviest first."""
    return sort_by_weight(need for ask in CHAPTERS for need in ask(user, now=now))


def belongings_of(user: User) -> Belongings:
    """Read what a person's own organisations have; what their role lets them see beyond is on the lists."""
    own = organisations_of(user)
    shares = list(allocations.list_allocations(user).filter(organisation__in=own).exclude(state="closed")[:SHOWN_MAX])
    balances = budgets.balances([allocation.pk for allocation in shares])
    return Belongings(
        budgets=[Budget(allocation, balances[allocation.pk]) for allocation in shares],
        runs=list(runs.list_runs(user).filter(organisation__in=own)[:SHOWN_MAX]),
        proposals=list(proposals.list_proposals(user).filter(organisation__in=own)[:SHOWN_MAX]),
        models=list(releases.list_models(user).filter(organisation__in=own)[:SHOWN_MAX]),
    )


def offer_to(viewer: Viewer, *, now: datetime) -> Offer:
    """Read the open calls and the released models that a viewer may see."""
    return Offer(
        calls=[
            call for call in Call.objects.filter(opens_at__lte=now) if call.closes_at is None or call.closes_at > now
        ],
        models=list(releases.list_models(viewer)[:SHOWN_MAX]),
    )
