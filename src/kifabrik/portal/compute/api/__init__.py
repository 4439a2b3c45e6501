"""REST operations of this chapter: allocations, runs, files, sites, and the door of the site agents."""

from ninja import Router

from kifabrik.portal.compute.api import allocations, extensions, files, reconciliation, runs, site, sites

router = Router(tags=["compute"])
for part in (allocations, extensions, reconciliation, runs, files, sites, site):
    router.add_router("", part.router)
