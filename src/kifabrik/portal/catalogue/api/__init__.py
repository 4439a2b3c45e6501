"""REST operations of this chapter: datasets, starting runs, models and releases."""

from ninja import Router

from kifabrik.portal.catalogue.api import datasets, models, protection, releases, trainings

router = Router(tags=["catalogue"])
for part in (datasets, protection, trainings, models, releases):
    router.add_router("", part.router)
