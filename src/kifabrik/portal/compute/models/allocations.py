"""Tables of allocations: budgets with a period, their books, their alerts and the request to extend them."""

from functools import partial

from django.db import models
from django.db.models import F, Q

from kifabrik.core.ids import new_id
from kifabrik.ledger.transfers import TransferKind
from kifabrik.portal.calls.models import Award
from kifabrik.portal.compute.models.sites import Site
from kifabrik.portal.people.models import Organisation, User

ALERTS = ("used-50", "used-80", "used-95", "unused")
EXTENSION_KINDS = ("months", "percent")
EXTENSION_STATES = ("asked", "granted", "refused")


class Allocation(models.Model):
    """A budget of GPU time with a period, from an award, at a site; its balance is in the ledger."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "alloc"), editable=False)
    award = models.OneToOneField(Award, on_delete=models.PROTECT, related_name="allocation")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="allocations")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="allocations")
    state = models.CharField(max_length=8, choices=[(s, s) for s in ("open", "paused", "closed")], default="open")
    starts_on = models.DateField()
    ends_on = models.DateField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it is paused or closed")

    class Meta:
        ordering = ("-opened_at",)
        indexes = (models.Index(fields=("-opened_at", "-id"), name="allocations_newest_first"),)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=["open", "paused", "closed"]), name="known_allocation_state"),
            models.CheckConstraint(
                condition=Q(state="closed") ^ Q(closed_at__isnull=True), name="closed_allocation_has_moment"
            ),
        )


class LedgerTransfer(models.Model):
    """One immutable line of the books (see kifabrik.ledger); `key` makes booking it twice impossible."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "book"), editable=False)
    key = models.CharField(max_length=200, unique=True)
    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="transfers")
    number = models.PositiveIntegerField(help_text="counts the lines of one allocation from 1, in the order of booking")
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in TransferKind])
    debit = models.CharField(max_length=120, help_text="ledger account that gives")
    credit = models.CharField(max_length=120, help_text="ledger account that receives")
    gpu_seconds = models.BigIntegerField()
    reservation = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="settlements")
    run_id = models.CharField(max_length=40, blank=True, db_index=True)
    subject = models.CharField(
        max_length=160, blank=True, db_index=True, help_text="what used the time of a post: <run>:<attempt>, or a job"
    )
    at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("allocation", "number")
        constraints = (
            models.UniqueConstraint(fields=("allocation", "number"), name="one_transfer_of_a_number"),
            models.CheckConstraint(condition=Q(gpu_seconds__gte=0), name="transfer_not_negative"),
            models.CheckConstraint(condition=Q(kind__in=[str(k) for k in TransferKind]), name="known_transfer_kind"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_between_two_accounts"),
        )


class AllocationAlert(models.Model):
    """A mark that the use of an allocation has passed, or a warning of hours that will not be used; each once."""

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="alerts")
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in ALERTS])
    gpu_seconds = models.BigIntegerField(help_text="used at that moment, or expected to stay unused")
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(fields=("allocation", "kind"), name="one_alert_of_a_kind"),
            models.CheckConstraint(condition=Q(kind__in=ALERTS), name="known_alert"),
        )


class ExtensionRequest(models.Model):
    """The one request to extend an allocation, with its interim report and the decision about it."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "extend"), editable=False)
    allocation = models.OneToOneField(Allocation, on_delete=models.PROTECT, related_name="extension")
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in EXTENSION_KINDS])
    months = models.PositiveSmallIntegerField(default=0)
    gpu_seconds = models.BigIntegerField(default=0)
    report = models.TextField(help_text="the interim report: what was done, what is left to do")
    state = models.CharField(max_length=8, choices=[(state, state) for state in EXTENSION_STATES], default="asked")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reasons = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ("-asked_at",)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=EXTENSION_STATES), name="known_extension_state"),
            models.CheckConstraint(
                condition=Q(kind="months", months__gt=0, gpu_seconds=0)
                | Q(kind="percent", months=0, gpu_seconds__gt=0),
                name="extension_of_one_kind",
            ),
            models.CheckConstraint(
                condition=Q(state="asked", decided_at__isnull=True, reasons="")
                | (~Q(state="asked") & Q(decided_at__isnull=False) & ~Q(reasons="")),
                name="decided_extension_has_reasons",
            ),
        )
