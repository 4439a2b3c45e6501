"""Tables of use: what agents report of attempts, what a cluster's accounting says of jobs, and the daily comparison."""

from functools import partial

from django.db import models
from django.db.models import Q

from kifabrik.core.ids import new_id
from kifabrik.ledger.reconciliation import Reason
from kifabrik.portal.compute.models.allocations import Allocation
from kifabrik.portal.compute.models.runs import Run
from kifabrik.portal.compute.models.sites import Site


class Usage(models.Model):
    """What the agent of a site says one attempt consumed: so far, or in all once it has ended."""

    key = models.CharField(primary_key=True, max_length=100, help_text="<run>:<attempt>")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="usage")
    record = models.JSONField(help_text="records.UsageRecord")
    gpu_seconds = models.BigIntegerField(help_text="as reported, in seconds of the scheduler's devices")
    is_final = models.BooleanField(default=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("key",)
        constraints = (models.CheckConstraint(condition=Q(gpu_seconds__gte=0), name="usage_not_negative"),)


class JobAccount(models.Model):
    """The newest that a cluster's accounting said of one job, in seconds of the scheduler's devices."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "job"), editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="jobs")
    cluster = models.CharField(max_length=64)
    job_id = models.CharField(max_length=64)
    submitted_at = models.DateTimeField()
    allocation = models.ForeignKey(Allocation, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs")
    subject = models.CharField(
        max_length=160, db_index=True, help_text="<run>:<attempt> of a run of the allocation, else this row"
    )
    run_id = models.CharField(max_length=40, blank=True, help_text="empty for a job that no run started")
    account = models.CharField(max_length=64)
    user_name = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=40)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    devices = models.PositiveIntegerField(default=0)
    gpu_seconds = models.BigIntegerField()
    cpu_seconds = models.FloatField(default=0)
    restarts = models.PositiveIntegerField(default=0)
    exit_code = models.IntegerField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("-submitted_at", "id")
        indexes = (models.Index(fields=("site", "changed_at"), condition=Q(ended_at=None), name="jobs_without_end"),)
        constraints = (
            models.UniqueConstraint(
                fields=("site", "cluster", "job_id", "submitted_at"), name="one_job_of_an_identity"
            ),
            models.CheckConstraint(condition=Q(gpu_seconds__gte=0), name="accounted_not_negative"),
        )


class Reconciliation(models.Model):
    """The comparison of a site's books with its accounting on one day; a day is compared once and never changed."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="reconciliations")
    day = models.DateField()
    made_at = models.DateTimeField()
    accounted_until = models.DateTimeField(null=True, blank=True)
    subjects = models.PositiveIntegerField()
    booked_gpu_seconds = models.BigIntegerField()
    accounted_gpu_seconds = models.BigIntegerField()

    class Meta:
        ordering = ("-day",)
        constraints = (models.UniqueConstraint(fields=("site", "day"), name="one_reconciliation_a_day"),)

    @property
    def difference(self) -> int:
        """Accounting less books in seconds of the site's unit."""
        return self.accounted_gpu_seconds - self.booked_gpu_seconds


class ReconciliationLine(models.Model):
    """One job or attempt of a daily comparison that differs or is worth knowing."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="lines")
    allocation = models.ForeignKey(
        Allocation, null=True, blank=True, on_delete=models.PROTECT, related_name="reconciliation_lines"
    )
    subject = models.CharField(max_length=160)
    run_id = models.CharField(max_length=40, blank=True)
    job_id = models.CharField(max_length=64, blank=True)
    user_name = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=40, blank=True)
    booked_gpu_seconds = models.BigIntegerField()
    accounted_gpu_seconds = models.BigIntegerField()
    reason = models.CharField(max_length=20, choices=[(reason, reason) for reason in Reason])

    class Meta:
        ordering = ("id",)

    @property
    def difference(self) -> int:
        """Accounting less books in seconds of the site's unit."""
        return self.accounted_gpu_seconds - self.booked_gpu_seconds
