"""Reads of what the agents of sites find wrong there. Writes nothing."""

from collections.abc import Sequence

from django.db.models import QuerySet

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.portal.compute.models import Site, SiteFinding


def open_findings(site: Site) -> Sequence[Finding]:
    """Read what is wrong at a site now, the heaviest first."""
    rows = site.findings.filter(closed_at__isnull=True).order_by("first_seen_at")
    return sort_by_weight(
        Finding(row.code, Severity(row.severity), row.message, row.where, row.remedy, row.reference) for row in rows
    )


def list_findings(site: Site, *, is_open: bool | None = None) -> QuerySet[SiteFinding]:
    """List the findings of a site, the newest first; `is_open` chooses those that are open, or those that are over."""
    rows = site.findings.order_by("-first_seen_at", "id")
    return rows if is_open is None else rows.filter(closed_at__isnull=is_open)
