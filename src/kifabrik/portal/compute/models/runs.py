"""Tables of runs: what should be and what is, their events, and the files they read and leave."""

from functools import partial

from django.db import models
from django.db.models import Q

from kifabrik.core.ids import new_id
from kifabrik.portal.compute.models.allocations import Allocation
from kifabrik.portal.compute.models.sites import Site
from kifabrik.portal.people.models import Organisation, User
from kifabrik.records.run_state import RunState

STREAM_MAX = 200


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
    # Repeated from an event with figures, so that a curve is thinned without reading all of them.
    stream = models.CharField(max_length=STREAM_MAX, blank=True, default="", help_text="<step>|<names of the figures>")
    training_step = models.BigIntegerField(null=True, help_text="the training step that the figures are about")

    class Meta:
        ordering = ("run", "sequence")
        constraints = (models.UniqueConstraint(fields=("run", "sequence"), name="one_event_of_a_number"),)
        indexes = (
            models.Index(fields=("run", "stream", "training_step"), condition=~Q(stream=""), name="figures_of_a_run"),
        )
