"""Reads of datasets: lists, one dataset, one version, and the findings nobody has accepted yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.funding.training_gate import blocking_findings, stopping_findings
from kifabrik.portal.catalogue.models import Dataset, DatasetVersion, FindingAcceptance, Release
from kifabrik.portal.catalogue.queries.summaries import CardSummary
from kifabrik.portal.catalogue.queries.viewers import readable_datasets, readable_releases
from kifabrik.portal.compute.models import Run
from kifabrik.portal.people.queries.access import Viewer
from kifabrik.records import DatasetCard


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding of a card with its acceptance, if any; `stops_training` says whether it still must be handled."""

    finding: Finding
    acceptance: FindingAcceptance | None
    stops_training: bool

    @property
    def needs_a_person(self) -> bool:
        """Serious and blocking findings are shown one by one, with who accepted them or what is to be done."""
        return self.finding.severity in {Severity.SERIOUS, Severity.BLOCKING}

    @property
    def may_be_accepted(self) -> bool:
        """Only a serious finding that still stops training can be accepted; a blocking one must be mended."""
        return self.stops_training and self.finding.severity is Severity.SERIOUS


@dataclass(frozen=True, slots=True)
class Summary:
    """The newest version of a dataset in a line of a list."""

    version: DatasetVersion
    card: CardSummary
    open_findings: int


def list_datasets(viewer: Viewer) -> QuerySet[Dataset]:
    """List readable datasets by name, each with its newest version in `newest` and the count of versions."""
    last = DatasetVersion.objects.filter(dataset=OuterRef("dataset")).order_by("-number").values("number")[:1]
    versions = DatasetVersion.objects.filter(number=Subquery(last)).defer("card", "files")
    newest = versions.prefetch_related("acceptances")
    return (
        readable_datasets(viewer)
        .select_related("organisation")
        .annotate(version_count=Count("versions"))
        .prefetch_related(Prefetch("versions", queryset=newest, to_attr="newest"))
        .order_by("name", "id")
    )


def summarise(dataset: Dataset) -> Summary | None:
    """Say in a line what the newest version is; None while a dataset has no version. Expects `list_datasets`."""
    newest: list[DatasetVersion] = dataset.newest  # type: ignore[attr-defined]  # prefetched by list_datasets
    if not newest:
        return None
    card = CardSummary.read(newest[0].summary)
    open_ones = stopping_findings(card.stopping, accepted=accepted_pairs(newest[0]))
    return Summary(newest[0], card, len(open_ones))


def get_dataset(viewer: Viewer, dataset_id: str) -> Dataset:
    """Read a dataset the viewer may see; raises NotFound."""
    dataset = readable_datasets(viewer).select_related("organisation").filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound(_("There is no such dataset."), where=dataset_id)
    return dataset


def get_version(viewer: Viewer, version_id: str) -> DatasetVersion:
    """Read a dataset version whose dataset the viewer may see; raises NotFound."""
    versions = DatasetVersion.objects.select_related("dataset__organisation").prefetch_related("acceptances__by")
    version = versions.filter(pk=version_id, dataset__in=readable_datasets(viewer)).first()
    if version is None:
        raise NotFound(_("There is no such dataset version."), where=version_id)
    return version


def list_versions(dataset: Dataset, *, with_cards: bool = True) -> Sequence[DatasetVersion]:
    """List the versions of a dataset, newest first; without cards, the one that is looked at is read on its own."""
    versions = dataset.versions.select_related("dataset__organisation", "registered_by")
    if not with_cards:
        versions = versions.defer("card", "files", "summary")
    return list(versions.prefetch_related("acceptances__by").order_by("-number"))


def pick_version(versions: Sequence[DatasetVersion], *, number: str = "") -> DatasetVersion:
    """Choose the version with this number, or the newest if none is asked for; raises NotFound."""
    for version in versions:
        if not number or str(version.number) == number:
            return version
    raise NotFound(_("There is no such dataset version."), where=number)


def read_card(version: DatasetVersion) -> DatasetCard:
    """Read the card as the record it is."""
    return DatasetCard.model_validate(version.card)


def accepted_pairs(version: DatasetVersion) -> frozenset[tuple[str, str]]:
    """List what was accepted, as (code, where) pairs."""
    return frozenset((acceptance.code, acceptance.where) for acceptance in version.acceptances.all())


def open_findings(version: DatasetVersion) -> tuple[Finding, ...]:
    """List the findings that still forbid training on this version."""
    return blocking_findings(read_card(version), accepted=accepted_pairs(version))


def finding_rows(version: DatasetVersion, card: DatasetCard) -> tuple[FindingRow, ...]:
    """Pair each finding of a card with its acceptance, the heaviest first."""
    acceptances = {(row.code, row.where): row for row in version.acceptances.all()}
    stopping = set(blocking_findings(card, accepted=acceptances.keys()))
    return tuple(
        FindingRow(finding, acceptances.get((finding.code, finding.where)), finding in stopping)
        for finding in sort_by_weight(card.findings)
    )


def runs_on(version: DatasetVersion, *, inside: bool) -> Sequence[Run]:
    """List the newest runs that trained on this version; only people inside the organisation see runs."""
    if not inside:
        return ()
    runs = Run.objects.filter(organisation=version.dataset.organisation_id, dataset_digest=version.digest)
    return list(runs.order_by("-requested_at")[:20])


def releases_from(viewer: Viewer, version: DatasetVersion) -> Sequence[Release]:
    """List the releases made from this version that the viewer may read."""
    releases = readable_releases(viewer).filter(dataset_version=version).select_related("model")
    return list(releases.order_by("-created_at")[:20])


def trainable_versions(organisation_ids: Sequence[str]) -> QuerySet[DatasetVersion]:
    """List the versions that organisations could train on, newest first."""
    versions = DatasetVersion.objects.filter(dataset__organisation__in=organisation_ids)
    return versions.select_related("dataset").prefetch_related("acceptances").order_by("-registered_at")
