"""Reads of one's own account: roles, memberships and tokens."""

from django.db.models import QuerySet

from kifabrik.portal.people.models import AccessToken, Membership, RoleAssignment, User


def roles_of(user: User) -> QuerySet[RoleAssignment]:
    """List the roles a person holds."""
    return user.role_assignments.order_by("role", "site_code")


def memberships_of(user: User) -> QuerySet[Membership]:
    """List the organisations of a person with their part in it."""
    return user.memberships.select_related("organisation").order_by("organisation__legal_name")


def tokens_of(user: User) -> QuerySet[AccessToken]:
    """List a person's tokens, the newest first."""
    return user.access_tokens.order_by("-created_at", "-pk")
