"""Filters that put roles, scopes and kinds of organisations into words."""

from django import template

from kifabrik.portal.people.permissions import Role, Scope
from kifabrik.portal.people.words import KINDS, ROLE_DEEDS, ROLES, SCOPES

register = template.Library()


@register.filter
def role_label(role: str) -> str:
    """Name a role in the reader's words."""
    return str(ROLES[Role(role)])


@register.filter
def role_deeds(role: str) -> str:
    """Say what a role does."""
    return str(ROLE_DEEDS[Role(role)])


@register.filter
def scope_label(scope: str) -> str:
    """Say what a scope allows."""
    return str(SCOPES[Scope(scope)])


@register.filter
def kind_label(kind: str) -> str:
    """Name a kind of organisation in the reader's words."""
    return str(KINDS.get(kind, kind))
