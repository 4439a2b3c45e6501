"""Pages of datasets: the list, the card in plain words, accepting a finding, showing and hiding."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kifabrik.core.findings import Severity
from kifabrik.portal.catalogue.forms.datasets import AcceptForm
from kifabrik.portal.catalogue.models import Dataset, DatasetVersion
from kifabrik.portal.catalogue.queries import chain, datasets, processing, samples
from kifabrik.portal.catalogue.queries.card_figures import draw
from kifabrik.portal.catalogue.queries.elsewhere import list_others
from kifabrik.portal.catalogue.queries.viewers import is_inside
from kifabrik.portal.catalogue.services import datasets as services
from kifabrik.portal.doors.paging import cut_page
from kifabrik.portal.people.authentication import actor, sign_in_required
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access, audit


@require_GET
def list_datasets(request: HttpRequest) -> HttpResponse:
    """List the datasets whose cards the viewer may read."""
    page = cut_page(datasets.list_datasets(request.user), number=request.GET.get("page"))
    rows = [(dataset, datasets.summarise(dataset)) for dataset in page.rows]
    may_register = access.may(request.user, Permission.DATASET_WRITE)
    may_see = access.may(request.user, Permission.PERSONAL_DATA_SEE)
    context = {"page": page, "rows": rows, "may_register": may_register, "may_see": may_see}
    return render(request, "catalogue/dataset_list.html", context)


@require_GET
def show_dataset(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """Show one version of a dataset, the newest unless `?version=` names another."""
    return _show(request, datasets.get_dataset(request.user, dataset_id), number=request.GET.get("version", ""))


@require_POST
@sign_in_required
def accept_finding(request: HttpRequest, version_id: str) -> HttpResponse:
    """Accept a serious finding with a reason."""
    version = datasets.get_version(request.user, version_id)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return _show(request, version.dataset, number=str(version.number), form=form)
    values = form.cleaned_data
    services.accept_finding(
        by=actor(request),
        version=version,
        code=values["code"],
        where=values["where"],
        reason=values["reason"],
        now=timezone.now(),
    )
    messages.success(request, _("The finding is accepted under your name."))
    return redirect(f"{reverse('catalogue:dataset', args=[version.dataset_id])}?version={version.number}#findings")


@require_POST
@sign_in_required
def set_visibility(request: HttpRequest, dataset_id: str) -> HttpResponse:
    """Show the cards of a dataset to everybody, or hide them again."""
    dataset = datasets.get_dataset(request.user, dataset_id)
    is_public = request.POST.get("is_public") == "1"
    services.set_visibility(by=actor(request), dataset=dataset, is_public=is_public, now=timezone.now())
    messages.success(request, _("Everybody can read the card now.") if is_public else _("The card is hidden now."))
    return redirect("catalogue:dataset", dataset.pk)


def _show(request: HttpRequest, dataset: Dataset, *, number: str, form: AcceptForm | None = None) -> HttpResponse:
    viewer = request.user
    versions = datasets.list_versions(dataset, with_cards=False)
    version = datasets.pick_version(versions, number=number)
    inside = is_inside(viewer, dataset.organisation)
    may_write = access.may(viewer, Permission.DATASET_WRITE, organisation=dataset.organisation)
    context = {
        "dataset": dataset,
        "versions": versions,
        "version": version,
        "inside": inside,
        "may_write": may_write,
        "may_start": access.may(viewer, Permission.RUN_WRITE, organisation=dataset.organisation),
        "steps": chain.strip(viewer=viewer, here="dataset", dataset=dataset),
        **_describe(request, version, inside=inside, form=form, may_write=may_write),
    }
    return render(request, "catalogue/dataset_detail.html", context, status=422 if form else 200)


def _describe(
    request: HttpRequest, version: DatasetVersion, *, inside: bool, form: AcceptForm | None, may_write: bool
) -> dict[str, object]:
    viewer = request.user
    card = datasets.read_card(version)
    rows = datasets.finding_rows(version, card)
    records = processing.list_records(version.dataset) if inside else ()
    return {
        "card": card,
        "figures": draw(card),
        "others": list_others(viewer, card),
        "records": records,
        "points": processing.open_points(records, card, today=timezone.now().date()) if inside else (),
        "precision": samples.precision_of(version) if inside else (),
        "may_see": access.may(viewer, Permission.PERSONAL_DATA_SEE, organisation=version.dataset.organisation),
        # What was not checked has a section of its own.
        "findings": [
            row for row in rows if not row.needs_a_person and row.finding.severity is not Severity.NOT_CHECKED
        ],
        "open_rows": [(row, _form_for(row, form)) for row in rows if row.needs_a_person],
        "stops_training": [row for row in rows if row.stops_training],
        "may_accept": may_write,
        "runs": datasets.runs_on(version, inside=inside),
        "releases": datasets.releases_from(viewer, version),
        # Who looked at findings is told on the page of the sample; here it would bury everything else.
        "events": audit.events_about("datasetversion", version.pk).exclude(verb__startswith="finding-sample.")
        if inside
        else (),
    }


def _form_for(row: datasets.FindingRow, bound: AcceptForm | None) -> AcceptForm:
    """Give each finding its own form; the one that was sent keeps its words and errors."""
    finding = row.finding
    if bound is not None and (bound["code"].value(), bound["where"].value() or "") == (finding.code, finding.where):
        return bound
    return AcceptForm(initial={"code": finding.code, "where": finding.where})
