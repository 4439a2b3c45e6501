"""Addresses of the pages of this chapter. `runs/new/` belongs to the catalogue, so a run's address begins with run-."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from kifabrik.portal.compute.views import allocation_life, allocations, reconciliation, runs, sites


class RunKey(StringConverter):
    """The identifier of a run, and nothing else."""

    regex = r"run-[0-9a-z]{1,36}"


register_converter(RunKey, "run_key")
app_name = "compute"
urlpatterns = [
    path("sites/", sites.list_all, name="sites"),
    path("sites/<slug:code>/", sites.show, name="site"),
    path("sites/<slug:code>/users/", sites.name_user, name="site-users"),
    path("sites/<slug:code>/reconciliation/", reconciliation.show_site, name="site-reconciliation"),
    path("sites/<slug:code>/reconciliation.csv", reconciliation.download_site, name="site-reconciliation-csv"),
    path("sites/<slug:code>/token/", sites.issue_token, name="site-token"),
    path("awards/<str:award_id>/accept/", allocations.accept_award, name="award-accept"),
    path("allocations/", allocations.list_all, name="allocations"),
    path("allocations/<str:allocation_id>/", allocations.show, name="allocation"),
    path("allocations/<str:allocation_id>/pause/", allocations.pause, name="allocation-pause"),
    path("allocations/<str:allocation_id>/resume/", allocations.resume, name="allocation-resume"),
    path("allocations/<str:allocation_id>/close/", allocations.close, name="allocation-close"),
    path("allocations/<str:allocation_id>/hand-back/", allocation_life.hand_back, name="allocation-hand-back"),
    path("allocations/<str:allocation_id>/extension/", allocation_life.ask, name="allocation-extension"),
    path("allocations/<str:allocation_id>/extension/decision/", allocation_life.decide, name="extension-decision"),
    path("allocations/<str:allocation_id>/reconciliation/", reconciliation.show_allocation, name="reconciliation"),
    path(
        "allocations/<str:allocation_id>/reconciliation.csv",
        reconciliation.download_allocation,
        name="reconciliation-csv",
    ),
    path("runs/", runs.list_all, name="runs"),
    path("runs/<run_key:run_id>/", runs.show, name="run"),
    path("runs/<run_key:run_id>/live/", runs.show_live, name="run-live"),
    path("runs/<run_key:run_id>/log/", runs.show_log, name="run-log"),
    path("runs/<run_key:run_id>/cancel/", runs.cancel, name="run-cancel"),
]
