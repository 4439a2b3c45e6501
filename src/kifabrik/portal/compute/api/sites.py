"""Sites for programs of their operators: register one, read its health, make a token for its agent."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from kifabrik.portal.compute.api.doors import person
from kifabrik.portal.compute.api.schemas.sites import (
    ClusterUserIn,
    ClusterUserOut,
    SiteFindingOut,
    SiteIn,
    SiteOut,
    TokenOut,
)
from kifabrik.portal.compute.queries.cluster_users import get_person_at, list_cluster_users
from kifabrik.portal.compute.queries.findings import list_findings
from kifabrik.portal.compute.queries.sites import get_managed_site, get_site, list_sites
from kifabrik.portal.compute.services import cluster_users
from kifabrik.portal.compute.services import sites as services
from kifabrik.portal.doors.listing import answer_page, listing
from kifabrik.portal.doors.paging import PAGE_SIZE, cut_page
from kifabrik.portal.people.authentication import signed_in
from kifabrik.portal.people.permissions import Scope

router = Router()
_read, _write = signed_in(Scope.READ), signed_in(Scope.WRITE)


@router.get("/sites", response=listing(SiteOut), auth=_read)
def list_all(request: HttpRequest, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the sites that the caller may see."""
    return answer_page(cut_page(list_sites(person(request)), number=page, size=size), SiteOut.of)


@router.post("/sites", response=SiteOut, auth=_write)
def register(request: HttpRequest, body: SiteIn) -> SiteOut:
    """Register a site."""
    site = services.register(
        by=person(request),
        code=body.code,
        name=body.name,
        system_code=body.system_code,
        unit=body.unit,
        devices=body.devices,
        now=timezone.now(),
    )
    return SiteOut.of(site)


@router.get("/sites/{code}", response=SiteOut, auth=_read)
def read(request: HttpRequest, code: str) -> SiteOut:
    """Read a site and when its agent was last heard of."""
    return SiteOut.of(get_site(person(request), code))


@router.post("/sites/{code}/tokens", response=TokenOut, auth=_write)
def issue_token(request: HttpRequest, code: str) -> TokenOut:
    """Make the secret of a site's agent; it is shown this once."""
    made = services.issue_token(by=person(request), site=get_site(person(request), code), now=timezone.now())
    return TokenOut(id=made.token.pk, token=made.secret)


@router.get("/sites/{code}/users", response=listing(ClusterUserOut), auth=_read)
def list_users(request: HttpRequest, code: str, page: int = 1, size: int = PAGE_SIZE) -> object:
    """List the people who have a user name at a site; for its operators."""
    site = get_managed_site(person(request), code)
    return answer_page(cut_page(list_cluster_users(site), number=page, size=size), ClusterUserOut.of)


@router.put("/sites/{code}/users/{person_id}", response=ClusterUserOut, auth=_write)
def name_user(request: HttpRequest, code: str, person_id: str, body: ClusterUserIn) -> ClusterUserOut:
    """Say under which unix user name a person works at a site."""
    site = get_managed_site(person(request), code)
    row = cluster_users.set_name(
        by=person(request),
        site=site,
        person=get_person_at(site, person_id),
        user_name=body.user_name,
        now=timezone.now(),
    )
    return ClusterUserOut.of(row)


@router.delete("/sites/{code}/users/{person_id}", auth=_write)
def remove_user(request: HttpRequest, code: str, person_id: str) -> HttpResponse:
    """Forget the user name of a person at a site; its agent no longer lets them in."""
    site = get_managed_site(person(request), code)
    cluster_users.remove(by=person(request), site=site, person=get_person_at(site, person_id), now=timezone.now())
    return HttpResponse(status=204)


@router.get("/sites/{code}/findings", response=listing(SiteFindingOut), auth=_read)
def read_findings(
    request: HttpRequest, code: str, is_open: bool | None = None, page: int = 1, size: int = PAGE_SIZE
) -> object:
    """List what the agent of a site finds wrong there, open or over; for its operators."""
    site = get_managed_site(person(request), code)
    return answer_page(cut_page(list_findings(site, is_open=is_open), number=page, size=size), SiteFindingOut.of)
