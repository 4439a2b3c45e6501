"""The proposal form over a draft: fields from its answers, answers from its fields, rows of related enterprises."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import InvalidInput
from kifabrik.funding import reference
from kifabrik.portal.calls.forms.sections import Section, fill_in_limits, sections
from kifabrik.portal.calls.models import Proposal
from kifabrik.portal.calls.queries.calls import mode_of, systems_of
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.queries.access import Viewer, organisations_of

_SEPARATOR = "__"


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section with its bound fields, for the template."""

    section: Section
    fields: list[forms.BoundField]


class ProposalForm(forms.Form):
    """The nine sections; what is empty or wrong is reported, what is right can be saved all the same."""

    use_required_attribute = False

    def __init__(self, *args: Any, proposal: Proposal, **kwargs: Any) -> None:
        kwargs.setdefault("initial", _flatten(proposal.answers))
        super().__init__(*args, **kwargs)
        self.sections = sections()
        for section in self.sections:
            for name, field in section.fields.items():
                self.fields[f"{section.code}{_SEPARATOR}{name}"] = field
        fill_in_limits(self.fields["declarations__trust_text"])
        self._offer(proposal)

    def _offer(self, proposal: Proposal) -> None:
        """Offer the systems and durations of the call."""
        systems = [(code, system.name) for code, system in systems_of(proposal.call).items()]
        months = [(each, str(each)) for each in mode_of(proposal.call).durations_months]
        for name, choices in (
            ("resources__system_code", systems),
            ("resources__fallback_system_code", [("", _("none")), *systems]),
            ("resources__duration_months", months),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared in sections
            field.choices = choices

    def shown_sections(self) -> Iterator[ShownSection]:
        """Pair each section with its bound fields."""
        for section in self.sections:
            yield ShownSection(section, [self[f"{section.code}{_SEPARATOR}{name}"] for name in section.fields])

    def right_answers(self) -> dict[str, dict[str, Json]]:
        """The answers of all fields that are right; an emptied field is null, a wrong one is left out."""
        self.is_valid()  # cleans once; cleaning again would lose the errors of a service
        answers: dict[str, dict[str, Json]] = {}
        for section in self.sections:
            found = answers.setdefault(section.code, {})
            for name, field in section.fields.items():
                full = f"{section.code}{_SEPARATOR}{name}"
                if full in self.cleaned_data:
                    value = _plain(self.cleaned_data[full])
                    found[name] = None if value == "" and isinstance(field, forms.ChoiceField) else value
                elif not self.data.get(self.add_prefix(full), ""):
                    found[name] = None
        return answers

    def wrong_fields(self) -> list[forms.BoundField]:
        """The fields that are filled in but wrong, and are therefore not saved."""
        return [self[name] for name in self.errors if name in self.fields and self.data.get(self.add_prefix(name), "")]

    def take_error(self, error: InvalidInput) -> None:
        """Show an error of a service at the field it names, or above the form."""
        steps = error.where.split(".")
        name = _SEPARATOR.join(steps[:2])
        text = f"{error.message} {error.remedy}".strip()
        self.add_error(name if name in self.fields else None, text)


class RelatedForm(forms.Form):
    """One partner or linked enterprise."""

    use_required_attribute = False

    name = forms.CharField(label=_("Name"), max_length=200, min_length=2)
    share_percent = forms.FloatField(
        label=_("Share in percent"),
        min_value=0,
        max_value=100,
        help_text=_("The larger of capital and votes."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    has_control = forms.BooleanField(
        label=_("Controls you, or is controlled by you"), required=False, help_text=_("By contract or statutes.")
    )
    headcount = forms.FloatField(label=_("Staff"), min_value=0, widget=forms.NumberInput(attrs={"step": "any"}))
    turnover_euro = forms.IntegerField(label=_("Turnover in euro"), min_value=0)
    balance_euro = forms.IntegerField(label=_("Balance sheet total in euro"), min_value=0)
    is_public_body = forms.BooleanField(label=_("Is a public body"), required=False)
    exception = forms.ChoiceField(
        label=_("Exception"), required=False, help_text=_("Owners of up to 50 % that do not count.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["exception"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
        field.choices = [("", _("none")), *((code, EXCEPTIONS.get(code, code)) for code in _exception_codes())]


EXCEPTIONS = {
    "public-investment": _("public investment corporation"),
    "venture-capital": _("venture capital company"),
    "business-angel": _("business angels (together below EUR 1.25 million)"),
    "university": _("university or non-profit research centre"),
    "institutional-investor": _("institutional investor, regional fund"),
    "small-local-authority": _("small local authority"),
}


class AidForm(forms.Form):
    """De minimis aid received before."""

    use_required_attribute = False

    granted_on = forms.DateField(
        label=_("Granted on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    amount_euro = forms.IntegerField(label=_("Amount in euro"), min_value=0)
    authority = forms.CharField(label=_("By which authority"), max_length=200)


RelatedRows = forms.formset_factory(RelatedForm, extra=0, can_delete=True, max_num=50, validate_max=True)
AidRows = forms.formset_factory(AidForm, extra=0, can_delete=True, max_num=50, validate_max=True)


def rows_in(rows: Any, before: list[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """The right rows of a formset as answers; what the form does not ask (deeper relations) is kept by name."""
    known = {str(row.get("name")): row for row in before}
    found = []
    for form in rows.forms:
        if not form.is_valid() or (not form.has_changed() and not form.initial) or form.cleaned_data.get("DELETE"):
            continue
        values = {name: _plain(value) for name, value in form.cleaned_data.items() if name != "DELETE"}
        kept = {name: value for name, value in known.get(str(values.get("name")), {}).items() if name not in values}
        found.append({**kept, **values})
    return found


class OrganisationChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django's class is not generic
    """Shows organisations by their legal names."""

    def label_from_instance(self, obj: Any) -> str:
        """Name an organisation."""
        return str(obj.legal_name)


class NewProposalForm(forms.Form):
    """For which organisation a draft is begun."""

    organisation = OrganisationChoice(queryset=Organisation.objects.none(), label=_("For which organisation?"))

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = organisations_of(viewer)
        field = self.fields["organisation"]
        assert isinstance(field, OrganisationChoice)  # noqa: S101  # declared above
        field.queryset = own
        if len(own) == 1:
            field.initial = own[0]


def _exception_codes() -> list[str]:
    return [row.code for row in reference.sme_thresholds().exceptions]


def _flatten(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{section}{_SEPARATOR}{name}": value
        for section, fields in answers.items()
        if isinstance(fields, Mapping)
        for name, value in fields.items()
    }


def _plain(value: Any) -> Json:
    """Write a form's value as JSON; an empty text that no rule asks for stays an empty text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return list(value)
    plain: Json = value
    return plain
