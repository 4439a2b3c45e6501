"""Who looks: the one place that turns a viewer into filters over sites, allocations and runs. Knows roles, no page."""

from django.db.models import Q, QuerySet

from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer


def readable_sites(viewer: Viewer) -> QuerySet[Site]:
    """List the sites a viewer may see: those of their role, and those where their organisations have an allocation."""
    return Site.objects.filter(
        _at_sites(viewer, Permission.SITE_MANAGE, "code")
        | _at_sites(viewer, Permission.ALLOCATION_READ_ALL, "code")
        | Q(code__in=Allocation.objects.filter(organisation__in=_own(viewer)).values("site"))
    )


def readable_allocations(viewer: Viewer) -> QuerySet[Allocation]:
    """List the allocations a viewer may see: those of their organisations, and those at the sites of their role."""
    return Allocation.objects.filter(
        Q(organisation__in=_own(viewer)) | _at_sites(viewer, Permission.ALLOCATION_READ_ALL, "site")
    )


def readable_runs(viewer: Viewer) -> QuerySet[Run]:
    """List the runs a viewer may see: those of their organisations, and those at the sites of their role."""
    return Run.objects.filter(
        Q(organisation__in=_own(viewer)) | _at_sites(viewer, Permission.RUN_READ_ALL, "allocation__site")
    )


def may_manage_site(viewer: Viewer, site: Site) -> bool:
    """Say whether a viewer operates a site."""
    return access.may(viewer, Permission.SITE_MANAGE, site_code=site.code)


def may_manage(viewer: Viewer, allocation: Allocation) -> bool:
    """Say whether a viewer may pause and close an allocation."""
    return access.may(viewer, Permission.ALLOCATION_MANAGE, site_code=allocation.site_id)


def may_run(viewer: Viewer, allocation: Allocation) -> bool:
    """Say whether a viewer may start and cancel runs inside an allocation."""
    return access.may(viewer, Permission.RUN_WRITE, organisation=allocation.organisation_id)


def _own(viewer: Viewer) -> QuerySet[Organisation]:
    return access.organisations_of(viewer)


def _at_sites(viewer: Viewer, permission: Permission, field: str) -> Q:
    """Filter by the sites for which a viewer's role holds a permission; None stands for all of them."""
    sites = access.sites_of(viewer, permission)
    return Q(pk__isnull=False) if sites is None else Q(**{f"{field}__in": sites})
