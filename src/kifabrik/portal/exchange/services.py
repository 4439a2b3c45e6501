"""Asking the experts, taking a question, answering and closing it. Knows no page."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, InvalidInput, Refused
from kifabrik.portal.exchange.models import SupportMessage, SupportRequest
from kifabrik.portal.exchange.queries import Subject, belongs_to
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit

TEXT_LENGTH_MAX = 10_000


def ask(
    *, by: User, organisation: Organisation, subject: str, text: str, about: Subject | None = None, now: datetime
) -> SupportRequest:
    """Ask the experts a question for one's organisation, about one of its things or about nothing in particular.

    Raises Refused without the right or membership, InvalidInput for empty words or a thing of somebody else.
    """
    access.require(by, Permission.SUPPORT_ASK)
    if not access.is_member(by, organisation):
        raise Refused(_("You can only ask for an organisation you belong to."), where="organisation")
    subject, about = subject.strip(), about or Subject()
    if not 3 <= len(subject) <= 200:
        raise InvalidInput(_("The subject needs 3 to 200 characters."), where="subject")
    if (about.kind or about.id) and not belongs_to(about, organisation):
        raise InvalidInput(_("Your organisation has no such thing to ask about."), where="about_id")
    text = _require_text(text)
    with transaction.atomic():
        request = SupportRequest.objects.create(
            organisation=organisation,
            asked_by=by,
            subject=subject,
            about_kind=about.kind,
            about_id=about.id,
            state="open",
            asked_at=now,
            changed_at=now,
        )
        SupportMessage.objects.create(request=request, by=by, at=now, text=text)
        _note(request, "support-request.asked", by=by, now=now)
    return request


def take(*, by: User, request: SupportRequest, now: datetime) -> SupportRequest:
    """Take a question as its expert; raises Refused without the right, Conflict if another expert has it."""
    access.require(by, Permission.SUPPORT_ANSWER)
    with transaction.atomic():
        request = _lock_open(request)
        if request.expert_id == by.pk:
            return request
        if request.expert_id is not None:
            raise Conflict(_("Another expert has taken this question."))
        request.expert, request.changed_at = by, now
        request.save(update_fields=["expert", "changed_at"])
        _note(request, "support-request.taken", by=by, now=now)
    return request


def answer(*, by: User, request: SupportRequest, text: str, now: datetime) -> SupportMessage:
    """Add a message: an expert's makes the request answered and takes it, the asking side's opens it again.

    Raises Refused for others, InvalidInput for empty words, Conflict once the request is closed.
    """
    is_asking_side = access.is_member(by, request.organisation_id)
    if not is_asking_side:
        access.require(by, Permission.SUPPORT_ANSWER)
    text = _require_text(text)
    with transaction.atomic():
        request = _lock_open(request)
        message = SupportMessage.objects.create(request=request, by=by, at=now, text=text)
        request.state, request.changed_at = "open" if is_asking_side else "answered", now
        if not is_asking_side and request.expert_id is None:
            request.expert = by
        request.save(update_fields=["state", "changed_at", "expert"])
        verb = "support-request.asked-again" if is_asking_side else "support-request.answered"
        _note(request, verb, by=by, now=now)
    return message


def close(*, by: User, request: SupportRequest, now: datetime) -> SupportRequest:
    """End a request; the asking side and the experts may, and closing twice is no error."""
    if not access.is_member(by, request.organisation_id):
        access.require(by, Permission.SUPPORT_ANSWER)
    with transaction.atomic():
        request = _lock(request)
        if request.state == "closed":
            return request
        request.state, request.changed_at = "closed", now
        request.save(update_fields=["state", "changed_at"])
        _note(request, "support-request.closed", by=by, now=now)
    return request


def _require_text(text: str) -> str:
    text = text.strip()
    if not text:
        raise InvalidInput(_("The message is empty."), where="text")
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidInput(
            _("The message is longer than %(count)s characters.") % {"count": TEXT_LENGTH_MAX}, where="text"
        )
    return text


def _lock(request: SupportRequest) -> SupportRequest:
    rows = SupportRequest.objects.select_for_update(of=("self",)).select_related("organisation")
    return rows.get(pk=request.pk)


def _lock_open(request: SupportRequest) -> SupportRequest:
    request = _lock(request)
    if request.state == "closed":
        raise Conflict(_("This request is closed."), remedy=_("Ask a new question; you can refer to this one."))
    return request


def _note(request: SupportRequest, verb: str, *, by: User, now: datetime) -> None:
    """Write the audit line; the words themselves stay in the request."""
    details = {"subject": request.subject, "state": request.state}
    audit.append(by=by, verb=verb, what=request, organisation=request.organisation, details=details, now=now)
