"""Forms of support requests."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.portal.exchange.queries import ABOUT
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.queries.access import organisations_of


class OrganisationChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic while running
    """Shows organisations by their legal names."""

    def label_from_instance(self, obj: Any) -> str:
        """Name an organisation."""
        return str(obj.legal_name)


class AskForm(forms.Form):
    """A question to the experts."""

    organisation = OrganisationChoice(queryset=Organisation.objects.none(), label=_("For which organisation?"))
    subject = forms.CharField(max_length=200, min_length=3, label=_("What is it about, in a few words?"))
    text = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        label=_("Your question"),
        help_text=_("What did you want to do, what happened, and what have you tried?"),
    )
    about_kind = forms.ChoiceField(
        required=False, choices=[("", ""), *((kind, kind) for kind in ABOUT)], widget=forms.HiddenInput
    )
    about_id = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = organisations_of(user)
        field = self.fields["organisation"]
        assert isinstance(field, OrganisationChoice)  # noqa: S101  # declared above
        field.queryset = own
        if len(own) == 1:
            field.initial = own[0]


class MessageForm(forms.Form):
    """One more message of a request."""

    text = forms.CharField(max_length=10_000, widget=forms.Textarea(attrs={"rows": 5}), label=_("Your message"))
