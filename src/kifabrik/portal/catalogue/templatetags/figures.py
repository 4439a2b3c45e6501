"""The filters that write measured figures and the codes of cards for people. Knows no record."""

from django import template

from kifabrik.portal.catalogue.queries.figures import significant
from kifabrik.portal.catalogue.queries.names import name_kind

register = template.Library()
register.filter("significant", significant)
register.filter("kind_name", name_kind)
