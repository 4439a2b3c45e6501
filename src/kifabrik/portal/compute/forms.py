"""Forms of this chapter: reasons, the life of an allocation, the facts of a site. The services check their meaning."""

from decimal import Decimal

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from kifabrik.funding.reference import systems
from kifabrik.portal.compute.queries.extensions import ExtensionOffer


class ReasonForm(forms.Form):
    """Why an allocation is paused or closed."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=300,
        help_text=_("One sentence; the members of the organisation read it."),
    )


class HandBackForm(forms.Form):
    """How many hours go back to the pool, and why."""

    hours = forms.DecimalField(
        label=_("Hours to hand back"), min_value=Decimal("0.001"), max_digits=12, decimal_places=3
    )
    reason = forms.CharField(label=_("Reason"), min_length=10, max_length=300)


class ExtensionForm(forms.Form):
    """A wish for a longer period or for more time, with the interim report."""

    kind = forms.ChoiceField(label=_("What is needed"), widget=forms.RadioSelect)
    report = forms.CharField(
        label=_("Interim report"),
        widget=forms.Textarea(attrs={"rows": 6}),
        min_length=100,
        max_length=4000,
        help_text=_("What was done, what is left to do, and why it needs the extension. 100 to 4,000 characters."),
    )

    def __init__(self, *args: object, offer: ExtensionOffer, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]  # handed on as they came
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
        day = date_format(offer.ends_on, "DATE_FORMAT")
        field.choices = [
            (
                "months",
                ngettext(
                    "A longer period: %(count)s month more, until %(day)s",
                    "A longer period: %(count)s months more, until %(day)s",
                    offer.months,
                )
                % {"count": offer.months, "day": day},
            ),
            ("percent", _("More time: %(percent)s %% of what was awarded") % {"percent": offer.percent}),
        ]


class DecisionForm(forms.Form):
    """What is decided about an extension, and why."""

    grant = forms.ChoiceField(
        label=_("Decision"),
        widget=forms.RadioSelect,
        choices=[("yes", _("Grant the extension")), ("no", _("Refuse the extension"))],
    )
    reasons = forms.CharField(
        label=_("Reasons"),
        widget=forms.Textarea(attrs={"rows": 4}),
        min_length=10,
        max_length=1000,
        help_text=_("The members of the organisation read them."),
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
