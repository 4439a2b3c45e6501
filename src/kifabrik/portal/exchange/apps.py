"""Registers the chapter with Django."""

from django.apps import AppConfig


class ChapterConfig(AppConfig):
    """The chapter exchange."""

    name = "kifabrik.portal.exchange"
    label = "exchange"
    default_auto_field = "django.db.models.BigAutoField"
