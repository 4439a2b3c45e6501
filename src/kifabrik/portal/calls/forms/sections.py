"""The nine sections of the short proposal form: which fields, their labels and help. Knows no row of the database.

A field's name is `<section>__<field>` of funding.proposal.ProposalAnswers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.funding.eligibility import TRUST_TEXT_MIN

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as Words  # the stubs know it, Django does not


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the form."""

    code: str
    title: "Words"
    help: "Words"
    fields: Mapping[str, forms.Field]


def _line(label: "Words", help_text: "Words" = "", *, required: bool = True, least: int = 2) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=required, min_length=least if required else None, max_length=200
    )


def _text(
    label: "Words",
    help_text: "Words" = "",
    *,
    required: bool = True,
    rows: int = 4,
    least: int = 2,
    most: int = 2000,
) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        min_length=least if required else None,
        max_length=most,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


def _whole(label: "Words", help_text: "Words" = "", *, least: int = 0) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=help_text, min_value=least)


def _number(label: "Words", help_text: "Words" = "") -> forms.FloatField:
    return forms.FloatField(
        label=label, help_text=help_text, min_value=0, widget=forms.NumberInput(attrs={"step": "any"})
    )


def _tick(label: "Words", help_text: "Words" = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, help_text=help_text, required=False)


def _choice(label: "Words", choices: list[tuple[str, "Words"]], help_text: "Words" = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, help_text=help_text, choices=choices, required=False)


def _day(label: "Words", help_text: "Words" = "", *, required: bool = True) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, help_text=help_text, required=required, widget=widget)


def sections() -> tuple[Section, ...]:
    """Make the sections with fresh fields."""
    return (
        _ask_organisation(),
        _ask_team(),
        _ask_project(),
        _ask_work(),
        _ask_data(),
        _ask_resources(),
        _ask_readiness(),
        _ask_outcome(),
        _ask_declarations(),
    )


def _ask_organisation() -> Section:
    return Section(
        "organisation",
        _("1 Your organisation"),
        _("The figures of the last closed year. They decide whether computing time is free for you."),
        {
            "headcount": _number(_("Staff"), _("Full-time equivalents over the year, owners who work included.")),
            "turnover_euro": _whole(_("Turnover in euro")),
            "balance_euro": _whole(_("Balance sheet total in euro")),
            "previous_size": _choice(
                _("Size class by the figures of the year before"),
                [
                    ("none", _("There was no year before")),
                    ("micro", _("Micro (fewer than 10)")),
                    ("small", _("Small (fewer than 50)")),
                    ("medium", _("Medium-sized (fewer than 250)")),
                    ("large", _("Large")),
                ],
                _("A class changes only after two years in a row."),
            ),
            "pic": _line(_("PIC"), _("Participant code of the EU funding portal."), required=False),
            "eu_project": _line(
                _("Horizon Europe or Digital Europe project"),
                _("Only if this work is part of one."),
                required=False,
            ),
        },
    )


def _ask_team() -> Section:
    return Section(
        "team",
        _("2 Principal investigator and team"),
        _("The person who answers for the work."),
        {
            "investigator_name": _line(_("Name")),
            "investigator_email": forms.EmailField(label=_("E-mail address")),
            "contract_is_permanent": _tick(_("The employment contract is permanent")),
            "contract_ends_on": _day(
                _("Otherwise: end of the contract"),
                _("It has to last three months longer than the allocation."),
                required=False,
            ),
            "members": _text(_("Others in the team"), required=False, rows=2),
        },
    )


def _ask_project() -> Section:
    return Section(
        "project",
        _("3 Project"),
        _("What it is about, for readers who do not know you."),
        {
            "title": _line(_("Title"), least=5),
            "summary": _text(_("Summary"), _("One paragraph, at least 50 characters."), least=50),
            "sector": _line(_("Sector"), _("For example health, machine building, software.")),
        },
    )


def _ask_work() -> Section:
    return Section(
        "work",
        _("4 Work"),
        _("Sizes in round figures are enough; the estimate beside section 6 uses them."),
        {
            "kinds": forms.MultipleChoiceField(
                label=_("What will you do?"),
                choices=[
                    ("train", _("Train a model")),
                    ("fine-tune", _("Fine-tune a model")),
                    ("evaluate", _("Evaluate a model")),
                    ("infer", _("Use a model on data")),
                ],
                widget=forms.CheckboxSelectMultiple,
            ),
            "parameters": _whole(_("Model size in parameters"), _("For example 7000000000 for 7B."), least=1),
            "training_tokens": _whole(
                _("Training tokens"), _("Text tokens times passes; a page of text has about 500."), least=1
            ),
            "base_model": _line(_("Base model"), _("If you build on one."), required=False),
            "base_model_licence": _line(_("Its licence"), required=False),
            "framework": _line(_("Framework"), _("For example PyTorch.")),
        },
    )


def _ask_data() -> Section:
    return Section(
        "data",
        _("5 Data"),
        _("Where the data come from, and why you may use them."),
        {
            "source": _text(_("Source"), rows=2, least=3),
            "licence": _line(_("Licence or other right to use them"), _("An SPDX name where there is one.")),
            "has_personal_data": _tick(_("The data contain personal data")),
            "personal_data_role": _choice(
                _("If so: your role"),
                [
                    ("none", _("No personal data")),
                    ("controller", _("Controller")),
                    ("processor", _("Processor")),
                    ("unknown", _("I do not know")),
                ],
            ),
            "stored_where": _line(_("Where they are stored today")),
            "volume_gb": _number(_("Volume in GB")),
        },
    )


def _ask_resources() -> Section:
    return Section(
        "resources",
        _("6 Computing time"),
        _("Ask for what you need; the site checks whether the amount is justified."),
        {
            "system_code": forms.ChoiceField(label=_("System")),
            "fallback_system_code": forms.ChoiceField(
                label=_("Fallback system"), help_text=_("If the first one is full."), required=False
            ),
            "partition": _line(_("Partition"), required=False),
            "gpu_hours": _number(_("GPU-hours"), _("On a local system: CPU-hours. The estimate is a help.")),
            "storage_tb": _number(_("Storage in TB")),
            "duration_months": forms.TypedChoiceField(label=_("Duration in months"), coerce=int, empty_value=None),
            "starts_on": _day(_("Wished start")),
        },
    )


def _ask_readiness() -> Section:
    return Section(
        "readiness",
        _("7 Readiness"),
        _("The site looks here first."),
        {
            "code": _text(_("Code or container"), _("An address, or where it lies."), rows=2),
            "ran_before": _text(_("Where did it run before, and how long?"), rows=2),
        },
    )


def _ask_outcome() -> Section:
    return Section(
        "outcome",
        _("8 Outcome"),
        "",
        {"expected": _text(_("What will exist afterwards?"), _("At least 20 characters."), least=20)},
    )


def _ask_declarations() -> Section:
    return Section(
        "declarations",
        _("9 Declarations"),
        _("Only civil use and trustworthy AI in line with the values of the Union are eligible."),
        {
            "civil_use": _tick(_("The work is for civil use.")),
            "human_oversight": _tick(_("People oversee what the model does, and can stop it.")),
            "union_values": _tick(_("The work respects fundamental rights and does not discriminate.")),
            "no_prohibited_practice": _tick(
                _("The model is not made for a practice that Article 5 of the AI Act prohibits.")
            ),
            "trust_text": _text(
                _("How do you make sure of that?"),
                _("Who watches the model, whom could it harm, what do you do against it? At least {n} characters."),
                most=1000,
            ),
            "ai_act_role": _choice(
                _("Your role under the AI Act"),
                [
                    ("unknown", _("I do not know")),
                    ("provider", _("Provider: we put a model or system on the market")),
                    ("deployer", _("Deployer: we use a system")),
                    ("modifier", _("We modify a model of others")),
                    ("research", _("Research only")),
                ],
            ),
            "ai_act_class": _choice(
                _("Class of the planned system"),
                [
                    ("unknown", _("I do not know")),
                    ("minimal", _("Minimal risk")),
                    ("transparency", _("Transparency duties (Article 50)")),
                    ("high-risk", _("High risk (Annex I or III)")),
                    ("general-purpose", _("General-purpose model")),
                ],
            ),
            "will_acknowledge": _tick(_("We name the computing time in publications.")),
            "will_report": _tick(_("We send a final report.")),
            "accepts_site_terms": _tick(_("We accept the terms of use of the site.")),
            "may_publish": _tick(
                _("Title, organisation, system and amount of an award may be shown to everybody (your choice).")
            ),
        },
    )


def fill_in_limits(field: forms.Field) -> None:
    """Put the number of characters into the help of the text on trustworthy AI."""
    field.help_text = str(field.help_text).replace("{n}", str(TRUST_TEXT_MIN))
