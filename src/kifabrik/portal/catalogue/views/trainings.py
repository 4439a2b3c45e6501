"""The page on which a training begins: allocation, dataset, recipe, the estimate, the start."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.catalogue.forms.trainings import TrainingForm
from kifabrik.portal.catalogue.queries import chain, estimates
from kifabrik.portal.catalogue.queries.datasets import trainable_versions
from kifabrik.portal.catalogue.queries.recipes import shipped_recipes
from kifabrik.portal.catalogue.services import trainings
from kifabrik.portal.compute.models import Allocation
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.queries.access import organisations_of


@require_http_methods(["GET", "POST"])
@sign_in_required
def start_training(request: HttpRequest) -> HttpResponse:
    """Show the form, then the estimate, then start the run."""
    allocations = estimates.usable_allocations(actor(request))
    form = TrainingForm(request.POST or None, allocations=allocations, initial=_initial(request))
    preview = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        chosen = {"recipe": values["recipe"], "version": values["dataset_version"], "allocation": values["allocation"]}
        try:
            if request.POST.get("step") == "start":
                return _start(request, **chosen)
            preview = estimates.preview(**chosen)
        except (InvalidInput, Conflict) as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "preview": preview,
        "has_allocations": allocations.exists(),
        "recipes": shipped_recipes(),
        "steps": chain.strip(viewer=request.user, here="run", allocation=_chosen_allocation(form)),
    }
    return render(request, "catalogue/training_form.html", context, status=422 if form.errors else 200)


def _start(request: HttpRequest, **chosen: object) -> HttpResponseRedirect:
    run = trainings.start(by=actor(request), now=timezone.now(), **chosen)  # type: ignore[arg-type]  # cleaned data
    messages.success(request, _("The run is requested; the site fetches it within seconds."))
    return redirect("compute:run", run.pk)


def _initial(request: HttpRequest) -> dict[str, str]:
    """Carry over what the page before knew; a recipe asked for by name opens as text to change."""
    wished = request.GET.get("recipe", "")
    text = next((recipe.text for recipe in shipped_recipes() if recipe.name == wished), "")
    return {
        "allocation": request.GET.get("allocation", ""),
        "dataset_version": request.GET.get("dataset_version", "") or _newest_version(request),
        "shipped": "" if text else shipped_recipes()[0].name,
        "text": text,
    }


def _newest_version(request: HttpRequest) -> str:
    """Suggest the version registered last, which is most often the one that is meant."""
    newest = trainable_versions(list(organisations_of(request.user).values_list("pk", flat=True))).first()
    return newest.pk if newest else ""


def _chosen_allocation(form: TrainingForm) -> Allocation | None:
    if form.is_bound:
        return form.cleaned_data.get("allocation")
    wished = form.initial.get("allocation")
    return next((row for row in form.fields["allocation"].queryset if row.pk == wished), None)  # type: ignore[attr-defined]
