"""Pages of sites: the list with the health of their agents, and one site with how to connect its agent."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from kifabrik.core.errors import Conflict, InvalidInput, KifabrikError
from kifabrik.portal.compute.forms import SiteForm
from kifabrik.portal.compute.models import Site
from kifabrik.portal.compute.queries import viewers
from kifabrik.portal.compute.queries.cluster_users import get_person_at, people_at
from kifabrik.portal.compute.queries.findings import open_findings
from kifabrik.portal.compute.queries.reconciliation import list_daily_reports
from kifabrik.portal.compute.queries.runs import list_runs
from kifabrik.portal.compute.queries.sites import get_managed_site, get_site, health_of, list_sites
from kifabrik.portal.compute.services import cluster_users
from kifabrik.portal.compute.services import sites as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit

EVENTS_SHOWN = 50  # an agent that imports accounting writes a line with every report that says something new


@require_http_methods(["GET", "POST"])
@sign_in_required
def list_all(request: HttpRequest) -> HttpResponse:
    """List the sites a person may see; an operator registers a new one."""
    user = actor(request)
    form = SiteForm(request.POST or None, initial={"unit": "GPU"})
    if request.method == "POST" and form.is_valid():
        try:
            site = services.register(by=user, now=timezone.now(), **form.cleaned_data)
        except KifabrikError as error:
            form.add_error(error.where if error.where in form.fields else None, str(error))
        else:
            messages.success(request, _("The site is registered. Now connect its agent."))
            return redirect("compute:site", site.code)
    page = cut_page(list_sites(user), number=request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(site, health_of(site, now=timezone.now())) for site in page.rows],
        "form": form,
        "may_register": access.may(user, Permission.SITE_MANAGE),
    }
    return render(request, "compute/site_list.html", context, status=422 if form.errors else 200)


@require_GET
@sign_in_required
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Show a site, the health of its agent, and to its operator how to connect one."""
    return _show(request, get_site(actor(request), code), secret="")


@never_cache
@require_http_methods(["POST"])
@sign_in_required
def issue_token(request: HttpRequest, code: str) -> HttpResponse:
    """Make the secret of a site's agent and show it this once."""
    site = get_site(actor(request), code)
    made = services.issue_token(by=actor(request), site=site, now=timezone.now())
    return _show(request, site, secret=made.secret)


@require_http_methods(["POST"])
@sign_in_required
def name_user(request: HttpRequest, code: str) -> HttpResponse:
    """Say under which unix user name a person works at a site; an empty name takes it away."""
    user, site = actor(request), get_managed_site(actor(request), code)
    person = get_person_at(site, request.POST.get("person", ""))
    name = request.POST.get("user_name", "").strip()
    try:
        if name:
            cluster_users.set_name(by=user, site=site, person=person, user_name=name, now=timezone.now())
        else:
            cluster_users.remove(by=user, site=site, person=person, now=timezone.now())
    except (InvalidInput, Conflict) as error:
        messages.error(request, f"{person.name}: {error.message} {error.remedy}")
        return redirect(f"{reverse('compute:site', args=[site.code])}#people")
    words = _("%(name)s is %(user_name)s at this site.") if name else _("%(name)s has no user name at this site.")
    messages.success(request, words % {"name": person.name, "user_name": name})
    return redirect(f"{reverse('compute:site', args=[site.code])}#people")


def _show(request: HttpRequest, site: Site, *, secret: str) -> HttpResponse:
    user = actor(request)
    runs = list_runs(user, state="active").filter(allocation__site=site)
    may_manage = viewers.may_manage_site(user, site)
    may_reconcile = access.may(user, Permission.ALLOCATION_READ_ALL, site_code=site.code)
    context = {
        "site": site,
        "health": health_of(site, now=timezone.now()),
        "secret": secret,
        "portal_address": request.build_absolute_uri("/").rstrip("/"),
        "may_manage": may_manage,
        "may_reconcile": may_reconcile,
        "report": list_daily_reports(site).first() if may_reconcile else None,
        "findings": open_findings(site) if may_manage else (),
        "page": cut_page(people_at(site), number=request.GET.get("page")) if may_manage else None,
        "runs": list(runs[:50]),
        "events": audit.events_about("site", site.pk).order_by("-sequence")[:EVENTS_SHOWN],
    }
    return render(request, "compute/site_detail.html", context)
