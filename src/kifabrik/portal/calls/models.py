"""Tables of calls: calls, proposals, checks, decisions and awards."""

from functools import partial

from django.db import models
from django.db.models import F, Q

from kifabrik.core.ids import new_id
from kifabrik.funding.states import ProposalState
from kifabrik.portal.people.models import Organisation, User


class Call(models.Model):
    """A call for proposals; the rules of its access mode are frozen into `mode_rules` when it is made."""

    id = models.SlugField(primary_key=True, max_length=64)
    title_en = models.CharField(max_length=200)
    title_de = models.CharField(max_length=200)
    summary_en = models.TextField(blank=True)
    summary_de = models.TextField(blank=True)
    mode_code = models.CharField(max_length=32)
    mode_version = models.CharField(max_length=32)
    mode_rules = models.JSONField(help_text="funding.reference.AccessMode as it was when the call was made")
    system_codes = models.JSONField(help_text="codes of the systems that can be asked for")
    capacity_gpu_seconds = models.BigIntegerField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True, blank=True, help_text="empty = permanent")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-opens_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(capacity_gpu_seconds__gte=0), name="call_capacity_not_negative"),
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True) | Q(closes_at__gt=F("opens_at")), name="call_closes_after_opening"
            ),
        )


class Proposal(models.Model):
    """What an applicant submits; `answers` is checked by funding.proposal.ProposalAnswers at every door."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "proposal"), editable=False)
    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="proposals")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="proposals")
    principal_investigator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="proposals")
    title = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=16, default=ProposalState.DRAFT)
    answers = models.JSONField(default=dict, help_text="raw answers while a draft, a whole record once submitted")
    answers_digest = models.CharField(max_length=80, blank=True)
    version = models.PositiveIntegerField(default=1, help_text="counts saves of the draft, against lost updates")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-changed_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in ProposalState]), name="known_proposal_state"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"]) | Q(submitted_at__isnull=False),
                name="submitted_proposal_has_moment",
            ),
        )


class Check(models.Model):
    """One check of a submitted proposal, by rule or by a person; never changed once made."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="checks")
    kind = models.CharField(max_length=16, choices=[("eligibility", "eligibility"), ("technical", "technical")])
    outcome = models.CharField(max_length=16, choices=[("passed", "passed"), ("failed", "failed")])
    findings = models.JSONField(help_text="list of core.findings.Finding, each with message_de and remedy_de beside it")
    reasons = models.TextField(blank=True)
    accepted_gpu_seconds = models.BigIntegerField(null=True, blank=True)
    system_code = models.CharField(max_length=64, blank=True)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "id")
        constraints = (models.UniqueConstraint(fields=("proposal", "kind"), name="one_check_of_a_kind"),)


class Decision(models.Model):
    """The reasoned, immutable outcome of a proposal, with the letter as it was sent."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "decision"), editable=False)
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="decision")
    outcome = models.CharField(max_length=16, choices=[(s, s) for s in ("awarded", "rejected", "ineligible")])
    reasons = models.TextField()
    letter_en = models.TextField()
    letter_de = models.TextField()
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Award(models.Model):
    """A decision that gives resources."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "award"), editable=False)
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="award")
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="award")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="awards")
    system_code = models.CharField(max_length=64)
    gpu_seconds = models.BigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    is_public = models.BooleanField(default=False, help_text="the applicant allowed to show the award to everybody")
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-starts_on", "id")
        constraints = (
            models.CheckConstraint(condition=Q(gpu_seconds__gt=0), name="award_is_positive"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="award_ends_after_start"),
        )
