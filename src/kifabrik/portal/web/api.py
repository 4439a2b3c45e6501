"""The REST API: one root, one router from each chapter, problem details for every error."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from kifabrik import __version__
from kifabrik.core.errors import KifabrikError
from kifabrik.portal.calls.api import router as calls
from kifabrik.portal.catalogue.api import router as catalogue
from kifabrik.portal.compute.api import router as compute
from kifabrik.portal.doors.problems import answer_error
from kifabrik.portal.exchange.api import router as exchange
from kifabrik.portal.people.api import router as people

api = NinjaAPI(title="Kifabrik", version=__version__, urls_namespace="api")
for router in (people, calls, compute, catalogue, exchange):
    api.add_router("", router)


@api.exception_handler(KifabrikError)
def answer_house_error(_: HttpRequest, error: KifabrikError) -> HttpResponse:
    """Answer an error of the house as problem details."""
    return answer_error(error)
