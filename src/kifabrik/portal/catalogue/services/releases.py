"""Makes release candidates, waives red tests and revokes releases. Publishing stands in `publication.py`."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.portal.catalogue.models import DatasetVersion, GateWaiver, RegisteredModel, Release
from kifabrik.portal.catalogue.queries.gates import read_gate
from kifabrik.portal.catalogue.services import shelf
from kifabrik.portal.compute.models import Run
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit
from kifabrik.records.run_state import RunState

REASON_LENGTH_MIN = 10
WAIVER_DAYS_MAX = 366


def create_candidate(*, by: User, run: Run, model_name: str, summary: str, now: datetime) -> Release:
    """Make the next release of a registered model from a succeeded run; the same run again is the same release.

    Raises Refused without the right, InvalidInput for a bad name, Conflict for an unfinished run or a name in use.
    """
    access.require(by, Permission.RELEASE_WRITE, organisation=run.organisation)
    _require_finished(run)
    if not model_name or slugify(model_name) != model_name or len(model_name) > 64:
        raise InvalidInput(
            _("“%(name)s” is no model name.") % {"name": model_name[:80]},
            where="model_name",
            remedy=_("Use up to 64 small letters, digits and hyphens, for example acme-support."),
        )
    with transaction.atomic():
        known = Release.objects.filter(run=run).select_related("model__organisation").first()
        if known is not None:
            return known
        model = _find_model(run.organisation, name=model_name, summary=summary, now=now)
        last: int = model.releases.aggregate(last=Max("number"))["last"] or 0
        release = Release.objects.create(
            model=model,
            number=last + 1,
            run=run,
            dataset_version=_find_dataset_version(run),
            state="candidate",
            created_by=by,
            created_at=now,
        )
        verdict = read_gate(release, today=now.date()).record.verdict
        details: dict[str, Json] = {
            "model": model.name,
            "number": release.number,
            "run": run.pk,
            "verdict": str(verdict),
        }
        audit.append(
            by=by, verb="release.proposed", what=release, organisation=run.organisation, details=details, now=now
        )
    return release


def waive(*, by: User, release: Release, test: str, reason: str, expires_on: date, now: datetime) -> GateWaiver:
    """Take a red or missing test upon oneself until a day; the waiver becomes part of the signed passport.

    Raises Refused without Permission.GATE_WAIVE, InvalidInput for reason or day, Conflict if nothing is to be waived.
    """
    access.require(by, Permission.GATE_WAIVE)
    reason = reason.strip()
    if len(reason) < REASON_LENGTH_MIN:
        raise InvalidInput(
            _("The reason is too short."),
            where="reason",
            remedy=_("Say in a sentence why the release is right all the same (at least 10 characters)."),
        )
    if not now.date() < expires_on <= now.date() + timedelta(days=WAIVER_DAYS_MAX):
        raise InvalidInput(
            _("A waiver ends after today and within %(days)s days.") % {"days": WAIVER_DAYS_MAX}, where="expires_on"
        )
    with transaction.atomic():
        release = _lock(release)
        if release.state != "candidate":
            raise Conflict(_("Only the tests of a candidate can be waived; this release is final."))
        if test not in read_gate(release, today=now.date()).waivable:
            raise Conflict(
                _("The test “%(test)s” needs no waiver, or cannot be waived.") % {"test": test[:80]}, where="test"
            )
        waiver = GateWaiver.objects.create(
            release=release, test=test, reason=reason, expires_on=expires_on, by=by, at=now
        )
        details = {"test": test, "reason": reason, "expires_on": expires_on.isoformat()}
        organisation = release.model.organisation
        audit.append(by=by, verb="gate.waived", what=release, organisation=organisation, details=details, now=now)
    return waiver


def revoke(*, by: User, release: Release, reason: str, now: datetime) -> Release:
    """Withdraw a release: nobody can download or serve it from here any more, its passport stays readable.

    Raises Refused without the right, InvalidInput for a short reason, Conflict for a candidate.
    """
    organisation = release.model.organisation
    access.require(by, Permission.RELEASE_WRITE, organisation=organisation)
    reason = reason.strip()
    if len(reason) < REASON_LENGTH_MIN:
        raise InvalidInput(
            _("The reason is too short."),
            where="reason",
            remedy=_("Say in a sentence what people who use the model must know (at least 10 characters)."),
        )
    with transaction.atomic():
        release = _lock(release)
        if release.state == "candidate":
            raise Conflict(_("A candidate was never released, so it cannot be revoked."))
        if release.state == "released":
            release.state, release.revoked_at, release.revoked_reason = "revoked", now, reason
            release.save(update_fields=["state", "revoked_at", "revoked_reason"])
            details = {"reason": reason}
            audit.append(
                by=by, verb="release.revoked", what=release, organisation=organisation, details=details, now=now
            )
    # After the commit, and again when revoked again: a crash between the two is mended by a second call.
    shelf.withdraw(release)
    return release


def _require_finished(run: Run) -> None:
    if run.state != RunState.SUCCEEDED:
        raise Conflict(_("Only a succeeded run can become a release; this one is %(state)s.") % {"state": run.state})
    if run.manifest is None or run.evaluation is None or not run.outputs:
        raise Conflict(
            _("The site has not delivered the results of this run yet."), remedy=_("Wait a minute and try again.")
        )


def _find_model(organisation: Organisation, *, name: str, summary: str, now: datetime) -> RegisteredModel:
    """Lock or make the registered model; names are unique in the whole catalogue."""
    model, made = RegisteredModel.objects.select_for_update().get_or_create(
        name=name, defaults={"organisation": organisation, "summary": summary.strip(), "created_at": now}
    )
    if model.organisation_id != organisation.pk:
        raise Conflict(_("The model name “%(name)s” is in use.") % {"name": name}, where="model_name")
    if not made and summary.strip():
        model.summary = summary.strip()
        model.save(update_fields=["summary"])
    return model


def _find_dataset_version(run: Run) -> DatasetVersion:
    versions = DatasetVersion.objects.filter(dataset__organisation=run.organisation_id, digest=run.dataset_digest)
    version = versions.order_by("registered_at").first()
    if version is None:
        raise Conflict(
            _("The dataset of this run is not registered in the catalogue."),
            remedy=_("Register the dataset folder with that digest first."),
        )
    return version


def _lock(release: Release) -> Release:
    locked = Release.objects.select_for_update(of=("self",)).select_related("model__organisation", "run")
    return locked.get(pk=release.pk)
