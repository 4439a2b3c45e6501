"""Forms of releases: propose, waive, publish, revoke, try."""

from django import forms
from django.core.validators import validate_slug
from django.utils.translation import gettext_lazy as _

from kifabrik.portal.catalogue.services.trials import PROMPT_LENGTH_MAX, TOKENS_MAX


class CandidateForm(forms.Form):
    """The name under which a run's model goes into the catalogue."""

    model_name = forms.CharField(
        max_length=64,
        validators=[validate_slug],
        label=_("Name of the model"),
        help_text=_("Small letters, digits and hyphens. A name used before gets the next release number."),
    )
    summary = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("What is it for, in a sentence or two?"),
    )


class WaiveForm(forms.Form):
    """The reason and the end of a waiver."""

    test = forms.CharField(max_length=64, widget=forms.HiddenInput)
    reason = forms.CharField(
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Why is the release right all the same?"),
        help_text=_("Your name, this reason and the end become part of the signed passport."),
    )
    expires_on = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), label=_("Until which day?")
    )


class PublishForm(forms.Form):
    """Who may see the release."""

    is_public = forms.BooleanField(
        required=False,
        label=_("Everybody may see, try and download this release"),
        help_text=_("Otherwise only the members of your organisation and the people who run the factory."),
    )


class RevokeForm(forms.Form):
    """Why a release is withdrawn."""

    reason = forms.CharField(
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("What must people who use the model know?"),
    )


class TrialForm(forms.Form):
    """What the model is asked."""

    prompt = forms.CharField(
        max_length=PROMPT_LENGTH_MAX,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        label=_("Begin a text; the model goes on"),
    )
    tokens_max = forms.IntegerField(
        min_value=1, max_value=TOKENS_MAX, initial=96, label=_("How long may the answer be, in tokens?")
    )
    temperature = forms.FloatField(
        min_value=0,
        max_value=2,
        initial=0.7,
        label=_("How freely may it choose words?"),
        help_text=_("0 = always the likeliest word, 1 = as learned."),
        widget=forms.NumberInput(attrs={"step": "0.1"}),
    )
