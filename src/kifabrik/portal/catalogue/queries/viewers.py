"""Who looks: the one place that turns a viewer into filters over datasets and releases. Knows roles, no page."""

from django.db.models import Q, QuerySet

from kifabrik.portal.catalogue.models import Dataset, Release
from kifabrik.portal.compute.queries.viewers import readable_runs
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer


def sees_everything(viewer: Viewer) -> bool:
    """Say whether the viewer's role reads the work of every organisation (not those limited to a site)."""
    return access.sites_of(viewer, Permission.RUN_READ_ALL) is None


def is_inside(viewer: Viewer, organisation: Organisation) -> bool:
    """Say whether the viewer may follow the whole chain behind a row of this organisation."""
    return sees_everything(viewer) or access.is_member(viewer, organisation)


def readable_datasets(viewer: Viewer) -> QuerySet[Dataset]:
    """List the datasets whose cards the viewer may read: own, public, or all by role."""
    if sees_everything(viewer):
        return Dataset.objects.all()
    return Dataset.objects.filter(Q(is_public=True) | Q(organisation__in=access.organisations_of(viewer)))


def readable_releases(viewer: Viewer) -> QuerySet[Release]:
    """List the releases the viewer may read: public ones once released, and those of runs the viewer may see."""
    if sees_everything(viewer):
        return Release.objects.all()
    public = Q(is_public=True, state__in=["released", "revoked"])
    return Release.objects.filter(public | Q(run__in=readable_runs(viewer)))
