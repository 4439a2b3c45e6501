"""Reads the sample of findings: how far it is judged, and what that says about the precision of the check."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.core.intervals import wilson_interval
from kifabrik.portal.catalogue.models import DatasetVersion, SampledFinding
from kifabrik.portal.catalogue.paths import FINDINGS_PATH
from kifabrik.portal.catalogue.queries.datasets import read_card
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.queries.audit import events_about

LOOKS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class KindPrecision:
    """How many sampled findings of a kind were judged, and how many of them were right."""

    kind: str
    drawn: int
    judged: int
    right: int

    @property
    def left(self) -> int:
        """How many nobody has judged yet."""
        return self.drawn - self.judged

    @property
    def percent(self) -> float | None:
        """The share of right ones among the judged, in percent."""
        return 100 * self.right / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The limits of Wilson's 95 % interval of that share, in percent."""
        if not self.judged:
            return None
        low, high = wilson_interval(self.right, self.judged)
        return 100 * low, 100 * high


def precision_of(version: DatasetVersion) -> tuple[KindPrecision, ...]:
    """Estimate the precision of the check for each kind that was sampled."""
    rows = (
        version.sample.order_by("kind")
        .values("kind")
        .annotate(
            drawn=Count("pk"),
            judged=Count("pk", filter=Q(is_true__isnull=False)),
            right=Count("pk", filter=Q(is_true=True)),
        )
    )
    return tuple(KindPrecision(row["kind"], row["drawn"], row["judged"], row["right"]) for row in rows)


def get_sampled(version: DatasetVersion, number: int) -> SampledFinding:
    """Read one sampled finding of a version; raises NotFound."""
    finding = version.sample.filter(pk=number).first()
    if finding is None:
        raise NotFound(_("There is no such finding."), where=str(number))
    return finding


def newest_looks(version: DatasetVersion) -> Sequence[AuditEvent]:
    """Tell who looked at findings of a version and judged them, the newest first."""
    events = events_about("datasetversion", version.pk).filter(verb__startswith="finding-sample.")
    return list(events.order_by("-sequence")[:LOOKS_SHOWN])


def obstacle(version: DatasetVersion) -> str:
    """Say why findings cannot be shown in context: `no-rows`, `replaced`, or nothing if they can."""
    if not any(file["path"] == FINDINGS_PATH for file in version.files):
        return "no-rows"
    action = read_card(version).redaction.action
    return "replaced" if action in {"placeholder", "mask", "pseudonym"} else ""
