"""Keeps what the agent of a site finds wrong there: the open list, and when each finding came and went."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import InvalidInput
from kifabrik.core.findings import RANK, Finding, Severity
from kifabrik.portal.compute.models import Site, SiteFinding
from kifabrik.portal.people.models import User
from kifabrik.portal.people.services import audit

FINDINGS_MAX = 500
Place = tuple[str, str]


def report(*, by: User, site: Site, findings: Sequence[Finding], at: datetime, now: datetime) -> Sequence[SiteFinding]:
    """Take the present findings of a site: what is named stays or becomes open, what is not named is over.

    Returns the open list. A report that is older than the newest one changes nothing; one code at one place is one
    finding, the heaviest counts. Raises InvalidInput for more than 500.
    """
    if len(findings) > FINDINGS_MAX:
        raise InvalidInput(_("At most %(count)s findings in one report.") % {"count": FINDINGS_MAX}, where="findings")
    at = min(at, now)
    with transaction.atomic():
        Site.objects.select_for_update().get(pk=site.pk)
        known = {(row.code, row.where): row for row in site.findings.filter(closed_at__isnull=True)}
        if _is_old(site, at):
            return list(known.values())
        present = _by_place(findings)
        gone = [row for place, row in known.items() if place not in present]
        SiteFinding.objects.filter(pk__in=[row.pk for row in gone]).update(closed_at=at)
        came = [finding for place, finding in present.items() if place not in known]
        SiteFinding.objects.bulk_create([_row(site, finding, at) for finding in came])
        for place, row in known.items():
            if place in present:
                _renew(row, present[place], at)
        if came or gone:
            details = {"came": [finding.code for finding in came], "gone": [row.code for row in gone]}
            audit.append(by=by, verb="site.findings-changed", what=site, details=details, now=now)
    return list(site.findings.filter(closed_at__isnull=True))


def _is_old(site: Site, at: datetime) -> bool:
    return site.findings.filter(last_seen_at__gt=at).exists() or site.findings.filter(closed_at__gt=at).exists()


def _by_place(findings: Sequence[Finding]) -> Mapping[Place, Finding]:
    present: dict[Place, Finding] = {}
    for finding in sorted(findings, key=lambda each: RANK[Severity(each.severity)]):
        present[finding.code[:100], finding.where[:200]] = finding
    return present


def _row(site: Site, finding: Finding, at: datetime) -> SiteFinding:
    place = {"code": finding.code[:100], "where": finding.where[:200]}
    return SiteFinding(site=site, **place, **_words(finding), first_seen_at=at, last_seen_at=at)


def _renew(row: SiteFinding, finding: Finding, at: datetime) -> None:
    for name, value in _words(finding).items():
        setattr(row, name, value)
    row.last_seen_at = at
    row.save(update_fields=["severity", "message", "remedy", "reference", "last_seen_at"])


def _words(finding: Finding) -> dict[str, str]:
    return {
        "severity": str(finding.severity),
        "message": finding.message[:500],
        "remedy": finding.remedy[:500],
        "reference": finding.reference[:300],
    }
