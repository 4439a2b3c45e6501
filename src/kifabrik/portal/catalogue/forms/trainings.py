"""The form that starts a training."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries.datasets import trainable_versions
from kifabrik.portal.catalogue.queries.recipes import shipped_recipes
from kifabrik.portal.compute.models import Allocation
from kifabrik.records import Recipe
from kifabrik.records.recipe_file import parse_recipe


class AllocationChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic while running
    """Shows allocations by what they were given for."""

    def label_from_instance(self, obj: Any) -> str:
        """Name an allocation: proposal, site, last day."""
        return f"{obj.award.proposal.title} · {obj.site.name} · {obj.ends_on:%Y-%m-%d}"


class VersionChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic while running
    """Shows dataset versions by name and number."""

    def label_from_instance(self, obj: Any) -> str:
        """Name a dataset version."""
        return f"{obj.dataset.name} · {obj.number}"


class TrainingForm(forms.Form):
    """Allocation, dataset version and recipe of a run; `recipe` of the cleaned data is a whole Recipe."""

    allocation = AllocationChoice(queryset=Allocation.objects.none(), label=_("From which allocation?"))
    dataset_version = VersionChoice(queryset=DatasetVersion.objects.none(), label=_("On which dataset version?"))
    shipped = forms.ChoiceField(
        required=False,
        label=_("Recipe"),
        help_text=_("Choose a ready recipe, or write your own below; what is written below counts."),
    )
    text = forms.CharField(
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "autocomplete": "off"}),
        label=_("Your own recipe (YAML)"),
        help_text=_("The dataset version chosen above is filled in for “dataset”."),
    )

    def __init__(self, *args: Any, allocations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organisations = [allocation.organisation_id for allocation in allocations]
        self.fields["allocation"].queryset = allocations  # type: ignore[attr-defined]  # a model choice field
        self.fields["dataset_version"].queryset = trainable_versions(organisations)  # type: ignore[attr-defined]
        choices = [(recipe.name, recipe.title) for recipe in shipped_recipes()]
        self.fields["shipped"].choices = [*choices, ("", _("My own, below"))]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Read the recipe; a mistake is shown with its line."""
        values: dict[str, Any] = super().clean() or {}
        try:
            values["recipe"] = self._read_recipe(values)
        except InvalidInput as error:
            self.add_error("text", f"{error.where}: {error.message}" if error.where else error.message)
        return values

    def _read_recipe(self, values: dict[str, Any]) -> Recipe:
        text = (values.get("text") or "").strip()
        if text:
            return parse_recipe(values["text"], name=str(_("recipe")))
        for recipe in shipped_recipes():
            if recipe.name == values.get("shipped"):
                return recipe.recipe
        raise InvalidInput(str(_("Choose a recipe or write one.")))
