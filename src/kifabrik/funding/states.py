"""The states of a proposal and the moves between them."""

from collections.abc import Mapping
from enum import StrEnum


class ProposalState(StrEnum):
    """Where a proposal stands on the way from draft to decision."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    INELIGIBLE = "ineligible"
    IN_REVIEW = "in_review"
    RANKED = "ranked"
    AWARDED = "awarded"
    RESERVE_LIST = "reserve_list"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


MOVES: Mapping[ProposalState, frozenset[ProposalState]] = {
    ProposalState.DRAFT: frozenset({ProposalState.SUBMITTED, ProposalState.WITHDRAWN}),
    # A submitted proposal passes eligibility and the site's technical check; a FIFO mode awards straight from here.
    ProposalState.SUBMITTED: frozenset(
        {
            ProposalState.INELIGIBLE,
            ProposalState.IN_REVIEW,
            ProposalState.AWARDED,
            ProposalState.REJECTED,
            ProposalState.WITHDRAWN,
        }
    ),
    ProposalState.IN_REVIEW: frozenset({ProposalState.RANKED, ProposalState.REJECTED, ProposalState.WITHDRAWN}),
    ProposalState.RANKED: frozenset(
        {ProposalState.AWARDED, ProposalState.RESERVE_LIST, ProposalState.REJECTED, ProposalState.WITHDRAWN}
    ),
    ProposalState.RESERVE_LIST: frozenset({ProposalState.AWARDED, ProposalState.REJECTED, ProposalState.WITHDRAWN}),
}
