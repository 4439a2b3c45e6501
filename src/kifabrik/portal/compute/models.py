"""Tables of compute: sites, allocations, the ledger, files, runs, attempts, events and usage."""

from functools import partial

from django.db import models
from django.db.models import F, Q

from kifabrik.core.ids import new_id
from kifabrik.ledger.transfers import TransferKind
from kifabrik.portal.calls.models import Award
from kifabrik.portal.people.models import Organisation, User
from kifabrik.records.run_state import RunState


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

    class Meta:
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(condition=Q(unit__in=["GPU", "CPU"]), name="known_site_unit"),
            models.CheckConstraint(condition=Q(devices__gte=1), name="site_has_devices"),
        )


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


class StoredFile(models.Model):
    """A file kept by its content digest; who holds it stands in FileHolding, who may read it follows from that."""

    digest = models.CharField(primary_key=True, max_length=80)
    size_bytes = models.BigIntegerField()
    stored_at = models.DateTimeField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(size_bytes__gte=0), name="stored_size_not_negative"),)


class FileHolding(models.Model):
    """An organisation, or a site on its way to report a result, has shown that it has the bytes of a stored file."""

    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="holdings")
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.PROTECT, related_name="file_holdings"
    )
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="file_holdings")
    since_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file", "organisation"), name="one_holding_of_an_organisation"),
            models.UniqueConstraint(fields=("file", "site"), name="one_holding_of_a_site"),
            models.CheckConstraint(
                condition=Q(organisation__isnull=True) ^ Q(site__isnull=True), name="holding_of_one_holder"
            ),
        )


class Run(models.Model):
    """One execution of a recipe inside an allocation: what should be (`wanted`) and what is (`state`)."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "run"), editable=False)
    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="runs")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="runs")
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="runs")
    name = models.CharField(max_length=64)
    recipe = models.JSONField(help_text="records.Recipe")
    recipe_digest = models.CharField(max_length=80)
    dataset_digest = models.CharField(max_length=80)
    inputs = models.JSONField(help_text="[{path, digest, size_bytes}]: the dataset folder, by content")
    estimate = models.JSONField(help_text="funding.estimate.Estimate as it was at the start")
    reserved_gpu_seconds = models.BigIntegerField(help_text="what one attempt reserves")
    time_limit_seconds = models.PositiveIntegerField()
    devices = models.PositiveIntegerField(default=1, help_text="how many of the site's devices one attempt holds")
    wanted = models.CharField(max_length=8, choices=[("run", "run"), ("stop", "stop")], default="run")
    state = models.CharField(max_length=12, choices=[(s, s) for s in RunState], default=RunState.REQUESTED)
    state_attempt = models.PositiveIntegerField(default=0, help_text="the attempt that `state` is about")
    reason = models.TextField(blank=True, help_text="why it ended as it did")
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="the newest attempt that reserved its time")
    job_id = models.CharField(max_length=100, blank=True, help_text="of the newest attempt, as the cluster names it")
    manifest = models.JSONField(null=True, blank=True, help_text="records.RunManifest, once finished")
    evaluation = models.JSONField(null=True, blank=True, help_text="records.EvaluationReport, once finished")
    outputs = models.JSONField(default=list, help_text="[{path, digest, size_bytes}] below the run folder")

    class Meta:
        ordering = ("-requested_at",)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in RunState]), name="known_run_state"),
            models.CheckConstraint(condition=Q(wanted__in=["run", "stop"]), name="known_run_wish"),
            models.CheckConstraint(condition=Q(reserved_gpu_seconds__gt=0), name="run_reserves_something"),
        )


class RunEventRow(models.Model):
    """One line of a run's `events.jsonl` as its agent reported it."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(
        max_length=16, help_text="records.EventKind, repeated from the event so that it can be found"
    )
    event = models.JSONField(help_text="records.RunEvent")

    class Meta:
        ordering = ("run", "sequence")
        constraints = (models.UniqueConstraint(fields=("run", "sequence"), name="one_event_of_a_number"),)


class Usage(models.Model):
    """What the cluster's accounting says one attempt consumed."""

    key = models.CharField(primary_key=True, max_length=100, help_text="<run>:<attempt>")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="usage")
    record = models.JSONField(help_text="records.UsageRecord")
    gpu_seconds = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("key",)
        constraints = (models.CheckConstraint(condition=Q(gpu_seconds__gte=0), name="usage_not_negative"),)
