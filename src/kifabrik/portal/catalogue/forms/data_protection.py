"""Forms about personal data: how they are processed, judging findings, searching for a person, deciding."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.passport.data_protection import Processing
from kifabrik.passport.data_protection_rules import data_protection_rules
from kifabrik.portal.people.models import Organisation

ROLES = [
    ("unknown", _("Not declared yet")),
    ("none", _("There are no personal data in it")),
    ("controller", _("Controller: we decide why and how")),
    ("processor", _("Processor: we work for somebody else who decides")),
]
SPECIAL = [
    ("unknown", _("Not declared yet")),
    ("none", _("None as far as we know")),
    ("present", _("Yes, there are some")),
]
ASSESSMENTS = [
    ("open", _("Not made yet")),
    ("done", _("Made")),
    ("not-needed", _("Not needed")),
]
CIRCUMSTANCES = {
    "evaluation": _("Persons are evaluated, scored or profiled"),
    "decisions": _("Automated decisions with legal or similarly significant effect follow"),
    "monitoring": _("Persons are monitored systematically"),
    "vulnerable": _("Children, patients, employees or other vulnerable persons are concerned"),
    "hindering": _("The processing can keep persons from a right, a service or a contract"),
}


def asked_circumstances() -> list[tuple[str, Any]]:
    """List the criteria that no program can find, in the reader's words."""
    return [
        (row.code, CIRCUMSTANCES.get(row.code, row.title)) for row in data_protection_rules().criteria if not row.known
    ]


class ProcessingForm(forms.Form):
    """The record of processing of one dataset, as Article 30 GDPR asks for it in short."""

    role = forms.ChoiceField(choices=ROLES, label=_("Your role for personal data in the texts"))
    legal_basis = forms.CharField(
        max_length=200,
        required=False,
        label=_("Legal basis"),
        help_text=_(
            "Article 6(1) GDPR, for example 6(1)(f); for special categories also the exception of Article 9(2)."
        ),
    )
    purpose = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Purpose"),
        help_text=_("What the texts are used for, in a sentence."),
    )
    retention_until = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        label=_("Kept until"),
        help_text=_("The day on which the copies are deleted. You are reminded when it has passed."),
    )
    special_categories = forms.ChoiceField(
        choices=SPECIAL,
        label=_("Special categories of personal data"),
        help_text=_("Health, belief, origin, opinions, sex life, biometric or genetic data (Article 9 GDPR)."),
    )
    circumstances = forms.MultipleChoiceField(
        choices=asked_circumstances,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("What holds for these texts"),
        help_text=_("Criteria of the guidelines on impact assessments (WP 248); the others are found on the card."),
    )
    assessment = forms.ChoiceField(choices=ASSESSMENTS, label=_("Data protection impact assessment"))
    assessment_note = forms.CharField(
        max_length=500,
        required=False,
        label=_("Where it lies, or why none is needed"),
    )

    def read(self) -> Processing:
        """Give what was filled in as the rules take it."""
        values = self.cleaned_data
        return Processing(**{**values, "circumstances": frozenset(values["circumstances"])})


class JudgementForm(forms.Form):
    """Whether one finding is what the check took it for."""

    is_true = forms.TypedChoiceField(
        choices=[("yes", _("Right")), ("no", _("False alarm"))], coerce=lambda word: word == "yes"
    )


class SearchForm(forms.Form):
    """A person's values as keyed digests; the values themselves never reach the portal."""

    organisation = forms.ModelChoiceField(queryset=Organisation.objects.none(), label=_("Organisation"))
    reference = forms.CharField(
        max_length=120,
        label=_("Your file number"),
        help_text=_("Not the person's name: it stays here and in the audit log."),
    )
    received_on = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        label=_("Day on which the person asked"),
    )
    key_id = forms.CharField(max_length=80, label=_("Name of the key"), help_text=_("key-…, as the command prints it."))
    digests = forms.CharField(
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        label=_("Keyed digests"),
        help_text=_("One in a line: hmac-sha256:… Never the person's address, number or name itself."),
    )

    def __init__(self, *args: Any, organisations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organisation"]
        field.queryset = organisations  # type: ignore[attr-defined]  # a ModelChoiceField
        if len(organisations) == 1:
            field.initial = organisations[0]


class DecisionForm(forms.Form):
    """What the organisation decided about a person's data, and why."""

    decision = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        label=_("What was decided and done"),
        help_text=_("What was deleted, which models are withdrawn or trained again, what stays and why."),
    )
