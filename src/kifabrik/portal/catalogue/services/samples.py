"""Shows sampled findings in context and keeps how people judge them; every look leaves a line in the audit log.

The words around a finding are read from the stored shards for the answer and kept nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, Refused
from kifabrik.datasets.excerpts import Excerpt, Place, read_excerpts
from kifabrik.portal.catalogue.models import DatasetVersion, SampledFinding
from kifabrik.portal.catalogue.queries.samples import obstacle
from kifabrik.portal.compute.queries.files import path_of
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

SHOWN_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class FindingInContext:
    """A sampled finding with the words around it; None where the text no longer holds the place."""

    finding: SampledFinding
    excerpt: Excerpt | None


def look(*, by: User, version: DatasetVersion, kind: str, now: datetime) -> Sequence[FindingInContext]:
    """Show the next findings of a kind that nobody has judged, in the words around them.

    Raises Refused without the right, Conflict if the values were replaced in the stored texts, Unavailable if the
    shards cannot be read.
    """
    require_right(by, version)
    if obstacle(version) == "replaced":
        raise Conflict(
            _("the values were replaced in the stored texts, so their places cannot be shown here."),
            remedy=_("Judge the findings in the texts on your own machine, where they were checked."),
        )
    rows = list(version.sample.filter(kind=kind, is_true__isnull=True).order_by("rank")[:SHOWN_AT_ONCE])
    if not rows:
        return ()
    with transaction.atomic():  # the line comes first: who was shown something cannot say that it was not
        audit.append(
            by=by,
            verb="finding-sample.seen",
            what=version,
            organisation=version.dataset.organisation,
            details={"kind": kind, "documents": sorted({row.document for row in rows})},
            now=now,
        )
    places = {row.pk: Place(row.document, row.start, row.end) for row in rows}
    shards = [path_of(file["digest"]) for file in version.files if file["path"].endswith(".parquet")]
    excerpts = read_excerpts(shards, list(places.values()))
    return tuple(FindingInContext(row, excerpts.get(places[row.pk])) for row in rows)


def judge(*, by: User, finding: SampledFinding, is_true: bool, now: datetime) -> SampledFinding:
    """Keep whether a finding is what the check took it for.

    Raises Refused without the right, Conflict if somebody has judged it otherwise before.
    """
    version = finding.version
    require_right(by, version)
    with transaction.atomic():
        finding = SampledFinding.objects.select_for_update().get(pk=finding.pk)
        if finding.is_true is is_true:
            return finding
        if finding.is_true is not None:
            raise Conflict(_("This finding has been judged already."), where=finding.digest)
        finding.is_true, finding.judged_by, finding.judged_at = is_true, by, now
        finding.save(update_fields=["is_true", "judged_by", "judged_at"])
        audit.append(
            by=by,
            verb="finding-sample.judged",
            what=version,
            organisation=version.dataset.organisation,
            details={
                "kind": finding.kind,
                "document": finding.document,
                "start": finding.start,
                "digest": finding.digest,
                "is_true": is_true,
            },
            now=now,
        )
    return finding


def require_right(by: User, version: DatasetVersion) -> None:
    """Raise Refused for everybody but members of the organisation who may see personal data."""
    if not access.may(by, Permission.PERSONAL_DATA_SEE, organisation=version.dataset.organisation):
        raise Refused(
            _("only members of the organisation who may see personal data can see findings in context."),
            remedy=_("Ask a manager of the organisation."),
        )
