"""Reads of support requests, filtered by viewer: own organisation's for members, all for experts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Manager, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.catalogue.models import Dataset, Release
from kifabrik.portal.compute.models import Run
from kifabrik.portal.doors.needs import Need
from kifabrik.portal.exchange.models import SupportMessage, SupportRequest
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.queries.access import Viewer

# What a question can be about: the rows, the way to their organisation, and the page.
ABOUT: dict[str, tuple[Manager[Any], str, str]] = {
    "proposal": (Proposal.objects, "organisation", "calls:proposal"),
    "dataset": (Dataset.objects, "organisation", "catalogue:dataset"),
    "run": (Run.objects, "organisation", "compute:run"),
    "release": (Release.objects, "model__organisation", "catalogue:release"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question is about; empty for a question about nothing in particular."""

    kind: str = ""
    id: str = ""

    @property
    def url(self) -> str:
        """The page of the thing."""
        return reverse(ABOUT[self.kind][2], args=[self.id]) if self.kind in ABOUT else ""


def readable(viewer: Viewer) -> QuerySet[SupportRequest]:
    """List the support requests the viewer may read."""
    if access.may(viewer, Permission.SUPPORT_ANSWER):
        return SupportRequest.objects.all()
    return SupportRequest.objects.filter(organisation__in=access.organisations_of(viewer))


def list_requests(viewer: Viewer, *, state: str = "") -> QuerySet[SupportRequest]:
    """List readable requests, the one changed last first, with the number of their messages."""
    requests = readable(viewer).select_related("organisation", "asked_by", "expert")
    if state in {"open", "answered", "closed"}:
        requests = requests.filter(state=state)
    return requests.annotate(message_count=Count("messages")).order_by("-changed_at", "id")


def get_request(viewer: Viewer, request_id: str) -> SupportRequest:
    """Read a request the viewer may see; raises NotFound."""
    request = readable(viewer).select_related("organisation", "asked_by", "expert").filter(pk=request_id).first()
    if request is None:
        raise NotFound(_("There is no such support request."), where=request_id)
    return request


def list_messages(request: SupportRequest) -> Sequence[SupportMessage]:
    """List the messages of a request, oldest first."""
    return list(request.messages.select_related("by").order_by("at", "id"))


def subject_of(request: SupportRequest) -> Subject:
    """Say what a request is about."""
    return Subject(request.about_kind, request.about_id)


def belongs_to(subject: Subject, organisation: Organisation) -> bool:
    """Say whether the thing a question is about exists and belongs to the organisation that asks."""
    if subject.kind not in ABOUT:
        return False
    rows, owner, _page = ABOUT[subject.kind]
    return rows.filter(**{"pk": subject.id, owner: organisation}).exists()


def needs(user: User, *, now: datetime) -> list[Need]:  # noqa: ARG001  # the shape every chapter offers
    """Tell what waits for a person: answers to read, and for experts questions nobody else answers."""
    found: list[Need] = []
    own = SupportRequest.objects.filter(organisation__in=access.organisations_of(user), asked_by=user)
    for request in own.filter(state="answered").order_by("-changed_at")[:5]:
        title = _("Read the answer to “%(subject)s”") % {"subject": request.subject}
        found.append(Need(title, _("An expert has answered; close the request if it helped."), _url(request)))
    if not access.may(user, Permission.SUPPORT_ANSWER):
        return found
    waiting = SupportRequest.objects.filter(Q(expert=user) | Q(expert__isnull=True), state="open")
    for request in waiting.exclude(asked_by=user).select_related("organisation").order_by("asked_at")[:10]:
        title = _("Answer “%(subject)s”") % {"subject": request.subject}
        text = _("Asked by %(organisation)s.") % {"organisation": request.organisation.legal_name}
        found.append(Need(title, text, _url(request), weight=60))
    return found


def _url(request: SupportRequest) -> str:
    return reverse("exchange:support-request", args=[request.pk])
