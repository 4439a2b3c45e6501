"""REST operations of people: tokens, oneself, organisations and the audit log."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema, Status

from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.networks import network_of
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import Principal, signed_in
from kifabrik.portal.people.models import AccessToken, AuditEvent, Membership, Organisation
from kifabrik.portal.people.permissions import Permission, Role, Scope
from kifabrik.portal.people.queries import audit as audit_rows
from kifabrik.portal.people.queries import organisations as organisation_rows
from kifabrik.portal.people.queries.access import may, require
from kifabrik.portal.people.queries.people import find_by_email
from kifabrik.portal.people.queries.profiles import memberships_of, roles_of, tokens_of
from kifabrik.portal.people.services import organisations, sign_ins, tokens
from kifabrik.portal.people.services.audit import verify_chain

router = Router(tags=["people"])


class PersonRequest(HttpRequest):
    """A request that passed `signed_in`: it carries its principal."""

    auth: Principal


class Credentials(Schema):
    """What a program gives once to get a token."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    name: str = Field("command line", max_length=100)
    scopes: list[Scope] = [Scope.READ, Scope.WRITE]
    site_code: str = Field("", max_length=64)
    expires_at: datetime | None = None


class NewTokenOut(Schema):
    """A fresh token; `token` is the secret, shown this once."""

    id: str
    token: str


class TokenOut(Schema):
    """A token without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    site_code: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class RoleOut(Schema):
    """A role, limited to a site if it names one."""

    role: Role
    site_code: str


class MembershipOut(Schema):
    """An organisation and one's part in it."""

    organisation: str
    legal_name: str
    is_manager: bool


class Me(Schema):
    """Who one is, what one may do, and for which organisations."""

    id: str
    email: str
    name: str
    language: str
    roles: list[RoleOut]
    organisations: list[MembershipOut]
    permissions: list[Permission]
    scopes: list[Scope]
    site_code: str


class OrganisationIn(Schema):
    """A new organisation; `country` is ISO 3166-1 alpha-2."""

    legal_name: str = Field(max_length=200)
    country: str = Field(max_length=2)
    kind: str = Field(max_length=40)
    register_number: str = Field("", max_length=80)
    vat_number: str = Field("", max_length=40)


class OrganisationOut(Schema):
    """An organisation."""

    id: str
    legal_name: str
    country: str
    kind: str
    register_number: str
    vat_number: str
    created_at: datetime


class MemberIn(Schema):
    """Somebody with an account who joins an organisation."""

    email: str
    is_manager: bool = False


class MemberOut(Schema):
    """A member of an organisation."""

    user: str
    name: str
    email: str
    is_manager: bool
    since_at: datetime


class AuditEventOut(Schema):
    """One line of the audit log."""

    sequence: int
    at: datetime
    actor: str
    actor_id: str
    verb: str
    object_kind: str
    object_id: str
    organisation_id: str
    details: dict[str, object]
    previous_digest: str
    digest: str


class ChainOut(Schema):
    """What a walk along the chain of the audit log saw."""

    is_whole: bool
    rows: int
    head: str
    first_bad: int | None
    reason: str


@router.post("/tokens", response={201: NewTokenOut}, auth=None, summary="Get a token for e-mail and password")
def create_token(request: HttpRequest, body: Credentials) -> Status[NewTokenOut]:
    """Check the password as at the sign-in page, failures counted, and make a token."""
    now = timezone.now()
    user = sign_ins.sign_in(
        request=request, email=body.email, password=body.password, network=network_of(request), now=now
    )
    new = tokens.create(
        by=user, name=body.name, scopes=body.scopes, site_code=body.site_code, expires_at=body.expires_at, now=now
    )
    return Status(201, NewTokenOut(id=new.token.pk, token=new.secret))


@router.get("/tokens", response=listing(TokenOut), auth=signed_in(Scope.READ), summary="List your tokens")
def list_tokens(request: PersonRequest, page: int = 1) -> dict[str, object]:
    """List one's own tokens, never their secrets."""
    return answer_page(cut_page(tokens_of(request.auth.user), number=page), _token_out)


@router.post("/tokens/{token_id}/revoke", response=TokenOut, auth=signed_in(Scope.WRITE), summary="Revoke a token")
def revoke_token(request: PersonRequest, token_id: str) -> TokenOut:
    """End one of one's own tokens."""
    return _token_out(tokens.revoke(by=request.auth.user, token_id=token_id, now=timezone.now()))


@router.get("/me", response=Me, auth=signed_in(Scope.READ), summary="Who you are")
def show_me(request: PersonRequest) -> Me:
    """Tell a program whom it acts for and what it may do."""
    user = request.auth.user
    return Me(
        id=user.pk,
        email=user.email,
        name=user.name,
        language=user.language,
        roles=[RoleOut(role=Role(row.role), site_code=row.site_code) for row in roles_of(user)],
        organisations=[_membership_out(row) for row in memberships_of(user)],
        permissions=[permission for permission in Permission if may(user, permission)],
        scopes=sorted(request.auth.scopes),
        site_code=request.auth.site_code,
    )


@router.get(
    "/organisations", response=listing(OrganisationOut), auth=signed_in(Scope.READ), summary="List organisations"
)
def list_organisations(request: PersonRequest, page: int = 1) -> dict[str, object]:
    """List one's own organisations, or all for those who look after people."""
    rows = organisation_rows.visible_to(request.auth.user).order_by("legal_name")
    return answer_page(cut_page(rows, number=page), _organisation_out)


@router.post(
    "/organisations", response={201: OrganisationOut}, auth=signed_in(Scope.WRITE), summary="Make an organisation"
)
def create_organisation(request: PersonRequest, body: OrganisationIn) -> Status[OrganisationOut]:
    """Make an organisation and become its first manager."""
    organisation = organisations.create(by=request.auth.user, **body.dict(), now=timezone.now())
    return Status(201, _organisation_out(organisation))


@router.get(
    "/organisations/{organisation_id}", response=OrganisationOut, auth=signed_in(Scope.READ), summary="Read one"
)
def show_organisation(request: PersonRequest, organisation_id: str) -> OrganisationOut:
    """Read one organisation; a stranger's answers 404."""
    return _organisation_out(organisation_rows.read(request.auth.user, organisation_id))


@router.get(
    "/organisations/{organisation_id}/members",
    response=listing(MemberOut),
    auth=signed_in(Scope.READ),
    summary="List the members",
)
def list_members(request: PersonRequest, organisation_id: str, page: int = 1) -> dict[str, object]:
    """List who belongs to an organisation."""
    organisation = organisation_rows.read(request.auth.user, organisation_id)
    return answer_page(cut_page(organisation_rows.members_of(organisation), number=page), _member_out)


@router.post(
    "/organisations/{organisation_id}/members", response=MemberOut, auth=signed_in(Scope.WRITE), summary="Add a member"
)
def add_member(request: PersonRequest, organisation_id: str, body: MemberIn) -> MemberOut:
    """Add somebody with an account, or change whether they manage it."""
    by = request.auth.user
    organisation = organisation_rows.read(by, organisation_id)
    member = organisations.add_member(
        by=by,
        organisation=organisation,
        user=find_by_email(body.email),
        is_manager=body.is_manager,
        now=timezone.now(),
    )
    return _member_out(member)


@router.get("/audit", response=listing(AuditEventOut), auth=signed_in(Scope.READ), summary="Read the audit log")
def list_audit_events(
    request: PersonRequest, verb: str = "", actor: str = "", kind: str = "", object_id: str = "", page: int = 1
) -> dict[str, object]:
    """Read the audit log, newest line first; for auditors."""
    wanted = audit_rows.AuditFilter(verb=verb, actor=actor, kind=kind, object_id=object_id)
    return answer_page(cut_page(audit_rows.log_for(request.auth.user, wanted=wanted), number=page), _event_out)


@router.get("/audit/chain", response=ChainOut, auth=signed_in(Scope.READ), summary="Verify the audit log")
def verify_audit_log(request: PersonRequest, head: str = "") -> ChainOut:
    """Walk the whole log; with `head`, a digest noted earlier, a log that was cut off is found too."""
    require(request.auth.user, Permission.AUDIT_READ)
    report = verify_chain(expected_head=head)
    return ChainOut(
        is_whole=report.is_whole, rows=report.rows, head=report.head, first_bad=report.first_bad, reason=report.reason
    )


def _token_out(row: AccessToken) -> TokenOut:
    return TokenOut.from_orm(row)


def _organisation_out(row: Organisation) -> OrganisationOut:
    return OrganisationOut.from_orm(row)


def _event_out(row: AuditEvent) -> AuditEventOut:
    return AuditEventOut.from_orm(row)


def _membership_out(row: Membership) -> MembershipOut:
    return MembershipOut(
        organisation=row.organisation_id, legal_name=row.organisation.legal_name, is_manager=row.is_manager
    )


def _member_out(row: Membership) -> MemberOut:
    return MemberOut(
        user=row.user_id, name=row.user.name, email=row.user.email, is_manager=row.is_manager, since_at=row.since_at
    )
