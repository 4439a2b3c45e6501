"""What waits for a person in the catalogue. Knows findings, declarations, requests, finished runs and candidates."""

from datetime import UTC, date, datetime, time

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kifabrik.portal.catalogue.models import ProcessingRecord, Release
from kifabrik.portal.catalogue.queries import datasets, erasure, gates, releases
from kifabrik.portal.doors.needs import Need
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access

SHOWN_MAX = 5


def needs(user: User, *, now: datetime) -> list[Need]:
    """Tell what waits for a person: findings to handle, finished runs to release, candidates to publish or to judge."""
    found: list[Need] = []
    if access.may(user, Permission.DATASET_WRITE):
        found += [*_findings(user), *_passed_retention(user, today=now.date())]
    if access.may(user, Permission.PERSONAL_DATA_SEE):
        found += _erasure_requests(user)
    if access.may(user, Permission.RELEASE_WRITE):
        found += [*_finished_runs(user), *_candidates(user, now=now)]
    if access.may(user, Permission.GATE_WAIVE):
        found += _red_gates(user, now=now)
    return found


def _findings(user: User) -> list[Need]:
    """Only the newest version of a dataset asks for something; older ones are history."""
    own = datasets.list_datasets(user).filter(organisation__in=access.organisations_of(user))
    found: list[Need] = []
    for dataset in own:
        summary = datasets.summarise(dataset)
        if summary and summary.open_findings and len(found) < SHOWN_MAX:
            count = summary.open_findings
            title = _("Look at the findings of “%(name)s”") % {"name": dataset.name}
            text = ngettext(
                "%(count)s finding stops training on it.", "%(count)s findings stop training on it.", count
            ) % {"count": count}
            found.append(Need(title, text, reverse("catalogue:dataset", args=[dataset.pk]), weight=55))
    return found


def _passed_retention(user: User, *, today: date) -> list[Need]:
    """The newest declaration of a dataset says until when its copies are kept; remind of those that are over."""
    newest = ProcessingRecord.objects.filter(dataset=OuterRef("dataset")).order_by("-pk").values("pk")[:1]
    rows = ProcessingRecord.objects.filter(
        pk=Subquery(newest), retention_until__lt=today, dataset__organisation__in=access.organisations_of(user)
    )
    shown = rows.select_related("dataset").order_by("retention_until")[:SHOWN_MAX]
    return [
        Need(
            _("Delete the copies of “%(name)s”") % {"name": row.dataset.name},
            _("They were to be kept until %(day)s. Delete them, or declare a later day and why.")
            % {"day": date_format(until, "SHORT_DATE_FORMAT")},
            reverse("catalogue:processing", args=[row.dataset_id]),
            due_at=datetime.combine(until, time.min, tzinfo=UTC),
            weight=70,
        )
        for row in shown
        if (until := row.retention_until) is not None
    ]


def _erasure_requests(user: User) -> list[Need]:
    """Persons are to be answered within a month."""
    rows = erasure.list_requests(user).filter(decision="").order_by("received_on")[:SHOWN_MAX]
    return [
        Need(
            _("Decide the request for erasure %(reference)s") % {"reference": row.reference},
            _("The person is to be answered by %(day)s.")
            % {"day": date_format(erasure.due_on(row), "SHORT_DATE_FORMAT")},
            reverse("catalogue:erasure-request", args=[row.pk]),
            due_at=datetime.combine(erasure.due_on(row), time.min, tzinfo=UTC),
            weight=75,
        )
        for row in rows
    ]


def _finished_runs(user: User) -> list[Need]:
    return [
        Need(
            _("Make a release candidate of “%(name)s”") % {"name": run.name},
            _("The run has succeeded and its model is evaluated."),
            f"{reverse('catalogue:propose-release')}?run={run.pk}",
            weight=50,
        )
        for run in releases.releasable_runs(user)[:SHOWN_MAX]
    ]


def _candidates(user: User, *, now: datetime) -> list[Need]:
    own = Release.objects.filter(state="candidate", model__organisation__in=access.organisations_of(user))
    found = []
    for release in (
        own.select_related("model", "run").prefetch_related("waivers__by").order_by("created_at")[:SHOWN_MAX]
    ):
        if gates.read_gate(release, today=now.date()).is_open:
            title, text = _("Publish %(release)s"), _("Its gate is green.")
        else:
            title, text = _("Look at the gate of %(release)s"), _("Its gate is red, so it cannot be published.")
        found.append(Need(title % {"release": _name(release)}, text, _url(release), weight=60))
    return found


def _red_gates(user: User, *, now: datetime) -> list[Need]:
    """Whoever may waive is told of the red candidates of others; their own were told above."""
    others = releases.list_candidates(user).exclude(model__organisation__in=access.organisations_of(user))
    rows = others.select_related("model__organisation", "run").prefetch_related("waivers__by")[:SHOWN_MAX]
    return [
        Need(
            _("Judge the red gate of %(release)s") % {"release": _name(release)},
            _("%(organisation)s cannot publish it unless somebody answers for the red tests.")
            % {"organisation": release.model.organisation.legal_name},
            _url(release),
            weight=30,
        )
        for release in rows
        if gates.read_gate(release, today=now.date()).waivable
    ]


def _name(release: Release) -> str:
    return f"{release.model.name} {release.number}"


def _url(release: Release) -> str:
    return reverse("catalogue:release", args=[release.pk])
