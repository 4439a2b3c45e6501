"""Reads of the audit log: the story of one object, and the whole log for those who may see it."""

from dataclasses import dataclass

from django.db.models import QuerySet

from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries.access import Viewer, require


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a reader looks for; an empty field asks for nothing."""

    verb: str = ""
    actor: str = ""
    kind: str = ""
    object_id: str = ""


def events_about(kind: str, object_id: str) -> QuerySet[AuditEvent]:
    """Tell the story of one object, oldest line first; `kind` is the table's name in lower case."""
    return AuditEvent.objects.filter(object_kind=kind, object_id=str(object_id)).order_by("sequence")


def log_for(user: Viewer, *, wanted: AuditFilter = AuditFilter()) -> QuerySet[AuditEvent]:
    """List the log, newest line first; raises Refused for everybody but auditors."""
    require(user, Permission.AUDIT_READ)
    rows = AuditEvent.objects.order_by("-sequence")
    if wanted.verb:
        rows = rows.filter(verb__startswith=wanted.verb)
    if wanted.actor:
        rows = rows.filter(actor__icontains=wanted.actor)
    if wanted.kind:
        rows = rows.filter(object_kind=wanted.kind)
    if wanted.object_id:
        rows = rows.filter(object_id=wanted.object_id)
    return rows
