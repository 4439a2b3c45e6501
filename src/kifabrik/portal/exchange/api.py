"""REST operations of this chapter."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status

from kifabrik.core.errors import NotFound
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.exchange import queries, services
from kifabrik.portal.exchange.models import SupportMessage, SupportRequest
from kifabrik.portal.people.authentication import Principal, signed_in
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Scope
from kifabrik.portal.people.queries.access import organisations_of

router = Router(tags=["exchange"])


class SupportRequestOut(Schema):
    """A support request in a list."""

    id: str
    organisation: str
    asked_by: str
    expert: str | None
    subject: str
    about_kind: str
    about_id: str
    state: str
    asked_at: datetime
    changed_at: datetime


class SupportMessageOut(Schema):
    """One message."""

    by: str
    at: datetime
    text: str


class SupportRequestPage(SupportRequestOut):
    """A support request with its messages."""

    messages: list[SupportMessageOut]


class SupportRequestIn(Schema):
    """A new question; `about_kind` is run, dataset, proposal, release or empty."""

    organisation: str
    subject: str
    text: str
    about_kind: str = ""
    about_id: str = ""


class MessageIn(Schema):
    """One more message."""

    text: str


@router.get("/support-requests", response=listing(SupportRequestOut), auth=signed_in())
def list_support_requests(request: HttpRequest, state: str = "", page: int = 1, size: int = PAGE_SIZE) -> object:
    """List one's own organisation's requests, for experts all of them."""
    return answer_page(cut_page(queries.list_requests(_user(request), state=state), number=page, size=size), _row)


@router.post("/support-requests", response={201: SupportRequestPage}, auth=signed_in(Scope.WRITE))
def ask(request: HttpRequest, body: SupportRequestIn) -> object:
    """Ask the experts."""
    organisation = organisations_of(_user(request)).filter(pk=body.organisation).first()
    if organisation is None:
        raise NotFound("there is no such organisation among yours.", where="organisation")
    asked = services.ask(
        by=_user(request),
        organisation=organisation,
        subject=body.subject,
        text=body.text,
        about=queries.Subject(body.about_kind, body.about_id),
        now=timezone.now(),
    )
    return Status(201, _whole(queries.get_request(_user(request), asked.pk)))


@router.get("/support-requests/{request_id}", response=SupportRequestPage, auth=signed_in())
def show_support_request(request: HttpRequest, request_id: str) -> object:
    """Show a request with its messages."""
    return _whole(queries.get_request(_user(request), request_id))


@router.post("/support-requests/{request_id}/messages", response={201: SupportMessageOut}, auth=signed_in(Scope.WRITE))
def add_message(request: HttpRequest, request_id: str, body: MessageIn) -> object:
    """Answer, or ask again."""
    found = queries.get_request(_user(request), request_id)
    message = services.answer(by=_user(request), request=found, text=body.text, now=timezone.now())
    return Status(201, _message(message))


@router.post("/support-requests/{request_id}/take", response=SupportRequestPage, auth=signed_in(Scope.WRITE))
def take(request: HttpRequest, request_id: str) -> object:
    """Take a request as its expert."""
    found = queries.get_request(_user(request), request_id)
    services.take(by=_user(request), request=found, now=timezone.now())
    return _whole(queries.get_request(_user(request), request_id))


@router.post("/support-requests/{request_id}/close", response=SupportRequestPage, auth=signed_in(Scope.WRITE))
def close(request: HttpRequest, request_id: str) -> object:
    """Close a request."""
    found = queries.get_request(_user(request), request_id)
    services.close(by=_user(request), request=found, now=timezone.now())
    return _whole(queries.get_request(_user(request), request_id))


def _user(request: HttpRequest) -> User:
    principal: Principal = request.auth  # type: ignore[attr-defined]  # set by the guard of the operation
    return principal.user


def _row(found: SupportRequest) -> dict[str, object]:
    return {
        "id": found.pk,
        "organisation": found.organisation_id,
        "asked_by": found.asked_by.name,
        "expert": found.expert.name if found.expert else None,
        "subject": found.subject,
        "about_kind": found.about_kind,
        "about_id": found.about_id,
        "state": found.state,
        "asked_at": found.asked_at,
        "changed_at": found.changed_at,
    }


def _whole(found: SupportRequest) -> dict[str, object]:
    return {**_row(found), "messages": [_message(message) for message in queries.list_messages(found)]}


def _message(message: SupportMessage) -> dict[str, object]:
    return {"by": message.by.name, "at": message.at, "text": message.text}
