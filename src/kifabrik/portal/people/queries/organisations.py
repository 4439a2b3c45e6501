"""Reads of organisations: what a person may see of them."""

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.people.models import Membership, Organisation
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries.access import Viewer, may, organisations_of


def visible_to(user: Viewer) -> QuerySet[Organisation]:
    """List one's own organisations, or all for those who look after people or read every proposal."""
    sees_all = may(user, Permission.PEOPLE_MANAGE) or may(user, Permission.PROPOSAL_READ_ALL)
    return Organisation.objects.all() if sees_all else organisations_of(user)


def with_members(user: Viewer) -> QuerySet[Organisation]:
    """List the visible organisations, each with how many people belong to it as `members`."""
    return visible_to(user).annotate(members=Count("memberships")).order_by("legal_name")


def read(user: Viewer, organisation_id: str) -> Organisation:
    """Read one organisation; raises NotFound for a stranger's, as for one that does not exist."""
    organisation = visible_to(user).filter(pk=organisation_id).first()
    if organisation is None:
        raise NotFound(_("there is no such organisation."), remedy=_("Look at the list of organisations."))
    return organisation


def members_of(organisation: Organisation) -> QuerySet[Membership]:
    """List who belongs to an organisation, managers first."""
    return organisation.memberships.select_related("user").order_by("-is_manager", "user__name")


def is_name_taken(legal_name: str) -> bool:
    """Say whether an organisation of this name exists, small and capital letters aside."""
    return Organisation.objects.filter(legal_name__iexact=legal_name).exists()


def has_other_manager(membership: Membership) -> bool:
    """Say whether somebody besides this member manages the organisation."""
    managers = Membership.objects.filter(organisation=membership.organisation_id, is_manager=True)
    return managers.exclude(pk=membership.pk).exists()


def read_member(organisation: Organisation, user_id: str) -> Membership:
    """Read one membership; raises NotFound."""
    membership = members_of(organisation).filter(user=user_id).first()
    if membership is None:
        raise NotFound(_("this person does not belong to the organisation."))
    return membership
