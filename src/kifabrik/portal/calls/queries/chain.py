"""The chain from proposal to release as steps of the breadcrumb strip. Knows the first three."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from kifabrik.portal.calls.models import Award, Proposal


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the strip; an empty `url` is shown as text; `state` is done, now or todo."""

    label: str
    url: str
    state: str


def strip(*, here: str, proposal: Proposal | None, award: Award | None) -> tuple[Step, ...]:
    """Show where a proposal or an award stands on the path; `here` is call, proposal or award."""
    proposal_url = reverse("calls:proposal", args=[proposal.pk]) if proposal else ""
    call_url = reverse("calls:call", args=[proposal.call_id]) if proposal else ""
    award_url = reverse("calls:award", args=[award.pk]) if award else ""
    known = (
        ("call", _("Call"), call_url, "done"),
        ("proposal", _("Proposal"), proposal_url, "done" if award else "todo"),
        ("award", _("Award"), award_url, "done" if award else "todo"),
        ("allocation", _("Allocation"), "", "done" if award and award.accepted_at else "todo"),
        ("dataset", _("Dataset"), "", "todo"),
        ("run", _("Run"), "", "todo"),
        ("release", _("Release"), "", "todo"),
    )
    return tuple(Step(label, url, "now" if name == here else state) for name, label, url, state in known)
