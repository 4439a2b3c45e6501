"""Reads of the names under which people are known at sites, and of those who have none yet. Writes nothing."""

from collections.abc import Collection, Mapping

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.compute.models import Allocation, ClusterUser, Site
from kifabrik.portal.people.models import Membership, User


def list_cluster_users(site: Site) -> QuerySet[ClusterUser]:
    """List the people who have a user name at a site, by that name."""
    return ClusterUser.objects.filter(site=site).select_related("person").order_by("user_name")


def people_at(site: Site) -> QuerySet[User]:
    """List the members of organisations with a living allocation at a site, those without a user name first."""
    living = Allocation.objects.filter(site=site).exclude(state="closed").values("organisation")
    members = Membership.objects.filter(organisation__in=living).values("user")
    here = FilteredRelation("cluster_users", condition=Q(cluster_users__site=site))
    people = User.objects.filter(pk__in=members, is_active=True).annotate(here=here, user_name=F("here__user_name"))
    return people.order_by(F("user_name").asc(nulls_first=True), "name", "pk")


def names_at(site: Site, people: Collection[str]) -> Mapping[str, str]:
    """Tell the user names that people have at a site."""
    rows = ClusterUser.objects.filter(site=site, person__in=people)
    return dict(rows.values_list("person", "user_name"))


def get_person_at(site: Site, person_id: str) -> User:
    """Read a person who works at a site or has a user name there; raises NotFound."""
    person = people_at(site).filter(pk=person_id).first()
    if person is None:
        known = ClusterUser.objects.filter(site=site, person=person_id).select_related("person").first()
        if known is None:
            raise NotFound(_("No such person works at this site."), where=person_id)
        return known.person
    return person
