"""Reads the rows of findings that come with a dataset version, and draws the sample that people judge.

A row names a place and a keyed digest; a row with anything else in it is refused, so that no clear value gets in.
"""

import hashlib
import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils.translation import gettext as _

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.catalogue.models import DatasetVersion, SampledFinding
from kifabrik.portal.compute.services.files import FileEntry, open_stored

SAMPLE_PER_KIND = 100
_LINE_BYTES_MAX = 16 * 1024
_KINDS_MAX = 200
_KIND = re.compile(r"[a-z][a-z0-9-]{0,63}")
_DIGEST = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_COUNTRY = re.compile(r"(?:[A-Z]{2})?")
_FIELDS = frozenset({"document", "start", "end", "kind", "country", "tier", "digest"})


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One row as the check wrote it."""

    document: str
    start: int
    end: int
    kind: str
    country: str
    tier: int
    digest: str


def read_rows(entry: FileEntry) -> Iterator[FindingRow]:
    """Read the stored rows one by one; raises InvalidInput that names the first line that is no such row."""
    with open_stored(entry.digest) as stream:
        number = 0
        while line := stream.readline(_LINE_BYTES_MAX + 1):
            number += 1
            row = _read_row(line)
            if row is None:
                raise InvalidInput(
                    _("This line is no row of findings."),
                    where=f"{entry.path}:{number}",
                    remedy=_("Register the file as the check wrote it; it holds places and keyed digests only."),
                )
            yield row


def draw_sample(version: DatasetVersion, entry: FileEntry) -> int:
    """Keep a random sample of up to 100 findings of each kind; returns how many rows there are in the file.

    The draw is by the digest of row and version: uniform, and the same for everybody who draws again.
    """
    kept: dict[str, list[tuple[int, int, FindingRow]]] = {}
    count = 0
    for row in read_rows(entry):
        count += 1
        heap = kept.setdefault(row.kind, [])
        if len(kept) > _KINDS_MAX:
            raise InvalidInput(_("The file names too many kinds of findings."), where=entry.path)
        ticket = (-_lot(version.digest, row, count), count, row)
        if len(heap) < SAMPLE_PER_KIND:
            heapq.heappush(heap, ticket)
        elif ticket > heap[0]:
            heapq.heapreplace(heap, ticket)
    SampledFinding.objects.bulk_create(
        [
            SampledFinding(
                version=version,
                kind=kind,
                rank=rank,
                document=row.document,
                start=row.start,
                end=row.end,
                tier=row.tier,
                country=row.country,
                digest=row.digest,
            )
            for kind, heap in sorted(kept.items())
            for rank, (_ticket, _number, row) in enumerate(sorted(heap, reverse=True), start=1)
        ]
    )
    return count


def _lot(dataset_digest: str, row: FindingRow, number: int) -> int:
    """Give a row its place in the random order: the smallest lots are drawn."""
    text = f"{dataset_digest}\0{number}\0{row.document}\0{row.start}\0{row.digest}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _read_row(line: bytes) -> FindingRow | None:
    if len(line) > _LINE_BYTES_MAX:
        return None
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict) or row.keys() != _FIELDS:
        return None
    numbers = all(type(row[name]) is int and 0 <= row[name] < 2**31 for name in ("start", "end", "tier"))
    words = all(isinstance(row[name], str) for name in ("document", "kind", "country", "digest"))
    if not numbers or not words or not _is_well_formed(row):
        return None
    return FindingRow(**row)


def _is_well_formed(row: dict[str, Any]) -> bool:
    return (
        0 < len(row["document"]) <= 1000
        and row["start"] < row["end"]
        and row["tier"] <= 3
        and _KIND.fullmatch(row["kind"]) is not None
        and _COUNTRY.fullmatch(row["country"]) is not None
        and _DIGEST.fullmatch(row["digest"]) is not None
    )
