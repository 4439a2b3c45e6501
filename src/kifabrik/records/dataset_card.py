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
    creator: str = Field(default="", description="person or organisation that made the collection")
    url: str = Field(default="", description="where the collection can be had, if it can")
    collected_from: str = Field(default="", description="first day of the collection period, ISO 8601, or empty")
    collected_to: str = Field(default="", description="last day of the collection period, ISO 8601, or empty")
    personal_data_role: Literal["none", "controller", "processor", "unknown"] = "unknown"
    legal_basis: str = Field(default="", description="Article 6 GDPR, for example '6(1)(f)'")
    purpose: str = Field(default="", description="what the personal data in the texts are processed for")
    retention_until: str = Field(default="", description="day on which the copies are deleted, ISO 8601, or empty")
    special_categories: Literal["none", "present", "unknown"] = "unknown"


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
    tiers: dict[str, int] = Field(
        default={},
        description="'3' checksum and structure, '2' strict form or context word, '1' shape only -> findings",
    )
    countries: dict[str, int] = Field(default={}, description="ISO 3166-1 alpha-2 -> findings, where a kind has one")


class DeduplicationRecord(Part):
    """How near-duplicates were searched (Broder 1997) and removed."""

    method: str = Field(description="for example 'MinHash LSH with verified clusters'")
    shingle_words: int = Field(ge=1)
    permutations: int = Field(ge=1)
    bands: int = Field(ge=1)
    rows: int = Field(ge=1)
    threshold: float = Field(gt=0, le=1, description="true Jaccard similarity from which two documents are duplicates")
    candidate_pairs: int = Field(ge=0)
    verified_pairs: int = Field(ge=0)
    clusters: int = Field(ge=0)
    removed_documents: int = Field(ge=0)
    removed_bytes: int = Field(ge=0)
    other_datasets: dict[str, int] = Field(
        default={}, description="name and digest of another dataset -> documents with a verified near-duplicate there"
    )
    removed_for_others: int = Field(default=0, ge=0, description="documents left out because another dataset has them")


class DecontaminationRecord(Part):
    """Documents that share n-grams with texts on which models are evaluated (Brown et al. 2020, appendix C)."""

    ngram_words: int = Field(ge=1)
    evaluation_sets: dict[str, int] = Field(description="name and digest of the set -> documents that touch it")
    removed_documents: int = Field(ge=0)


class QualitySignal(Part):
    """One published heuristic: how many documents it would doubt."""

    code: str
    title: str
    source: str = Field(description="the paper that published it")
    doubted_documents: int = Field(ge=0)


class DomainShare(Part):
    """What one registrable domain contributes."""

    domain: str
    documents: int = Field(ge=0)
    text_bytes: int = Field(ge=0)


class OptOutEvidence(Part):
    """A file that says whether text and data mining is reserved, as it was found."""

    kind: Literal["robots.txt", "tdmrep.json", "ai.txt"]
    path: str
    domain: str
    digest: Digest
    dated_on: str = Field(description="ISO 8601 day on which it was fetched, or empty")
    reserves: bool | None = Field(description="None where the file does not say")


class RightsRecord(Part):
    """How the kept documents stand to the opt-out files that were given; documents without an address are not judged.

    A document without a file for its host counts as not judged too: nobody looked, so nothing is known.
    """

    documents_with_address: int = Field(ge=0)
    documents_judged: int = Field(ge=0, description="documents for whose host at least one file was given")
    reserved_documents: int = Field(ge=0, description="kept although a file reserves text and data mining")
    reserved_bytes: int = Field(ge=0)
    removed_documents: int = Field(default=0, ge=0, description="left out because a file reserves it")
    crawlers: str = Field(default="", description="version of the list of crawlers whose Disallow counts")


class FindingsFile(Part):
    """The rows of personal identifiers that lie beside the card; offsets and keyed digests, never a clear value."""

    digest: Digest
    rows: int = Field(ge=0)


class ConversationCount(Part):
    """Chat and instruction rows: the form in which they came and what became of them."""

    form: str = Field(description="for example 'alpaca', 'sharegpt', 'messages', 'preference'")
    rows: int = Field(ge=0)
    converted: bool


class RedactionRecord(Part):
    """What was done with personal identifiers that were found."""

    action: Literal["report", "placeholder", "mask", "pseudonym", "drop"] = "report"
    replaced: dict[str, int] = Field(default={}, description="kind -> replacements")
    dropped_documents: int = Field(default=0, ge=0)
    key_id: str = Field(default="", description="names the HMAC key of pseudonyms and digests, which is kept elsewhere")


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
    rules: str = Field(default="", description="version and digest of the rule table, and the engine that ran it")
    names_method: str = Field(default="none", description="how names were looked for; 'none' = not checked")
    redaction: RedactionRecord = RedactionRecord()
    deduplication: DeduplicationRecord | None = None
    decontamination: DecontaminationRecord | None = None
    quality: tuple[QualitySignal, ...] = ()
    lengths: dict[str, int] = Field(default={}, description="'<bytes, a power of two' -> kept documents below it")
    domains: tuple[DomainShare, ...] = Field(default=(), description="the largest registrable domains, at most 1000")
    domains_count: int = Field(default=0, ge=0, description="how many registrable domains there are in all")
    opt_outs: tuple[OptOutEvidence, ...] = ()
    rights: RightsRecord | None = Field(default=None, description="None where no opt-out files were given")
    licences_declared: dict[str, int] = Field(default={}, description="SPDX identifier in a column -> documents")
    findings_file: FindingsFile | None = None
    conversations: tuple[ConversationCount, ...] = ()
    shards: tuple[Shard, ...]
