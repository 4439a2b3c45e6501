"""The page on which an organisation declares how it processes the personal data in a dataset."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.catalogue.forms.data_protection import ProcessingForm
from kifabrik.portal.catalogue.queries import chain, datasets, processing
from kifabrik.portal.catalogue.services import processing as services
from kifabrik.portal.doors.form_errors import show_error
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access


@require_http_methods(["GET", "POST"])
@sign_in_required
def declare_processing(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """Show the newest declaration as a form, and keep a new one."""
    dataset = datasets.get_dataset(request.user, dataset_id)
    access.require(request.user, Permission.DATASET_WRITE, organisation=dataset.organisation)
    records = processing.list_records(dataset)
    card = datasets.read_card(datasets.pick_version(datasets.list_versions(dataset, with_cards=False)))
    now = processing.processing_of(records, card)
    form = ProcessingForm(request.POST or None, initial={name: getattr(now, name) for name in now.__slots__})
    if request.method == "POST" and form.is_valid():
        try:
            services.declare(by=actor(request), dataset=dataset, processing=form.read(), now=timezone.now())
        except InvalidInput as error:
            show_error(form, error)
        else:
            messages.success(request, _("The declaration is kept under your name."))
            return redirect(reverse("catalogue:dataset", args=[dataset.pk]) + "#protection-title")
    context = {
        "dataset": dataset,
        "form": form,
        "records": records,
        "points": processing.open_points(records, card, today=timezone.now().date()),
        "steps": chain.strip(viewer=request.user, here="dataset", dataset=dataset),
    }
    return render(request, "catalogue/processing_form.html", context, status=422 if form.errors else 200)
