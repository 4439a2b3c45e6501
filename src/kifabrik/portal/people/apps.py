"""Registers the chapter with Django."""

from django.apps import AppConfig


class ChapterConfig(AppConfig):
    """The chapter people."""

    name = "kifabrik.portal.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"
