"""The filter that writes measured figures for people. Knows numbers only."""

from django import template

from kifabrik.portal.catalogue.queries.figures import significant

register = template.Library()
register.filter("significant", significant)
