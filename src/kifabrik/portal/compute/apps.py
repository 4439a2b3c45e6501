"""Registers the chapter with Django."""

from django.apps import AppConfig


class ChapterConfig(AppConfig):
    """The chapter compute."""

    name = "kifabrik.portal.compute"
    label = "compute"
    default_auto_field = "django.db.models.BigAutoField"
