"""Registers the web chapter, which has no tables, for its templates and static files."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The face that all chapters share."""

    name = "kifabrik.portal.web"
    label = "web"
