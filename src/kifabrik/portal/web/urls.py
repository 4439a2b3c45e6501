"""Root addresses of the portal."""

from django.urls import include, path

from kifabrik.portal.web.api import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("kifabrik.portal.people.urls")),
    path("", include("kifabrik.portal.calls.urls")),
    path("", include("kifabrik.portal.compute.urls")),
    path("", include("kifabrik.portal.catalogue.urls")),
    path("", include("kifabrik.portal.exchange.urls")),
]
