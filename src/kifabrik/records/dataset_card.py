"""DatasetCard: what is known, and what was not checked, about one immutable dataset version."""

from typing import Literal

from pydantic import Field

from kifabrik.core.findings import Finding
from kifabrik.records.base import Digest, Part, Record


class DeclaredOrigin(Part):
    """What a person declares; the only part of a card that no machine measured."""

    title: str
    licence: str = Field(description="SPDX identifier or 'unknown'")
    source: str = Field(description="where the documents come from, in words or as an address")
    source_kind: Literal["public", "licensed", "crawled", "user", "synthetic", "own", "other"] = "other"
    personal_data_role: Literal["none", "controller", "processor", "unknown"] = "unknown"
    legal_basis: str = ""


class Shard(Part):
    """One data file of a dataset version."""

    path: str
    digest: Digest
    size_bytes: int = Field(ge=0)
    documents: int = Field(ge=0)
    split: Literal["train", "held-out"]


class PersonalDataCount(Part):
    """How often one kind of personal identifier was found; the clear values are never stored."""

    kind: str
    findings: int = Field(ge=0)
    documents: int = Field(ge=0)


class SkippedFile(Part):
    """A file that was not read, and why."""

    path: str
    reason: str


class DatasetCard(Record):
    """The card of one dataset version; `digest` names its shards, and a training run refers to that digest."""

    schema_version: Literal[1] = 1
    name: str
    dataset_digest: Digest
    made_at: str = Field(description="UTC, ISO 8601")
    tool: str = Field(description="the program and version that made the card")
    origin: DeclaredOrigin
    files_read: int = Field(ge=0)
    files_skipped: int = Field(ge=0)
    skipped: tuple[SkippedFile, ...] = Field(description="the first of them, at most 100")
    documents_read: int = Field(ge=0)
    documents_kept: int = Field(ge=0)
    exact_duplicates_removed: int = Field(ge=0)
    text_bytes: int = Field(ge=0, description="UTF-8 bytes of the kept documents")
    train_documents: int = Field(ge=0)
    held_out_documents: int = Field(ge=0)
    split_rule: str
    languages: dict[str, int] = Field(description="language code -> documents")
    formats: dict[str, int] = Field(description="file suffix -> documents")
    licences_detected: dict[str, int] = Field(description="SPDX identifier -> documents that name it")
    personal_data: tuple[PersonalDataCount, ...]
    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...] = Field(description="what no check looked at, in words")
    shards: tuple[Shard, ...]
