"""Addresses of the pages of this chapter."""

from django.urls import URLPattern

app_name = "catalogue"
urlpatterns: list[URLPattern] = []
