"""Publishes a release: passport from records alone, folder built aside, signed, verified, put in place, committed.

A crash at any point leaves either a candidate or a published release. What lies about is cleared or taken over by the
next call: a folder in place that no commit stands for is adopted if it verifies and says what the rows say today.
"""

from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import Conflict, KifabrikError
from kifabrik.passport import release_folder, signing, verification
from kifabrik.passport.assemble import assemble
from kifabrik.passport.keys import KeyPair, ensure_key
from kifabrik.passport.papers import ReleasePapers
from kifabrik.passport.verification import TrustedKey, VerificationReport
from kifabrik.portal.catalogue.models import Release
from kifabrik.portal.catalogue.queries import datasets, dossier, gates, releases
from kifabrik.portal.catalogue.queries.downloads import folder_of
from kifabrik.portal.catalogue.services import shelf, stored_bytes
from kifabrik.portal.compute.services.files import FileEntry
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit
from kifabrik.records import Passport
from kifabrik.records.passport import Decision

MODEL_PREFIX = "model/"


def publish(*, by: User, release: Release, is_public: bool, now: datetime) -> Release:
    """Sign and publish a candidate whose gate is green; a published release is returned as it is.

    Raises Refused without the right, Conflict while the gate is red or another publisher works on it, InvalidInput if a
    stored file has changed, Unavailable for a full disk.
    """
    access.require(by, Permission.RELEASE_WRITE, organisation=release.model.organisation)
    with shelf.exclusive(release):
        release = releases.get_release(by, release.pk)  # as it is now, and not as the caller read it
        if release.state == "released":
            return release
        if release.state == "revoked":
            raise Conflict(_("A revoked release cannot be published again."), remedy=_("Make a new release."))
        _require_green(release, now=now)
        key = ensure_key(Path(settings.KEYS))
        passport = _adopt(release, by=by, key=key) or _build(release, by=by, key=key, now=now)
        return _commit(release, passport, by=by, key=key, is_public=is_public, now=now)


def collect_papers(release: Release, *, by: User, at: datetime) -> ReleasePapers:
    """Put together every record that the passport is made from; `by` and `at` are the release decision itself."""
    decision = Decision(
        what="release",
        by=by.name,
        role="member of the organisation",
        at=at.isoformat(),
        outcome="released",
        reasons="The release gate is green.",
    )
    return ReleasePapers(
        model_name=release.model.name,
        release_version=str(release.number),
        organisation=release.model.organisation.legal_name,
        dataset=datasets.read_card(release.dataset_version),
        run=releases.read_manifest(release),
        evaluation=releases.read_evaluation(release),
        summary=release.model.summary,
        waivers=releases.read_waivers(release),
        award=dossier.award_record(release),
        usage=dossier.usage_summary(release),
        decisions=(*dossier.decisions_before_release(release), decision),
    )


def _require_green(release: Release, *, now: datetime) -> None:
    gate = gates.read_gate(release, today=now.date())
    if not gate.is_open:
        raise Conflict(
            _("The gate is red: %(tests)s.") % {"tests": "; ".join(gate.red_titles)},
            where="gate",
            remedy=_("Mend the cause with a new run, or let a named person waive the test with a reason and an end."),
            code="gate-red",
        )


def _adopt(release: Release, *, by: User, key: KeyPair) -> Passport | None:
    """Take over a whole folder whose commit was lost; anything else in its place is removed."""
    folder = folder_of(release)
    if not folder.exists():
        return None
    passport = _read_leftover(folder, key)
    if passport is not None and _says_what_rows_say(passport, release, by=by):
        return passport
    shelf.discard(release)
    return None


def _read_leftover(folder: Path, key: KeyPair) -> Passport | None:
    try:
        if not _verify(folder, key).is_genuine:
            return None
        return Passport.read(folder / release_folder.PASSPORT)
    except (KifabrikError, OSError):
        return None


def _verify(folder: Path, key: KeyPair) -> VerificationReport:
    return verification.verify(folder, trusted_keys=[TrustedKey(pem=key.public_pem)])


def _says_what_rows_say(passport: Passport, release: Release, *, by: User) -> bool:
    """Assemble anew with the old moment: the same person, the same rows and the same files give the same passport."""
    at = datetime.fromisoformat(passport.made_at)
    return assemble(collect_papers(release, by=by, at=at), files=passport.files, now=at) == passport


def _build(release: Release, *, by: User, key: KeyPair, now: datetime) -> Passport:
    workplace = shelf.clear_workplace(release)
    built = workplace / "release"
    try:
        papers = collect_papers(release, by=by, at=now)
        _copy_model(release, papers, workplace / "model")
        passport = release_folder.build(built, papers=papers, model_folder=workplace / "model", now=now)
        signing.sign(built, key=key)
        fault = _verify(built, key).first_fault
        if fault is not None:
            raise Conflict(
                _("The signed folder does not verify: %(first)s") % {"first": fault.message},
                where=fault.where,
                code="not-verified",
            )
        shelf.put_in_place(built, release)
    finally:
        shelf.remove_workplace(release)
    return passport


def _copy_model(release: Release, papers: ReleasePapers, folder: Path) -> None:
    """Copy the model out of the store, each file by the digest that the run's manifest names."""
    outputs = {row["path"]: FileEntry(**row) for row in release.run.outputs}
    for name, digest in sorted(papers.model.files.items()):
        entry = outputs.get(MODEL_PREFIX + name)
        if entry is None or entry.digest != digest:
            raise Conflict(
                _("The run did not deliver this file of its model."), where=MODEL_PREFIX + name, code="model-incomplete"
            )
        stored_bytes.copy_out(entry, folder / name)


def _commit(release: Release, passport: Passport, *, by: User, key: KeyPair, is_public: bool, now: datetime) -> Release:
    with transaction.atomic():
        locked = Release.objects.select_for_update().get(pk=release.pk)
        locked.state, locked.is_public = "released", is_public
        locked.passport, locked.key_id = passport.model_dump(mode="json"), key.key_id
        locked.released_by, locked.released_at = by, now
        locked.save(update_fields=["state", "is_public", "passport", "key_id", "released_by", "released_at"])
        audit.append(
            by=by,
            verb="release.published",
            what=locked,
            organisation=release.model.organisation,
            details={"passport": passport.digest(), "key_id": key.key_id, "is_public": is_public},
            now=now,
        )
    return releases.get_release(by, release.pk)
