"""Finds a person's values in the datasets of an organisation by keyed digests, and what was made from them.

The portal knows neither the values nor the key: it compares digests that the organisation made on its own machine.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, BinaryIO

import orjson
from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import NotFound
from kifabrik.passport.data_protection_rules import data_protection_rules
from kifabrik.portal.catalogue.models import DatasetVersion, ErasureRequest, Release
from kifabrik.portal.catalogue.paths import FINDINGS_PATH
from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries.files import path_of
from kifabrik.portal.people.models import Organisation, User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access

_BLOCK_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class VersionHit:
    """A dataset version that holds the values: how often, in how many documents, of which kinds."""

    version: str
    dataset: str
    name: str
    number: int
    places: int
    documents: int
    kinds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotSearched:
    """A dataset version that could not be searched, and why: `other-key`, `no-rows` or `gone`."""

    version: str
    dataset: str
    name: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Places:
    """Everything a search found; runs and releases by their identifiers."""

    hits: tuple[VersionHit, ...] = ()
    not_searched: tuple[NotSearched, ...] = ()
    searched: int = 0
    runs: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many places there are in all versions."""
        return sum(hit.places for hit in self.hits)

    def keep(self) -> dict[str, Json]:
        """Write what is kept."""
        kept: dict[str, Json] = asdict(self)
        return kept

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "Places":
        """Read what was kept."""
        return cls(
            hits=tuple(VersionHit(**each) for each in row["hits"]),
            not_searched=tuple(NotSearched(**each) for each in row["not_searched"]),
            searched=row["searched"],
            runs=tuple(row["runs"]),
            releases=tuple(row["releases"]),
        )


def find_places(organisation: Organisation, *, key_id: str, digests: Collection[str]) -> Places:
    """Search every version of the organisation's datasets whose findings were made under this key."""
    hits: list[VersionHit] = []
    missed: list[NotSearched] = []
    searched = 0
    found_digests: list[str] = []
    for version in _versions(organisation):
        name = (version.pk, version.dataset_id, version.dataset.name, version.number)
        rows = next((file for file in version.files if file["path"] == FINDINGS_PATH), None)
        reason = _reason(version, rows, key_id)
        if reason or rows is None:
            missed.append(NotSearched(*name, reason))
            continue
        searched += 1
        with path_of(rows["digest"]).open("rb") as stream:
            places = list(scan_rows(stream, digests))
        if places:
            kinds = Counter(str(row["kind"]) for row in places)
            documents = len({row["document"] for row in places})
            hits.append(VersionHit(*name, len(places), documents, dict(sorted(kinds.items()))))
            found_digests.append(version.digest)
    runs = Run.objects.filter(organisation=organisation, dataset_digest__in=found_digests).order_by("requested_at")
    releases = Release.objects.filter(dataset_version__in=[hit.version for hit in hits]).order_by("created_at")
    return Places(
        tuple(hits),
        tuple(missed),
        searched,
        tuple(runs.values_list("pk", flat=True)),
        tuple(releases.values_list("pk", flat=True)),
    )


def scan_rows(stream: BinaryIO, digests: Collection[str]) -> Iterator[dict[str, Any]]:
    """Give the rows that hold one of the digests; a block without any of them is not read row by row."""
    wanted = [digest.encode() for digest in digests]
    carry = b""
    while block := stream.read(_BLOCK_BYTES):
        whole, newline, rest = (carry + block).rpartition(b"\n")
        carry = rest if newline else carry + block
        if any(digest in whole for digest in wanted):
            yield from _rows_in(whole, digests)
    if any(digest in carry for digest in wanted):
        yield from _rows_in(carry, digests)


def _rows_in(block: bytes, digests: Collection[str]) -> Iterator[dict[str, Any]]:
    for line in block.splitlines():
        if any(digest.encode() in line for digest in digests):
            row = orjson.loads(line)
            if row["digest"] in digests:
                yield row


def _versions(organisation: Organisation) -> QuerySet[DatasetVersion]:
    rows = DatasetVersion.objects.filter(dataset__organisation=organisation).select_related("dataset")
    return rows.defer("card", "summary").annotate(made_under=KT("card__redaction__key_id")).order_by("registered_at")


def _reason(version: DatasetVersion, rows: Mapping[str, Any] | None, key_id: str) -> str:
    if rows is None:
        return "no-rows"
    if version.made_under != key_id:  # type: ignore[attr-defined]  # annotated above
        return "other-key"
    return "" if path_of(rows["digest"]).is_file() else "gone"


# ---- requests that were kept -----------------------------------------------------------------------------------------


def list_requests(user: User) -> QuerySet[ErasureRequest]:
    """List the requests of the organisations in which a person may see personal data, the newest first."""
    rows = ErasureRequest.objects.select_related("organisation", "by", "decided_by")
    if not access.may(user, Permission.PERSONAL_DATA_SEE):
        return rows.none()
    return rows.filter(organisation__in=access.organisations_of(user))


def get_request(user: User, request_id: str) -> ErasureRequest:
    """Read one of these requests; raises NotFound for every other."""
    found = list_requests(user).filter(pk=request_id).first()
    if found is None:
        raise NotFound(_("There is no such request."), where=request_id)
    return found


def due_on(request: ErasureRequest) -> date:
    """Say by which day the person is to be answered."""
    return request.received_on + timedelta(days=data_protection_rules().answer_within_days)


def runs_of(places: Places) -> Sequence[Run]:
    """Read the runs that were trained on what was found."""
    return list(Run.objects.filter(pk__in=places.runs).order_by("requested_at"))


def releases_of(places: Places) -> Sequence[Release]:
    """Read the releases that came out of it."""
    rows = Release.objects.filter(pk__in=places.releases).select_related("model").defer("passport")
    return list(rows.order_by("created_at"))
