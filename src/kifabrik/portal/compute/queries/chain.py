"""The chain proposal -> award -> allocation -> dataset -> run -> release as steps of the strip. Knows no later chapter.

The pages of datasets and releases belong to the catalogue above, so their addresses are written out, not looked up.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from kifabrik.portal.compute.models import Allocation, Run
from kifabrik.records.run_state import RunState


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One link of the strip; `state` is done, now or todo, and an empty `url` is shown as text."""

    label: str
    url: str
    state: str


def chain_of(allocation: Allocation, *, run: Run | None = None) -> tuple[ChainStep, ...]:
    """Show where an allocation, or a run inside it, stands on the path."""
    succeeded = run is not None and run.state == RunState.SUCCEEDED
    return (
        ChainStep(_("Proposal"), f"/proposals/{allocation.award.proposal_id}/", "done"),
        ChainStep(_("Award"), f"/awards/{allocation.award_id}/", "done"),
        ChainStep(_("Allocation"), f"/allocations/{allocation.pk}/", "done" if run else "now"),
        ChainStep(_("Dataset"), "/datasets/", "done" if run else "todo"),
        ChainStep(_("Run"), "" if run else f"/runs/?allocation={allocation.pk}", "now" if run else "todo"),
        ChainStep(_("Release"), f"/releases/new/?run={run.pk}" if run and succeeded else "", "todo"),
    )
