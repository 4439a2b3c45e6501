"""Other datasets that hold documents of a dataset version too, as its card counts them, with their pages if any."""

from dataclasses import dataclass

from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries.viewers import readable_datasets
from kifabrik.portal.people.queries.access import Viewer
from kifabrik.records import DatasetCard


@dataclass(frozen=True, slots=True)
class OtherRow:
    """One other dataset; `version` is what the viewer may open, if it is registered here."""

    name: str
    digest: str
    documents: int
    version: DatasetVersion | None


def list_others(viewer: Viewer, card: DatasetCard) -> tuple[OtherRow, ...]:
    """List the datasets that a version was compared with, the largest overlap first."""
    counts = card.deduplication.other_datasets if card.deduplication else {}
    rows = [(*label.rpartition(" ")[::2], count) for label, count in counts.items()]
    digests = [digest for _name, digest, _count in rows]
    readable = DatasetVersion.objects.filter(digest__in=digests, dataset__in=readable_datasets(viewer))
    known = {version.digest: version for version in readable.defer("card", "files", "summary")} if digests else {}
    others = [OtherRow(name, digest, count, known.get(digest)) for name, digest, count in rows]
    return tuple(sorted(others, key=lambda row: (-row.documents, row.name, row.digest)))
