"""Forms of this chapter: a reason, and the facts of a site. The services check what they mean."""

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.funding.reference import systems


class ReasonForm(forms.Form):
    """Why an allocation is paused or closed."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=300,
        help_text=_("One sentence; the members of the organisation read it."),
    )


class SiteForm(forms.Form):
    """The facts of a new site."""

    code = forms.SlugField(label=_("Code"), max_length=63, help_text=_("Small letters, digits and hyphens."))
    name = forms.CharField(label=_("Name"), max_length=200)
    system_code = forms.ChoiceField(
        label=_("System"), help_text=_("Awards name a system; they open where a site offers it.")
    )
    unit = forms.ChoiceField(
        label=_("Unit"), choices=[("GPU", _("GPU-hours")), ("CPU", _("CPU-hours"))], help_text=_("What is counted.")
    )
    devices = forms.IntegerField(label=_("Devices"), min_value=1, initial=1, help_text=_("How many the site has."))

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]  # handed on as they came
        field = self.fields["system_code"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
        field.choices = [(code, system.name) for code, system in sorted(systems().items())]
