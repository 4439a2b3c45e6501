"""A block of texts on its way: as read, as looked at, and as the columns that a part holds. Knows no detector."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.documents import Passage
from kifabrik.datasets.pipeline.part_files import join_texts


class Item(NamedTuple):
    """One text as read, with its place, its format, its UTF-8 bytes and their digest."""

    passage: Passage
    source: str
    format: str
    is_code: bool
    data: bytes
    digest: bytes


@dataclass(slots=True)
class Looked:
    """What is known about the kept texts of a block; all lists have one entry a text, in order."""

    passages: list[Passage]
    sources: list[str]
    formats: list[str]
    data: list[bytes]
    digests: list[bytes]
    languages: list[str]
    hits: list[tuple[tuple[Hit, str], ...]]  # with the keyed digest of each value
    domains: list[str]
    licences: list[str]
    stated: list[list[str]]
    doubts: list[tuple[str, ...]]
    touches: Sequence[str | None]
    reserved: list[bool | None]
    signatures: npt.NDArray[np.uint32] | None
    dropped: int = 0
    replaced: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns for the files of a part."""

    texts: dict[str, list[object] | pa.Array]
    facts: dict[str, list[object]]
    hits: dict[str, list[object]]


def lay_out(looked: Looked, *, first_row: int) -> Rows:
    """Turn a block into columns; `first_row` is the number of its first text in the part."""
    passages = looked.passages
    texts: dict[str, list[object] | pa.Array] = {
        "id": ["sha256:" + digest.hex() for digest in looked.digests],
        "source": [*looked.sources],
        "text": join_texts(looked.data),
        "format": [*looked.formats],
        "given_id": [each.given_id for each in passages],
        "title": [each.title for each in passages],
        "url": [each.url for each in passages],
        "licence": [each.licence for each in passages],
        "dated_on": [each.dated_on for each in passages],
        "language": [each.language for each in passages],
        "messages": [each.messages for each in passages],
    }
    facts: dict[str, list[object]] = {
        "id": [*looked.digests],
        "source": [*looked.sources],
        "text_bytes": [len(data) for data in looked.data],
        "language": [*looked.languages],
        "format": [*looked.formats],
        "form": [each.form for each in passages],
        "domain": [*looked.domains],
        "licence": [*looked.licences],
        "licences": [*looked.stated],
        "doubts": [*looked.doubts],
        "touches": [each or "" for each in looked.touches],
        "reserved": [*looked.reserved],
        "has_address": [bool(each.url) for each in passages],
    }
    return Rows(texts, facts, _lay_out_hits(looked, first_row))


def _lay_out_hits(looked: Looked, first_row: int) -> dict[str, list[object]]:
    found = [(row, hit, name) for row, hits in enumerate(looked.hits, first_row) for hit, name in hits]
    return {
        "row": [row for row, _, _ in found],
        "start": [hit.start for _, hit, _ in found],
        "end": [hit.end for _, hit, _ in found],
        "kind": [hit.kind for _, hit, _ in found],
        "country": [hit.country for _, hit, _ in found],
        "tier": [hit.tier for _, hit, _ in found],
        "is_example": [hit.is_example for _, hit, _ in found],
        "digest": [name for _, _, name in found],
    }
