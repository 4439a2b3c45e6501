"""Root addresses of the portal."""

from django.urls import include, path

from kifabrik.portal.web import views
from kifabrik.portal.web.api import api

web = [
    path("", views.show_home, name="home"),
    path("about/", views.show_about, name="about"),
    path("reference/", views.show_reference, name="reference"),
    path("language/", views.choose_language, name="language"),
]
urlpatterns = [
    path("api/v1/", api.urls),
    path("", include((web, "web"))),
    path("", include("kifabrik.portal.people.urls")),
    path("", include("kifabrik.portal.calls.urls")),
    path("", include("kifabrik.portal.catalogue.urls")),  # before compute: /runs/new/ is no run
    path("", include("kifabrik.portal.compute.urls")),
    path("", include("kifabrik.portal.exchange.urls")),
]
handler400 = "kifabrik.portal.web.views.show_bad_request"
handler403 = "kifabrik.portal.web.views.show_refused"
handler404 = "kifabrik.portal.web.views.show_not_found"
handler500 = "kifabrik.portal.web.views.show_failure"
