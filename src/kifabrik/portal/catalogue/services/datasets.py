"""Registers dataset versions and accepts their findings. Knows the card and the store, not how data are checked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.digests import digest_listing
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.core.findings import Finding, Severity
from kifabrik.passport.data_protection import Processing, declared_on
from kifabrik.portal.catalogue.models import Dataset, DatasetVersion, FindingAcceptance
from kifabrik.portal.catalogue.paths import CARD_PATH, FINDINGS_PATH, OPTIONAL_PATHS
from kifabrik.portal.catalogue.queries.datasets import read_card
from kifabrik.portal.catalogue.queries.summaries import CardSummary
from kifabrik.portal.catalogue.services import finding_rows, processing, stored_bytes
from kifabrik.portal.compute.services.files import FileEntry, require_held
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit
from kifabrik.records import DatasetCard

REASON_LENGTH_MIN = 10


def register(
    *,
    by: User,
    organisation: Organisation,
    name: str,
    card: DatasetCard,
    files: Sequence[FileEntry],
    now: datetime,
) -> DatasetVersion:
    """Register a checked dataset folder as the next version of a dataset; the same digest again is the same version.

    The rows of findings may come with it; a sample of them is drawn for people to judge. What the card declares about
    personal data becomes the first declaration of the dataset. Raises Refused without the right, InvalidInput if card,
    listing and stored bytes do not say the same.
    """
    access.require(by, Permission.DATASET_WRITE, organisation=organisation)
    _require_name(name)
    _require_listing(card, {file.path: file for file in files})
    _require_stored(card, files, organisation=organisation)
    with transaction.atomic():
        dataset, made = Dataset.objects.select_for_update().get_or_create(
            organisation=organisation, name=name, defaults={"created_at": now}
        )
        known = dataset.versions.filter(digest=card.dataset_digest).first()
        if known is not None:
            return known
        version = _keep_version(by=by, dataset=dataset, card=card, files=files, now=now)
        rows = _draw_sample(version, card, files)
        if not dataset.processing_records.exists() and declared_on(card) != Processing():
            processing.keep(by=by, dataset=dataset, processing=declared_on(card), now=now)
        details: dict[str, Json] = {"dataset": dataset.pk, "name": name, "number": version.number}
        audit.append(
            by=by,
            verb="dataset-version.registered",
            what=version,
            organisation=organisation,
            details={**details, "digest": version.digest, "new_dataset": made, "finding_rows": rows},
            now=now,
        )
    return version


def accept_finding(
    *, by: User, version: DatasetVersion, code: str, where: str, reason: str, now: datetime
) -> FindingAcceptance:
    """Let a named person answer for a serious finding; a blocking one must be mended, a lighter one stops nothing.

    Raises Refused without the right, InvalidInput for a short reason or an unknown finding, Conflict otherwise.
    """
    organisation = version.dataset.organisation
    access.require(by, Permission.DATASET_WRITE, organisation=organisation)
    reason = reason.strip()
    if len(reason) < REASON_LENGTH_MIN:
        raise InvalidInput(
            _("The reason is too short."),
            where="reason",
            remedy=_("Say in a sentence why training on this is right (at least 10 characters)."),
        )
    _require_acceptable(_find(read_card(version), code=code, where=where))
    with transaction.atomic():
        DatasetVersion.objects.select_for_update().get(pk=version.pk)
        if FindingAcceptance.objects.filter(version=version, code=code, where=where).exists():
            raise Conflict(_("This finding is accepted already."), where=code)
        acceptance = FindingAcceptance.objects.create(
            version=version, code=code, where=where, reason=reason, by=by, at=now
        )
        details = {"code": code, "where": where, "reason": reason}
        audit.append(
            by=by, verb="dataset-finding.accepted", what=version, organisation=organisation, details=details, now=now
        )
    return acceptance


def set_visibility(*, by: User, dataset: Dataset, is_public: bool, now: datetime) -> Dataset:
    """Show or hide the cards of a dataset to everybody; the documents stay with the organisation in either case."""
    access.require(by, Permission.DATASET_WRITE, organisation=dataset.organisation)
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update().select_related("organisation").get(pk=dataset.pk)
        if dataset.is_public == is_public:
            return dataset
        dataset.is_public = is_public
        dataset.save(update_fields=["is_public"])
        verb = "dataset.shown" if is_public else "dataset.hidden"
        audit.append(by=by, verb=verb, what=dataset, organisation=dataset.organisation, now=now)
    return dataset


def _require_name(name: str) -> None:
    if not name or slugify(name) != name or len(name) > 64:
        raise InvalidInput(
            _("“%(name)s” is no dataset name.") % {"name": name[:80]},
            where="name",
            remedy=_("Use up to 64 small letters, digits and hyphens, for example support-mails."),
        )


def _keep_version(
    *, by: User, dataset: Dataset, card: DatasetCard, files: Sequence[FileEntry], now: datetime
) -> DatasetVersion:
    last = dataset.versions.order_by("-number").first()
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=last.number + 1 if last else 1,
        digest=card.dataset_digest,
        card=card.model_dump(mode="json"),
        summary=CardSummary.of(card).keep(),
        files=[asdict(file) for file in sorted(files, key=lambda file: file.path)],
        registered_by=by,
        registered_at=now,
    )


def _draw_sample(version: DatasetVersion, card: DatasetCard, files: Sequence[FileEntry]) -> int:
    """Draw the sample from the rows of findings, if they came; they must be those that the card names."""
    entry = next((file for file in files if file.path == FINDINGS_PATH), None)
    if entry is None:
        return 0
    named = card.findings_file
    if named is not None and named.digest != entry.digest:
        raise InvalidInput(_("The rows of findings are not those that the card names."), where=FINDINGS_PATH)
    return finding_rows.draw_sample(version, entry)


def _require_listing(card: DatasetCard, files: Mapping[str, FileEntry]) -> None:
    """The listing names the card and exactly its shards, with the digests and sizes that the card states.

    The rows of findings may be there too.
    """
    expected = {CARD_PATH, *(shard.path for shard in card.shards)}
    if files.keys() - OPTIONAL_PATHS != expected:
        odd = sorted((files.keys() - OPTIONAL_PATHS) ^ expected)[0]
        raise InvalidInput(
            _("The files are not those that the card names."),
            where=odd,
            remedy=_("Register the whole dataset folder as the check wrote it."),
        )
    if digest_listing({shard.path: shard.digest for shard in card.shards}) != card.dataset_digest:
        raise InvalidInput(_("The digest of the dataset is not that of its files."), where="card.dataset_digest")
    for shard in card.shards:
        file = files[shard.path]
        if (file.digest, file.size_bytes) != (shard.digest, shard.size_bytes):
            raise InvalidInput(_("The file is not the one that the card describes."), where=shard.path)


def _require_stored(card: DatasetCard, files: Sequence[FileEntry], *, organisation: Organisation) -> None:
    """Every file lies in the store, unchanged, and the stored card says what the card given here says."""
    require_held(organisation=organisation, entries=files)
    for file in files:
        stored_bytes.require_unchanged(file)
    digest = next(file.digest for file in files if file.path == CARD_PATH)
    try:
        stored = DatasetCard.model_validate_json(stored_bytes.read_small(digest))
    except ValueError as error:
        raise InvalidInput(_("The stored file is no dataset card."), where=CARD_PATH) from error
    if stored != card:
        raise InvalidInput(_("The stored card says something else than the card sent with it."), where=CARD_PATH)


def _find(card: DatasetCard, *, code: str, where: str) -> Finding:
    for finding in card.findings:
        if (finding.code, finding.where) == (code, where):
            return finding
    raise InvalidInput(_("The card has no such finding."), where="code")


def _require_acceptable(finding: Finding) -> None:
    if finding.severity is Severity.BLOCKING:
        raise Conflict(
            _("A blocking finding cannot be accepted."),
            where=finding.code,
            remedy=finding.remedy or _("Mend the data, check them again and register the new version."),
        )
    if finding.severity is not Severity.SERIOUS:
        raise Conflict(_("This finding stops nothing and needs no acceptance."), where=finding.code)
