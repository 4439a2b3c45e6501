"""Tables of sites: where allocations live, under which name people are known there, and what the agents find."""

from functools import partial

from django.db import models
from django.db.models import Q

from kifabrik.core.findings import Severity
from kifabrik.core.ids import new_id
from kifabrik.portal.people.models import User


class Site(models.Model):
    """Where allocations live; its agent calls us, we never call it."""

    code = models.SlugField(primary_key=True, max_length=64)
    name = models.CharField(max_length=200)
    system_code = models.CharField(max_length=64, help_text="a system of the reference data")
    unit = models.CharField(max_length=8, choices=[("GPU", "GPU"), ("CPU", "CPU")], help_text="what one second counts")
    devices = models.PositiveIntegerField(default=1, help_text="how many of them the site has")
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True, blank=True)
    agent_version = models.CharField(max_length=40, blank=True)
    allocations_token = models.CharField(
        max_length=40, blank=True, help_text="changes with every change of its allocations and cluster users"
    )
    accounted_until = models.DateTimeField(
        null=True, blank=True, help_text="every job that ended before it is booked; empty without accounting"
    )

    class Meta:
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(condition=Q(unit__in=["GPU", "CPU"]), name="known_site_unit"),
            models.CheckConstraint(condition=Q(devices__gte=1), name="site_has_devices"),
        )


class ClusterUser(models.Model):
    """The unix user name of a person at a site, as its operator gave it."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="cluster_users")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="cluster_users")
    user_name = models.CharField(max_length=32)
    set_at = models.DateTimeField()

    class Meta:
        ordering = ("user_name",)
        constraints = (
            models.UniqueConstraint(fields=("site", "person"), name="one_user_name_of_a_person"),
            models.UniqueConstraint(fields=("site", "user_name"), name="one_person_of_a_user_name"),
        )


class SiteFinding(models.Model):
    """Something the agent of a site found wrong there; open until a report no longer names it."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "find"), editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="findings")
    code = models.CharField(max_length=100)
    severity = models.CharField(max_length=16, choices=[(severity, severity) for severity in Severity])
    message = models.CharField(max_length=500)
    where = models.CharField(max_length=200, blank=True)
    remedy = models.CharField(max_length=500, blank=True)
    reference = models.CharField(max_length=300, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-first_seen_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("site", "code", "where"),
                condition=Q(closed_at__isnull=True),
                name="one_open_finding_of_a_place",
            ),
            models.CheckConstraint(condition=Q(severity__in=[str(s) for s in Severity]), name="known_finding_severity"),
        )
