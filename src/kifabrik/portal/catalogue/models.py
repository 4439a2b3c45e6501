"""Tables of the catalogue: datasets, their versions and what is declared of them, registered models and releases."""

from functools import partial

from django.db import models
from django.db.models import Q

from kifabrik.core.ids import new_id
from kifabrik.portal.compute.models import Run
from kifabrik.portal.people.models import Organisation, User


class Dataset(models.Model):
    """A name under which an organisation keeps dataset versions."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "dataset"), editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="datasets")
    name = models.SlugField(max_length=64)
    is_public = models.BooleanField(default=False, help_text="the cards, never the documents")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("organisation", "name"), name="one_dataset_of_a_name"),)


class DatasetVersion(models.Model):
    """One immutable, checked state of a dataset."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "dsv"), editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=80)
    card = models.JSONField(help_text="records.DatasetCard")
    summary = models.JSONField(default=dict, help_text="what lists show, so that they need not read whole cards")
    files = models.JSONField(help_text="[{path, digest, size_bytes}] of the dataset folder, card included")
    registered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()

    class Meta:
        ordering = ("dataset", "-number")
        constraints = (
            models.UniqueConstraint(fields=("dataset", "number"), name="one_dataset_version_of_a_number"),
            models.UniqueConstraint(fields=("dataset", "digest"), name="one_dataset_version_of_a_digest"),
        )


class FindingAcceptance(models.Model):
    """A named person accepts a serious finding of a dataset version, with a reason."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="acceptances")
    code = models.CharField(max_length=100, help_text="code of the finding")
    where = models.CharField(max_length=300, blank=True)
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("version", "code", "where"), name="one_acceptance"),)


class SampledFinding(models.Model):
    """One row of a random sample of findings, which a person judges in context; never the found value itself."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="sample")
    kind = models.CharField(max_length=64)
    rank = models.PositiveIntegerField(help_text="place in the random order of its kind, from 1")
    document = models.CharField(max_length=1000)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    tier = models.PositiveSmallIntegerField()
    country = models.CharField(max_length=2, blank=True)
    digest = models.CharField(max_length=80, help_text="keyed digest of the value; the key is the organisation's")
    is_true = models.BooleanField(null=True, blank=True, help_text="None until a person has judged it")
    judged_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("version", "kind", "rank")
        constraints = (
            models.UniqueConstraint(fields=("version", "kind", "rank"), name="one_sampled_finding_of_a_rank"),
            models.CheckConstraint(
                condition=Q(is_true__isnull=True, judged_at__isnull=True)
                | Q(is_true__isnull=False, judged_at__isnull=False, judged_by__isnull=False),
                name="judgement_has_person_and_moment",
            ),
        )


class ProcessingRecord(models.Model):
    """What an organisation declares about the personal data in a dataset; each change is a new row."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="processing_records")
    role = models.CharField(
        max_length=10, choices=[(r, r) for r in ("none", "controller", "processor", "unknown")], default="unknown"
    )
    legal_basis = models.CharField(max_length=200, blank=True)
    purpose = models.TextField(blank=True)
    retention_until = models.DateField(null=True, blank=True)
    special_categories = models.CharField(
        max_length=8, choices=[(s, s) for s in ("none", "present", "unknown")], default="unknown"
    )
    circumstances = models.JSONField(
        default=list, help_text="codes of criteria of WP 248 that the organisation declares"
    )
    assessment = models.CharField(
        max_length=10, choices=[(s, s) for s in ("open", "done", "not-needed")], default="open"
    )
    assessment_note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("dataset", "-id")


class ErasureRequest(models.Model):
    """A search for one person's values by keyed digests, what was found, and what the organisation decided."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "erase"), editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="erasure_requests")
    reference = models.CharField(max_length=120, help_text="the organisation's own file number, never a name")
    received_on = models.DateField()
    key_id = models.CharField(max_length=80, help_text="names the key under which the digests were made")
    digests = models.JSONField(help_text="keyed digests of the person's values")
    found = models.JSONField(help_text="queries.erasure.Places as it was at the search")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    decision = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(decision="", decided_at__isnull=True)
                | (~Q(decision="") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="erasure_decision_has_person_and_moment",
            ),
        )


class RegisteredModel(models.Model):
    """A name in the catalogue under which releases are published."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "model"), editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="registered_models")
    name = models.SlugField(max_length=64, unique=True)
    summary = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)


class Release(models.Model):
    """One published version of a registered model, with its signed passport; never changed, only revoked."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "release"), editable=False)
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="release")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="releases")
    state = models.CharField(max_length=10, choices=[(s, s) for s in ("candidate", "released", "revoked")])
    is_public = models.BooleanField(default=False)
    passport = models.JSONField(null=True, blank=True, help_text="records.Passport, once signed")
    key_id = models.CharField(max_length=80, blank=True, help_text="digest of the public key that signed")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    released_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("model", "-number")
        constraints = (
            models.UniqueConstraint(fields=("model", "number"), name="one_release_of_a_number"),
            models.CheckConstraint(
                condition=Q(state="candidate") | Q(released_at__isnull=False), name="release_has_moment"
            ),
            models.CheckConstraint(condition=Q(state__in=["candidate", "released", "revoked"]), name="known_release"),
        )


class GateWaiver(models.Model):
    """A named person takes a red or missing test of a release candidate upon himself; a new one follows an expired."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="waivers")
    test = models.CharField(max_length=64)
    reason = models.TextField()
    expires_on = models.DateField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(fields=("release", "test", "expires_on"), name="one_waiver_of_a_test_and_end"),
        )


class TrialWindow(models.Model):
    """How often one visitor tried models within one minute; the visitor is a digest, never an address."""

    visitor = models.CharField(primary_key=True, max_length=80)
    started_at = models.DateTimeField()
    used = models.PositiveIntegerField()
