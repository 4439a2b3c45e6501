"""Reads of sites and of the health of their agents. Writes nothing."""

from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.compute.queries.viewers import readable_allocations, readable_runs, readable_sites
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer
from kifabrik.records.run_state import FINAL

SILENT_AFTER = timedelta(minutes=2)  # an agent asks every few seconds; two minutes are many missed questions


def list_sites(viewer: Viewer) -> QuerySet[Site]:
    """List the sites a viewer may see, each with how many open allocations and going runs of it the viewer may see."""
    allocations = readable_allocations(viewer).filter(state="open").values("pk")
    runs = readable_runs(viewer).exclude(state__in=[str(state) for state in FINAL]).values("pk")
    return (
        readable_sites(viewer)
        .annotate(
            open_allocations=Count("allocations", filter=Q(allocations__in=allocations), distinct=True),
            going_runs=Count("allocations__runs", filter=Q(allocations__runs__in=runs), distinct=True),
        )
        .order_by("code")
    )


def get_site(viewer: Viewer, code: str) -> Site:
    """Read a site the viewer may see; raises NotFound."""
    site = readable_sites(viewer).filter(pk=code).first()
    if site is None:
        raise NotFound(_("There is no such site."), where=code)
    return site


def get_managed_site(viewer: Viewer, code: str) -> Site:
    """Read a site for its operators; raises NotFound for a site they do not see, Refused for everybody else."""
    site = get_site(viewer, code)
    access.require(viewer, Permission.SITE_MANAGE, site_code=site.code)
    return site


def get_agent_site(code: str) -> Site:
    """Read the site that a token names; raises NotFound if it was never registered."""
    site = Site.objects.filter(pk=code).first()
    if site is None:
        raise NotFound(
            _("The site of this token is not registered."), where=code, remedy=_("Ask the operator to register it.")
        )
    return site


def health_of(site: Site, *, now: datetime) -> str:
    """Say whether the agent of a site speaks: never, silent or well."""
    if site.last_seen_at is None:
        return "never"
    return "well" if now - site.last_seen_at <= SILENT_AFTER else "silent"


def going_runs_at(site: Site) -> QuerySet[Run]:
    """List the runs of a site that have not ended."""
    return Run.objects.filter(allocation__site=site).exclude(state__in=[str(state) for state in FINAL])


def open_allocations_at(site: Site) -> QuerySet[Allocation]:
    """List the open allocations of a site."""
    return Allocation.objects.filter(site=site, state="open")
