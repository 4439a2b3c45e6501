"""Addresses of the pages of this chapter."""

from django.urls import path

from kifabrik.portal.exchange import views

app_name = "exchange"
urlpatterns = [
    path("support/", views.list_support_requests, name="support"),
    path("support/new/", views.ask, name="ask"),
    path("support/<str:request_id>/", views.show_support_request, name="support-request"),
    path("support/<str:request_id>/messages/", views.add_message, name="add-message"),
    path("support/<str:request_id>/take/", views.take, name="take"),
    path("support/<str:request_id>/close/", views.close, name="close"),
]
