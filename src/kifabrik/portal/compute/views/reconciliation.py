"""Pages of the books against accounting: of one allocation and of a site, to read and to download."""

import csv
import io

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kifabrik.ledger.reconciliation import Comparison
from kifabrik.portal.compute.queries.allocations import get_allocation
from kifabrik.portal.compute.queries.chain import chain_of
from kifabrik.portal.compute.queries.reconciliation import (
    get_reconcilable_site,
    list_daily_reports,
    reconcile_allocation,
    reconcile_site,
)
from kifabrik.portal.people.authentication import actor, sign_in_required

LINES_SHOWN, DAYS_SHOWN = 200, 31
COLUMNS = ("subject", "allocation", "run", "job", "user", "state", "booked", "accounted", "difference", "reason")
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")


@require_GET
@sign_in_required
def show_allocation(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Show how the books of an allocation agree with the accounting of its site."""
    allocation = get_allocation(actor(request), allocation_id)
    found = reconcile_allocation(allocation)
    context = {"allocation": allocation, "site": allocation.site, "chain": chain_of(allocation), **_table(found)}
    return render(request, "compute/reconciliation.html", context)


@require_GET
@sign_in_required
def show_site(request: HttpRequest, code: str) -> HttpResponse:
    """Show how the books of all allocations of a site agree with its accounting, now and day by day."""
    site = get_reconcilable_site(actor(request), code)
    reports = list_daily_reports(site)[:DAYS_SHOWN]
    return render(
        request, "compute/reconciliation.html", {"site": site, "reports": reports, **_table(reconcile_site(site))}
    )


@require_GET
@sign_in_required
def download_allocation(request: HttpRequest, allocation_id: str) -> HttpResponse:
    """Send the comparison of an allocation as a table for spreadsheets."""
    allocation = get_allocation(actor(request), allocation_id)
    return _csv(reconcile_allocation(allocation), name=allocation.pk)


@require_GET
@sign_in_required
def download_site(request: HttpRequest, code: str) -> HttpResponse:
    """Send the comparison of a site as a table for spreadsheets."""
    site = get_reconcilable_site(actor(request), code)
    return _csv(reconcile_site(site), name=site.code)


def _table(found: Comparison) -> dict[str, object]:
    lines = sorted(found.lines, key=lambda line: -abs(line.seconds))
    return {"found": found, "lines": lines[:LINES_SHOWN], "more": max(0, len(lines) - LINES_SHOWN)}


def _csv(found: Comparison, *, name: str) -> HttpResponse:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for line in found.lines:
        who = line.subject
        words = (who.name, who.allocation_id, who.run_id, who.job_id, who.user, who.state)
        writer.writerow([*map(_plain, words), who.booked, who.accounted, line.seconds, line.reason])
    headers = {"Content-Disposition": f'attachment; filename="reconciliation-{name}.csv"'}
    return HttpResponse(stream.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _plain(text: str) -> str:
    """A user chooses these words; a spreadsheet must not take them for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_BEGINS) else text
