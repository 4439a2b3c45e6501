"""Forms of datasets."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AcceptForm(forms.Form):
    """The reason for which a named person answers for a serious finding."""

    code = forms.CharField(max_length=100, widget=forms.HiddenInput)
    where = forms.CharField(max_length=300, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Why is training on this right?"),
        help_text=_("Your name and this reason become part of the passport of every model made from these data."),
    )
