"""Registers the chapter with Django."""

from django.apps import AppConfig


class ChapterConfig(AppConfig):
    """The chapter catalogue."""

    name = "kifabrik.portal.catalogue"
    label = "catalogue"
    default_auto_field = "django.db.models.BigAutoField"
