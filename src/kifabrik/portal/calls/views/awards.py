"""Pages of awards: public ones for everybody, the letter for people inside."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kifabrik.portal.calls.queries import calls, chain, proposals
from kifabrik.portal.calls.queries.viewers import is_inside
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.queries import access, audit


@require_GET
def list_awards(request: HttpRequest) -> HttpResponse:
    """List the awards a viewer may see."""
    page = cut_page(proposals.list_awards(request.user), number=request.GET.get("page"))
    rows = [
        {
            "award": award,
            "unit": calls.unit_of(award.system_code),
            "system_name": calls.system_name(award.system_code),
            "is_inside": is_inside(request.user, award),
        }
        for award in page.rows
    ]
    return render(request, "calls/award_list.html", {"page": page, "rows": rows})


@require_GET
def show_award(request: HttpRequest, award_id: str) -> HttpResponse:
    """Show an award: what it gives, for whom, and to people inside why."""
    award = proposals.get_award(request.user, award_id)
    inside = is_inside(request.user, award)
    context = {
        "award": award,
        "is_inside": inside,
        "unit": calls.unit_of(award.system_code),
        "system_name": calls.system_name(award.system_code),
        "call_title": calls.title_of(award.proposal.call),
        "letter": proposals.letter_of(award.decision) if inside else "",
        "may_accept": award.accepted_at is None and access.is_manager(request.user, award.organisation_id),
        "steps": chain.strip(here="award", proposal=award.proposal if inside else None, award=award),
        "events": audit.events_about("award", award.pk) if inside else None,
    }
    return render(request, "calls/award_detail.html", context)
