"""Addresses of the pages of this chapter."""

from django.urls import path

from kifabrik.portal.catalogue.views import (
    datasets,
    erasure,
    exports,
    models,
    passports,
    processing,
    releases,
    samples,
    trainings,
    trials,
)

app_name = "catalogue"
urlpatterns = [
    path("datasets/", datasets.list_datasets, name="datasets"),
    path("datasets/<str:dataset_id>/", datasets.show_dataset, name="dataset"),
    path("datasets/<str:dataset_id>/visibility/", datasets.set_visibility, name="dataset-visibility"),
    path("datasets/<str:dataset_id>/processing/", processing.declare_processing, name="processing"),
    path("dataset-versions/<str:version_id>/export/<str:form>", exports.download_export, name="export"),
    path("dataset-versions/<str:version_id>/findings/", samples.show_sample, name="sample"),
    path("dataset-versions/<str:version_id>/findings/<slug:kind>/", samples.show_findings, name="sample-kind"),
    path(
        "dataset-versions/<str:version_id>/findings/<slug:kind>/judge/", samples.judge_findings, name="judge-findings"
    ),
    path("erasure/", erasure.list_requests, name="erasure"),
    path("erasure/<str:request_id>/", erasure.show_request, name="erasure-request"),
    path("dataset-versions/<str:version_id>/accept/", datasets.accept_finding, name="accept-finding"),
    path("runs/new/", trainings.start_training, name="start-training"),
    path("models/", models.list_models, name="models"),
    path("models/<str:model_id>/", models.show_model, name="model"),
    path("releases/new/", releases.propose_release, name="propose-release"),
    path("releases/key.pub", passports.download_public_key, name="public-key"),
    path("releases/<str:release_id>/", releases.show_release, name="release"),
    path("releases/<str:release_id>/waive/", releases.waive_test, name="waive-test"),
    path("releases/<str:release_id>/publish/", releases.publish_release, name="publish-release"),
    path("releases/<str:release_id>/revoke/", releases.revoke_release, name="revoke-release"),
    path("releases/<str:release_id>/try", trials.try_release, name="try-release"),
    path("releases/<str:release_id>/passport/", passports.show_passport, name="passport"),
    path("releases/<str:release_id>/passport.json", passports.download_passport, name="passport-json"),
    path("releases/<str:release_id>/files/<path:path>", passports.download_file, name="download"),
]
