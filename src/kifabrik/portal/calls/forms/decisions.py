"""Forms of the technical check, the decision, and a new call."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.core.quantities import hours_from_seconds, seconds_from_hours
from kifabrik.funding import reference
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.calls.queries.calls import mode_name, systems_of
from kifabrik.portal.calls.queries.proposals import asked_gpu_seconds
from kifabrik.portal.calls.queries.viewers import system_of

_REASONS_HELP = _(
    "The applicant reads this: what was looked at, and what speaks for the outcome (at least 20 characters)."
)


class TechnicalCheckForm(forms.Form):
    """The site's verdict on a proposal."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[("passed", _("It can run here")), ("failed", _("It cannot run here"))],
        widget=forms.RadioSelect,
    )
    system_code = forms.ChoiceField(label=_("System"), help_text=_("You may name another system of the call."))
    accepted_hours = forms.FloatField(
        label=_("Accepted hours"),
        help_text=_("At most what was asked for."),
        min_value=0,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    reasons = forms.CharField(
        label=_("Reasons"), help_text=_REASONS_HELP, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, proposal: Proposal, **kwargs: Any) -> None:
        self.asked = asked_gpu_seconds(proposal)
        initial = {"accepted_hours": hours_from_seconds(self.asked), "system_code": system_of(proposal)}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        field = self.fields["system_code"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
        field.choices = [(code, system.name) for code, system in systems_of(proposal.call).items()]

    @property
    def accepted_gpu_seconds(self) -> int:
        """The accepted amount; rounding hours never exceeds what was asked for."""
        seconds = seconds_from_hours(self.cleaned_data["accepted_hours"])
        return self.asked if abs(seconds - self.asked) <= 1 else seconds


class DecisionForm(forms.Form):
    """The programme's verdict on a proposal."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[("awarded", _("Award")), ("rejected", _("Reject"))],
        widget=forms.RadioSelect,
    )
    reasons = forms.CharField(
        label=_("Reasons"), help_text=_REASONS_HELP, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )


class CallForm(forms.Form):
    """A new call."""

    code = forms.SlugField(label=_("Code"), max_length=64, help_text=_("Part of its address, such as playground-2026."))
    mode_code = forms.ChoiceField(label=_("Access mode"), help_text=_("Its rules of today are kept with the call."))
    title_en = forms.CharField(label=_("Title in English"), max_length=200)
    title_de = forms.CharField(label=_("Title in German"), max_length=200)
    summary_en = forms.CharField(
        label=_("Summary in English"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    summary_de = forms.CharField(
        label=_("Summary in German"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    system_codes = forms.MultipleChoiceField(label=_("Systems"), widget=forms.CheckboxSelectMultiple)
    capacity_hours = forms.IntegerField(label=_("Hours to give in all"), min_value=1)
    opens_at = forms.DateTimeField(
        label=_("Opens"), widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    )
    closes_at = forms.DateTimeField(
        label=_("Closes"),
        required=False,
        help_text=_("Empty for a permanent call."),
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    size_max = forms.IntegerField(
        label=_("Largest size"), required=False, min_value=1, help_text=_("Only if it differs from the mode's.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (
            ("mode_code", [(code, mode_name(mode)) for code, mode in reference.access_modes().items()]),
            ("system_codes", [(code, system.name) for code, system in reference.systems().items()]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
            field.choices = choices
