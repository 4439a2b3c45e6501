"""Reads of registered models, releases and the papers of a release."""

from collections.abc import Sequence

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.portal.catalogue.models import RegisteredModel, Release
from kifabrik.portal.catalogue.queries.viewers import readable_releases
from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries.viewers import readable_runs
from kifabrik.portal.people.queries.access import Viewer, organisations_of
from kifabrik.records import EvaluationReport, Passport, RunManifest
from kifabrik.records.evaluation_report import Waiver


def list_releases(viewer: Viewer) -> QuerySet[Release]:
    """List readable releases, newest first."""
    return (
        readable_releases(viewer).select_related("model__organisation").defer("passport").order_by("-created_at", "id")
    )


def list_models(viewer: Viewer) -> QuerySet[RegisteredModel]:
    """List the models with a release the viewer may see in use, each with those releases in `shown`, newest first.

    Visitors see models with a public release and nothing that counts or names the others.
    """
    shown = readable_releases(viewer).filter(state="released").defer("passport").order_by("-number")
    models = RegisteredModel.objects.filter(releases__in=shown.order_by()).distinct()
    prefetch = Prefetch("releases", queryset=shown, to_attr="shown")
    return models.select_related("organisation").prefetch_related(prefetch).order_by("name", "id")


def list_candidates(viewer: Viewer) -> QuerySet[Release]:
    """List release candidates the viewer may see, newest first."""
    return list_releases(viewer).filter(state="candidate")


def get_model(viewer: Viewer, model_id: str) -> RegisteredModel:
    """Read a registered model with at least one readable release; raises NotFound."""
    model = (
        RegisteredModel.objects.filter(pk=model_id, releases__in=readable_releases(viewer))
        .select_related("organisation")
        .distinct()
        .first()
    )
    if model is None:
        raise NotFound(_("There is no such model."), where=model_id)
    return model


def releases_of(viewer: Viewer, model: RegisteredModel) -> Sequence[Release]:
    """List the releases of a model that the viewer may read, newest first."""
    return list(readable_releases(viewer).filter(model=model).order_by("-number"))


def get_release(viewer: Viewer, release_id: str) -> Release:
    """Read a release with everything its page shows; raises NotFound."""
    release = (
        readable_releases(viewer)
        .select_related(
            "model__organisation",
            "run__allocation__award__proposal",
            "run__allocation__site",
            "dataset_version__dataset__organisation",
            "created_by",
            "released_by",
        )
        .prefetch_related("waivers__by")
        .filter(pk=release_id)
        .first()
    )
    if release is None:
        raise NotFound(_("There is no such release."), where=release_id)
    return release


def releasable_runs(viewer: Viewer) -> QuerySet[Run]:
    """List the succeeded runs of the viewer's organisations that have no release yet."""
    runs = Run.objects.filter(state="succeeded", release__isnull=True, organisation__in=organisations_of(viewer))
    return runs.exclude(evaluation__isnull=True).exclude(manifest__isnull=True).order_by("-ended_at")


def get_run(viewer: Viewer, run_id: str) -> Run:
    """Read a run the viewer may see, whatever its state; raises NotFound."""
    runs = readable_runs(viewer).select_related("organisation", "allocation__award__proposal", "allocation__site")
    run = runs.filter(pk=run_id).first()
    if run is None:
        raise NotFound(_("There is no such run."), where=run_id)
    return run


def read_evaluation(release: Release) -> EvaluationReport:
    """Read the evaluation of the release's run as the record it is."""
    return EvaluationReport.model_validate(release.run.evaluation)


def read_manifest(release: Release) -> RunManifest:
    """Read the manifest of the release's run as the record it is."""
    return RunManifest.model_validate(release.run.manifest)


def read_passport(release: Release) -> Passport:
    """Read the signed passport; raises NotFound while the release is a candidate."""
    if release.passport is None:
        raise NotFound(_("This release has no passport yet: it is a candidate."), where=release.pk)
    return Passport.model_validate(release.passport)


def read_waivers(release: Release) -> tuple[Waiver, ...]:
    """Read the waivers of a release as records, oldest first, expired ones included."""
    return tuple(
        Waiver(test=row.test, by=row.by.name, reason=row.reason, expires_on=row.expires_on.isoformat())
        for row in release.waivers.all()
    )
