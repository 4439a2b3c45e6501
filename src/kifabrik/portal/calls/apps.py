"""Registers the chapter with Django."""

from django.apps import AppConfig


class ChapterConfig(AppConfig):
    """The chapter calls."""

    name = "kifabrik.portal.calls"
    label = "calls"
    default_auto_field = "django.db.models.BigAutoField"
