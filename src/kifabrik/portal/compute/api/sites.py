"""Sites for programs of their operators: register one, read its health, make a token for its agent."""

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from kifabrik.portal.compute.api.doors import person
from kifabrik.portal.compute.api.schemas.sites import SiteIn, SiteOut, TokenOut
from kifabrik.portal.compute.queries.sites import get_site, list_sites
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
