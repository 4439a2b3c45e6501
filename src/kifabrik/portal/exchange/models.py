"""Tables of exchange: questions to the factory's experts and the answers."""

from functools import partial

from django.db import models
from django.db.models import Q

from kifabrik.core.ids import new_id
from kifabrik.portal.people.models import Organisation, User


class SupportRequest(models.Model):
    """A question to the experts, seen by the organisation that asks and by the experts."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "support"), editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="support_requests")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expert = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=200)
    about_kind = models.CharField(max_length=40, blank=True, help_text="run, dataset, proposal, release")
    about_id = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=8, choices=[(s, s) for s in ("open", "answered", "closed")], default="open")
    asked_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("-changed_at",)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=["open", "answered", "closed"]), name="known_support_state"),
            models.CheckConstraint(
                condition=Q(about_kind__in=["", "run", "dataset", "proposal", "release"]), name="known_support_object"
            ),
        )


class SupportMessage(models.Model):
    """One message of a support request."""

    request = models.ForeignKey(SupportRequest, on_delete=models.PROTECT, related_name="messages")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ("at", "id")
